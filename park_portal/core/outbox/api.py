from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from django.http import Http404
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import Changeable, Resource, ResourceSerializer, Strict
from park_portal.core.outbox.models import Delivery, Preference
from park_portal.core.outbox.registry import Kind
from park_portal.core.outbox.services import mark_read, preferences_of, set_preference
from park_portal.core.outbox.states import Mode


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


class ReadSerializer(serializers.Serializer[Any]):
    ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=1000, help_text="Without it: all of them."
    )


class CountSerializer(serializers.Serializer[Any]):
    read = serializers.IntegerField(help_text="How many were unread.")


class InboxResource(Resource):
    """Your own notices, newest first."""

    scope = "inbox"
    model = Delivery
    serializer_class = NoticeSerializer
    filterset_class = NoticeFilter
    orders = ("created_at",)
    lookup_field = "public_id"
    queryset = Delivery.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return Delivery.objects.visible_to(self.request.user)  # type: ignore[arg-type] # nobody else comes here

    @extend_schema(request=ReadSerializer, responses=CountSerializer)
    @action(detail=False, methods=["post"], url_path="read")
    @idempotent
    def read_many(self, request: Request) -> Response:
        """Mark notices as read: those named, or all."""
        sent = ReadSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return Response({"read": mark_read(request.user, ids=sent.validated_data.get("ids"))})

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def read(self, request: Request, public_id: str) -> Response:
        """Mark one notice as read. Doing so again changes nothing."""
        row = self.get_object()
        mark_read(request.user, ids=[row.public_id])
        return Response(self.show(self.get_object()))


class PreferenceSerializer(Strict, serializers.Serializer[Any]):
    kind = serializers.CharField(read_only=True)
    label = serializers.CharField(read_only=True)  # type: ignore[assignment] # named as the API names it
    group = serializers.CharField(read_only=True)
    required = serializers.BooleanField(read_only=True, help_text="Always sent at once.")  # type: ignore[assignment] # named as the API names it
    mode = serializers.ChoiceField(choices=Mode.choices)


class PreferencesSerializer(serializers.Serializer[Any]):
    results = PreferenceSerializer(many=True)


class PreferenceResource(Changeable, Resource):
    """How you want each kind of notice by e-mail; the inbox has them all."""

    scope = "account"
    model = Preference
    serializer_class = PreferenceSerializer
    pagination_class = None  # there are few, and they are no rows
    filter_backends = ()
    lookup_field = "kind"
    lookup_value_regex = r"[a-z_.]{1,80}"
    queryset = Preference.objects.none()

    @extend_schema(responses=forced_singular_serializer(PreferencesSerializer))
    def list(self, request: Request) -> Response:
        """Every kind that concerns you, with how it is sent."""
        held = preferences_of(self.actor)
        return Response({"results": [_preference(kind, mode) for kind, mode in held]})

    def get_object(self) -> dict[str, Any]:
        for kind, mode in preferences_of(self.actor):
            if kind.name == self.kwargs["kind"]:
                return _preference(kind, mode)
        raise Http404

    def locked(self) -> dict[str, Any]:
        row = self.get_object()
        self.check_version(row)
        return row

    def change(self, row: dict[str, Any], values: dict[str, Any]) -> None:
        set_preference(self.actor, kind=row["kind"], mode=values.get("mode", row["mode"]))


def _preference(kind: Kind, mode: str) -> dict[str, Any]:
    return {
        "kind": kind.name,
        "label": str(kind.label),
        "group": str(kind.group),
        "required": kind.required,
        "mode": mode,
    }
