"""Calculations that decisions rest on."""

from __future__ import annotations

import django_filters

from funding.reviews.models import Calculation
from park_portal.core.api.resource import OfStaff, Resource, ResourceSerializer


class CalculationSerializer(ResourceSerializer):
    class Meta:
        model = Calculation
        fields = (
            *("id", "call", "stage", "kind", "method", "seed", "inputs_sha256"),
            *("parameters", "result", "made_by", "made_at"),
        )
        read_only_fields = fields


class CalculationFilter(django_filters.FilterSet):
    class Meta:
        model = Calculation
        fields = ["call", "kind"]


class CalculationResource(OfStaff, Resource):
    """Calculations that decisions rest on, with method, seed and fingerprint of the inputs, for staff."""

    scope = "reviews"
    model = Calculation
    serializer_class = CalculationSerializer
    filterset_class = CalculationFilter
    queryset = Calculation.objects.none()
