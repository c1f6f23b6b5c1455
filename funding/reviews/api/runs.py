"""What waits for an opinion: the university's queue, and the staff's."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from funding.calls.models import Criterion
from funding.calls.states import StageKind
from funding.reviews.models import StageRun
from funding.reviews.pages import LeftInVersion, left_in
from funding.reviews.reading import latest_version
from funding.reviews.services import (
    act_in_stage,
)
from funding.reviews.states import Opinion, RunState
from park_portal.core.api.acts import HasActs
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import Resource, ResourceSerializer
from park_portal.core.workflow import require


class CriterionSerializer(serializers.ModelSerializer[Criterion]):
    class Meta:
        model = Criterion
        fields = ("id", "kind", "label", "help", "weight", "max_score", "allow_na")
        read_only_fields = fields


class RunSerializer(ResourceSerializer):
    number = serializers.CharField(source="application.number", read_only=True)
    title = serializers.CharField(source="application.title", read_only=True)
    call = serializers.CharField(source="application.call.code", read_only=True)
    kind = serializers.ChoiceField(source="stage.kind", choices=StageKind.choices, read_only=True)
    acts = serializers.CharField(source="stage.acts", read_only=True, help_text="Who acts in it.")
    note = serializers.CharField(source="note_text", read_only=True)
    criteria = CriterionSerializer(source="stage.criteria", many=True, read_only=True)

    class Meta:
        model = StageRun
        fields = (
            *("id", "application", "number", "title", "call", "kind", "acts", "state"),
            *("entered_at", "due_at", "finished_at", "note", "criteria"),
        )
        read_only_fields = fields


class NamedPlaceSerializer(serializers.Serializer[Any]):
    place = serializers.CharField()
    text = serializers.CharField()


class LookedAtFileSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(source="original.name")
    document = serializers.UUIDField(
        source="original.public_id", help_text="As it was sent, under documents/."
    )
    copy = serializers.UUIDField(
        source="document.public_id", allow_null=True, default=None, help_text="As reviewers get it."
    )
    problem = serializers.CharField(help_text="Why reviewers do not get it; empty where they do.")
    names = NamedPlaceSerializer(source="places", many=True)
    unread = serializers.IntegerField(help_text="Parts without text, such as scanned pages.")


class LeftAnswerSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    place = serializers.CharField()
    kind = serializers.CharField()
    text = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


class LeftInVersionSerializer(serializers.Serializer[Any]):
    answers = LeftAnswerSerializer(many=True)
    files = LookedAtFileSerializer(many=True)


class RunFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=RunState.choices)
    kind = django_filters.ChoiceFilter(field_name="stage__kind", choices=StageKind.choices)
    call = django_filters.CharFilter(field_name="application__call__code")
    application = django_filters.NumberFilter(field_name="application_id")

    class Meta:
        model = StageRun
        fields = ("state", "kind", "application")


class MarkSerializer(serializers.Serializer[Any]):
    criterion = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    value = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=10,
        help_text="A number; of a check “met”, “not_met” or “na”.",
    )
    not_applicable = serializers.BooleanField(required=False, default=False)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class OpeningSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(max_length=80)
    comment = serializers.CharField(allow_blank=True, required=False, default="", max_length=2000)


class OpinionSerializer(serializers.Serializer[Any]):
    opinion = serializers.ChoiceField(choices=Opinion.choices)
    marks = MarkSerializer(many=True, required=False, default=list)
    comment_committee = serializers.CharField(allow_blank=True, required=False, default="", max_length=4000)
    comment_applicant = serializers.CharField(allow_blank=True, required=False, default="", max_length=4000)
    open = OpeningSerializer(many=True, required=False, default=list, help_text="To return: what to change.")
    due_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="By when it is to be changed."
    )


class RunResource(HasActs, Resource):
    """Applications in a stage: for liaisons those that wait, or waited, for their university's opinion; for staff all."""

    scope = "reviews"
    model = StageRun
    serializer_class = RunSerializer
    filterset_class = RunFilter
    orders = ("id", "due_at")
    queryset = StageRun.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        rows = super().rows().select_related("stage", "application__call", "application__project")
        return rows.prefetch_related("stage__criteria")

    @extend_schema(responses=LeftInVersionSerializer)
    @action(detail=True, methods=["get"])
    def names(self, request: Request, pk: str) -> Response:
        """For staff: where double-blind reviewers would read who applies, in answers and files, and files they do not get."""
        run: StageRun = self.get_object()
        require(self.actor, "funding.see_reviews", run)
        found = left_in(latest_version(run.application))
        return Response(LeftInVersionSerializer(found or LeftInVersion([], [])).data)

    @extend_schema(request=OpinionSerializer, responses=RunSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def opinion(self, request: Request, pk: str) -> Response:
        """Give your opinion where it is your turn: endorse or pass, object or reject, or return for changes."""
        run: StageRun = self.get_object()
        sent = OpinionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values = sent.validated_data
        checked = {one.pk for one in run.stage.criteria.all() if one.kind == "check"}
        marks = values["marks"]
        act_in_stage(
            run,
            actor=self.actor,
            opinion=values["opinion"],
            checks={one["criterion"]: one.get("value") or "" for one in marks if one["criterion"] in checked},
            scores={one["criterion"]: one for one in marks if one["criterion"] not in checked},
            comment_committee=values["comment_committee"],
            comment_applicant=values["comment_applicant"],
            items={one["key"]: one["comment"] for one in values["open"]},
            due_at=values["due_at"],
        )
        return Response(self.show(self.get_object()))
