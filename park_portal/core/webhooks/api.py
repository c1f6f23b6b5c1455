from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import Changeable, Removable, Resource, ResourceSerializer
from park_portal.core.views import visible_or_404
from park_portal.core.webhooks.models import Webhook, WebhookAttempt, WebhookEvent
from park_portal.core.webhooks.services import (
    CHANGEABLE,
    create_webhook,
    pause_webhook,
    remove_webhook,
    renew_secret,
    resume_webhook,
    send_again,
    send_test,
    update_webhook,
)
from park_portal.core.webhooks.states import EventStatus


class WebhookSerializer(ResourceSerializer):
    kinds = serializers.ListField(child=serializers.CharField(max_length=80), max_length=200)

    class Meta:
        model = Webhook
        fields = ("id", *CHANGEABLE, "of_park", "state", "failures", "failing_since", "created_at")
        read_only_fields = ("id", "of_park", "state", "failures", "failing_since", "created_at")


class NewWebhookSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60)
    url = serializers.CharField(max_length=400)
    kinds = serializers.ListField(child=serializers.CharField(max_length=80), max_length=200)
    of_park = serializers.BooleanField(default=False)


class MadeWebhookSerializer(WebhookSerializer):
    secret = serializers.CharField(read_only=True, help_text="Told this once.")

    class Meta:
        model = Webhook
        fields = (*WebhookSerializer.Meta.fields, "secret")
        read_only_fields = fields


class AttemptSerializer(serializers.ModelSerializer[WebhookAttempt]):
    class Meta:
        model = WebhookAttempt
        fields = ("number", "at", "status", "milliseconds", "answer", "error")
        read_only_fields = fields


class EventSerializer(ResourceSerializer):
    id = serializers.CharField(source="header_id", read_only=True)
    attempts = AttemptSerializer(many=True, read_only=True)

    class Meta:
        model = WebhookEvent
        fields = ("id", "kind", "status", "body", "created_at", "next_at", "attempts")
        read_only_fields = fields


class WebhookResource(Changeable, Removable, Resource):
    """Your webhooks; for staff leads the park's, too."""

    scope = "webhooks"
    model = Webhook
    serializer_class = WebhookSerializer
    told_once = ("secret",)
    queryset = Webhook.objects.none()

    def change(self, row: Webhook, values: dict[str, Any]) -> Webhook:
        return update_webhook(row, actor=self.actor, **values)

    @extend_schema(request=NewWebhookSerializer, responses={201: MadeWebhookSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Make a webhook. The answer tells its ``secret``, this once; a repeated request is answered without it."""
        sent = NewWebhookSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        webhook, secret = create_webhook(actor=self.actor, **sent.validated_data)
        row = visible_or_404(self.rows(), pk=webhook.pk)
        shown = {**self.show(row), "secret": secret}
        return Response(shown, status=201, headers={"ETag": self.tag_of(row)})

    def remove(self, row: Webhook) -> None:
        remove_webhook(row, actor=self.actor)

    @extend_schema(request=None, responses=MadeWebhookSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def secret(self, request: Request, pk: str) -> Response:
        """Make a new secret, told this once. For a day the earlier one signs, too."""
        webhook, secret = renew_secret(self.get_object(), actor=self.actor)
        return Response({**self.show(webhook), "secret": secret})

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def pause(self, request: Request, pk: str) -> Response:
        """Tell it nothing until it is resumed."""
        return Response(self.show(pause_webhook(self.get_object(), actor=self.actor)))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def resume(self, request: Request, pk: str) -> Response:
        """Tell it of what happens from now on."""
        return Response(self.show(resume_webhook(self.get_object(), actor=self.actor)))

    @extend_schema(request=None, responses={202: EventSerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def test(self, request: Request, pk: str) -> Response:
        """Send something to try it with, once."""
        event = send_test(self.get_object(), actor=self.actor)
        return Response(EventSerializer(event, context=self.get_serializer_context()).data, status=202)


class EventFilter(django_filters.FilterSet):
    webhook = django_filters.NumberFilter(field_name="webhook_id")
    status = django_filters.ChoiceFilter(choices=EventStatus.choices)

    class Meta:
        model = WebhookEvent
        fields = ("webhook", "status")


class WebhookRequestResource(Resource):
    """What was sent to your webhooks and what they answered, newest first; kept for 30 days."""

    scope = "webhooks"
    model = WebhookEvent
    serializer_class = EventSerializer
    filterset_class = EventFilter
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_regex = "msg_[0-9a-f]{32}"
    queryset = WebhookEvent.objects.none()

    def _key(self) -> str:
        return str(self.kwargs["id"]).removeprefix("msg_")

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("webhook").prefetch_related("attempts")

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def again(self, request: Request, id: str) -> Response:
        """Send it once more, unchanged and under its own id; refused while an attempt is still to come."""
        send_again(self.get_object(), actor=self.actor)
        return Response(self.show(self.get_object()))
