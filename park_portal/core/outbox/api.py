from __future__ import annotations

import uuid
from typing import Any

import django_filters
from django.db import models
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import Resource, ResourceSerializer
from park_portal.core.outbox.models import Delivery
from park_portal.core.outbox.services import mark_read


class NoticeSerializer(ResourceSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    subject = serializers.CharField(source="subject_text", read_only=True)
    text = serializers.CharField(source="body_text", read_only=True)

    class Meta:
        model = Delivery
        fields = ("id", "kind", "subject", "text", "link", "created_at", "read_at")
        read_only_fields = fields


class NoticeFilter(django_filters.FilterSet):
    unread = django_filters.BooleanFilter(field_name="read_at", lookup_expr="isnull")

    class Meta:
        model = Delivery
        fields = ("unread", "kind")


class InboxResource(Resource):
    """Your own notices, newest first."""

    scope = "inbox"
    model = Delivery
    serializer_class = NoticeSerializer
    filterset_class = NoticeFilter
    orders = ("created_at",)
    lookup_field = "public_id"
    queryset = Delivery.objects.none()

    def _key(self) -> str:
        try:
            return str(uuid.UUID(str(self.kwargs[self.lookup_field])))
        except ValueError:
            raise Http404 from None

    def rows(self) -> models.QuerySet[Any]:
        return Delivery.objects.visible_to(self.request.user)  # type: ignore[arg-type] # nobody else comes here

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def read(self, request: Request, public_id: str) -> Response:
        """Mark one notice as read. Doing so again changes nothing."""
        row = self.get_object()
        mark_read(request.user, ids=[row.public_id])
        return Response(self.show(self.get_object()))
