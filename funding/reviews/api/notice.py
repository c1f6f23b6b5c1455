"""Public notices and objections to them."""

from __future__ import annotations

from typing import Any

from django.db import models
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from funding.reviews.models import Objection, StageRun
from funding.reviews.services import (
    record_objection,
)
from funding.reviews.views.notice import applicant_name, refuse_too_often, runs_under_notice
from park_portal.core.api.acts import HasActs
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import OfStaff, Resource, ResourceSerializer


class ObjectionSerializer(ResourceSerializer):
    application = serializers.IntegerField(source="run.application_id", read_only=True)
    email = serializers.CharField(read_only=True)

    class Meta:
        model = Objection
        fields = (
            *("id", "run", "application", "name", "email", "text", "received_at"),
            *("resolution", "upheld", "resolved_by", "resolved_at"),
        )
        read_only_fields = fields


class ObjectionResource(HasActs, OfStaff, Resource):
    """Objections raised during a public notice, for staff; resolved by ``acts/``."""

    scope = "reviews"
    model = Objection
    serializer_class = ObjectionSerializer
    queryset = Objection.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("run__application")


class PublicNoticeSerializer(ResourceSerializer):
    number = serializers.CharField(source="application.number", read_only=True)
    title = serializers.CharField(source="application.title", read_only=True)
    call = serializers.CharField(source="application.call.code", read_only=True)
    applicant = serializers.SerializerMethodField()
    until = serializers.DateTimeField(source="due_at", read_only=True)

    class Meta:
        model = StageRun
        fields = ("id", "number", "title", "call", "applicant", "until")
        read_only_fields = fields

    def get_applicant(self, run: StageRun) -> str:
        """Who applies."""
        return applicant_name(run.application)


class NewObjectionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True, default="")
    text = serializers.CharField(max_length=4000)


class NoticeResource(Resource):
    """Applications under public notice: read by everyone, objected to by whoever signed in (others on the page)."""

    scope = "reviews"
    public = True
    model = StageRun
    serializer_class = PublicNoticeSerializer
    orders = ("due_at",)
    default_order = "due_at"
    queryset = StageRun.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return runs_under_notice()

    @extend_schema(request=NewObjectionSerializer, responses={204: None})
    @action(detail=True, methods=["post"], url_path="objections", url_name="object")
    @idempotent
    def objections(self, request: Request, pk: str) -> Response:
        """Object, with a reason that can be checked."""
        sent = NewObjectionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        run = self.get_object()
        refuse_too_often()
        record_objection(run, **sent.validated_data)
        return Response(status=204)
