from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from rest_framework import serializers

from funding.awards.models import Award
from funding.awards.states import AwardState
from funding.funds.models import Fund
from park_portal.core.api.acts import HasActs
from park_portal.core.api.resource import Resource, ResourceSerializer


class AwardSerializer(ResourceSerializer):
    fund = serializers.SlugRelatedField[Fund](slug_field="code", read_only=True)

    class Meta:
        model = Award
        fields = (
            *("id", "number", "application", "fund", "organisation", "project"),
            *("title", "amount_fen", "state", "awarded_at"),
        )
        read_only_fields = fields


class AwardFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=AwardState.choices)
    fund = django_filters.CharFilter(field_name="fund__code")

    class Meta:
        model = Award
        fields = ("state", "fund", "application")


class AwardResource(HasActs, Resource):
    """What your approved applications were given; park staff see all, and move them on by ``acts/``."""

    scope = "decisions"
    model = Award
    serializer_class = AwardSerializer
    filterset_class = AwardFilter
    orders = ("id", "awarded_at")
    queryset = Award.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("fund")
