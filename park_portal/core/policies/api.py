from __future__ import annotations

import django_filters
from django.db import models

from park_portal.core.api.acts import HasActs
from park_portal.core.api.resource import OfStaff, Resource, ResourceSerializer
from park_portal.core.policies.models import PolicyValue


class PolicySerializer(ResourceSerializer):
    class Meta:
        model = PolicyValue
        fields = (
            *("id", "key", "label", "value", "unit", "source", "confidence"),
            *("effective_from", "effective_to", "edited"),
        )
        read_only_fields = fields


class PolicyFilter(django_filters.FilterSet):
    on = django_filters.DateFilter(method="in_force", label="In force on this day.")

    class Meta:
        model = PolicyValue
        fields = ("key", "unit", "confidence")

    def in_force(self, rows: models.QuerySet[PolicyValue], _name: str, on: object) -> object:
        """Return the rows in force on a day: at most one a key."""
        return rows.in_force(on)  # type: ignore[attr-defined] # the policies' own query set


class PolicyResource(HasActs, OfStaff, Resource):
    """The dated figures of law and policy, for staff; replaced and ended by ``acts/``."""

    scope = "park"
    model = PolicyValue
    serializer_class = PolicySerializer
    filterset_class = PolicyFilter
    orders = ("id", "key", "effective_from")
    default_order = "key"
    queryset = PolicyValue.objects.none()
