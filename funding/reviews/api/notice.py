"""Public notices and objections to them."""

from __future__ import annotations

from typing import Any

from django.db import models
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from funding.reviews.models import NoticeLine, Objection, PublicNotice
from funding.reviews.services import record_objection
from funding.reviews.views.notice import lines_under_notice, refuse_too_often
from park_portal.core.api.acts import HasActs
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import OfStaff, Resource, ResourceSerializer
from park_portal.core.views import visible_or_404


class ObjectionSerializer(ResourceSerializer):
    application = serializers.IntegerField(source="run.application_id", read_only=True)
    notice = serializers.IntegerField(source="line.notice_id", read_only=True, default=None)
    email = serializers.CharField(read_only=True)

    class Meta:
        model = Objection
        fields = (
            *("id", "run", "notice", "line", "application", "name", "email", "text", "received_at", "due_at"),
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
        return super().rows().select_related("run__application", "line")


class NoticeLineSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    number = serializers.CharField(source="application.number")
    title = serializers.CharField(source="application.title")
    applicant = serializers.CharField(source="application.applicant_line")
    amount_fen = serializers.IntegerField(allow_null=True, help_text="Proposed.")


class PublicNoticeSerializer(ResourceSerializer):
    call = serializers.CharField(source="call.code", read_only=True)
    until = serializers.DateTimeField(source="ends_at", read_only=True)
    document = serializers.UUIDField(
        source="document.public_id", read_only=True, allow_null=True, default=None
    )
    lines = NoticeLineSerializer(source="shown_lines", many=True, read_only=True)

    class Meta:
        model = PublicNotice
        fields = ("id", "call", "published_at", "working_days", "until", "document", "lines")
        read_only_fields = fields


class NewObjectionSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    name = serializers.CharField(max_length=80)
    email = serializers.EmailField(max_length=254)
    text = serializers.CharField(max_length=4000)


class NoticeResource(Resource):
    """Lists of what is proposed for funding: read by everyone, objected to by whoever signed in (others on the page).

    The PDF of each is under ``documents/``.
    """

    scope = "reviews"
    public = True
    model = PublicNotice
    serializer_class = PublicNoticeSerializer
    orders = ("published_at", "ends_at")
    default_order = "-published_at"
    queryset = PublicNotice.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        lines = NoticeLine.objects.standing().select_related(
            "application__organisation", "application__project__university", "application__project__faculty"
        )
        shown = models.Prefetch("lines", lines.order_by("application__number"), to_attr="shown_lines")
        return super().rows().select_related("call", "document").prefetch_related(shown)

    @extend_schema(request=NewObjectionSerializer, responses={204: None})
    @action(detail=True, methods=["post"], url_path="objections", url_name="object")
    @idempotent
    def objections(self, request: Request, pk: str) -> Response:
        """Object to one line of a notice that runs, with a reason that can be checked."""
        sent = NewObjectionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values = dict(sent.validated_data)
        line = visible_or_404(lines_under_notice().filter(notice=self.get_object()), pk=values.pop("line"))
        refuse_too_often()
        record_objection(line, **values)
        return Response(status=204)
