from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import django_filters
from django.db import models
from rest_framework import serializers

from park_portal.core.api.resource import OfStaff, Resource, ResourceSerializer
from park_portal.core.audit.models import Entry


class EntrySerializer(ResourceSerializer):
    before = serializers.JSONField(read_only=True)
    after = serializers.JSONField(read_only=True)

    class Meta:
        model = Entry
        fields = (
            *("id", "at", "action", "actor", "on_behalf_of", "object_type", "object_id", "object_label"),
            *("before", "after", "facts", "door", "address", "request_id"),
        )
        read_only_fields = fields


class MomentFilter(django_filters.IsoDateTimeFilter):
    """A moment with any offset: PostgreSQL knows none beyond 16 hours, and nothing is before its first year."""

    def filter(self, qs: models.QuerySet[Any], value: datetime | None) -> models.QuerySet[Any]:
        try:
            found: models.QuerySet[Any] = super().filter(qs, value.astimezone(UTC) if value else value)
        except OverflowError:
            return qs.none()
        return found


class EntryFilter(django_filters.FilterSet):
    since = MomentFilter(field_name="at", lookup_expr="gte")
    until = MomentFilter(field_name="at", lookup_expr="lt")
    actor = django_filters.NumberFilter(field_name="actor_id")

    class Meta:
        model = Entry
        fields = ("action", "object_type", "object_id", "request_id", "door")


class AuditResource(OfStaff, Resource):
    """The audit trail, newest first, for who may read it in the administration."""

    scope = "park"
    model = Entry
    serializer_class = EntrySerializer
    filterset_class = EntryFilter
    queryset = Entry.objects.none()
