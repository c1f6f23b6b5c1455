from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from funding.applications.models import Application
from funding.decisions.models import Decision, Letter
from funding.decisions.services import (
    Proposal,
    drop_decision,
    edit_letter,
    outcome_of,
    propose_decisions,
    release_decisions,
    write_letters,
)
from funding.decisions.states import DecisionState, LetterState, Verdict
from park_portal.core.api.acts import HasActs
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import Changeable, Removable, Resource, ResourceSerializer, Rows
from park_portal.core.views import visible_or_404
from park_portal.core.workflow import require

OF_STAFF = "funding.see_ranking"
MOST = 1000


class DecisionSerializer(ResourceSerializer):
    # Who chose, when, and what the staff noted is not the applicant's to know.
    private = dict.fromkeys(("note", "decided_by", "decided_at"), OF_STAFF)

    class Meta:
        model = Decision
        fields = (
            *("id", "application", "verdict", "amount_fen", "conditions", "comment_applicant", "note"),
            *("state", "decided_by", "decided_at", "released_at"),
        )
        read_only_fields = fields


class ProposalSerializer(serializers.Serializer[Any]):
    application = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    amount_fen = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=10**15
    )
    conditions = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)
    comment_applicant = serializers.CharField(required=False, allow_blank=True, default="", max_length=8000)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)


class SomeSerializer(serializers.Serializer[Any]):
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), min_length=1, max_length=MOST
    )


class DecisionsSerializer(serializers.Serializer[Any]):
    results = DecisionSerializer(many=True)


class DecisionFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=DecisionState.choices)
    verdict = django_filters.ChoiceFilter(choices=Verdict.choices)
    call = django_filters.CharFilter(field_name="application__call__code")
    application = django_filters.NumberFilter(field_name="application_id")

    class Meta:
        model = Decision
        fields = ("state", "verdict", "application")


class DecisionResource(Removable, Resource):
    """What was decided of your applications, once it is released; park staff see the pending verdicts, too."""

    scope = "decisions"
    model = Decision
    serializer_class = DecisionSerializer
    filterset_class = DecisionFilter
    orders = ("id", "released_at")
    queryset = Decision.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("application")

    @extend_schema(request=ProposalSerializer, responses={201: DecisionSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Keep a verdict pending, in the place of the application's pending one; told to nobody before its release."""
        require(self.actor, "funding.propose_decisions")
        sent = ProposalSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values = dict(sent.validated_data)
        rows = Application.objects.visible_to(self.actor)
        values["application"] = visible_or_404(rows, pk=values["application"])
        (made,) = propose_decisions([Proposal(**values)], actor=self.actor)
        row = visible_or_404(self.rows(), pk=made.pk)
        return Response(self.show(row), status=201, headers={"ETag": self.tag_of(row)})

    def remove(self, row: Decision) -> None:
        drop_decision(row, actor=self.actor)

    @extend_schema(request=SomeSerializer, responses=DecisionsSerializer)
    @action(detail=False, methods=["post"])
    @idempotent
    def release(self, request: Request) -> Response:
        """Release these pending decisions together, or none: states, letters, awards and notices."""
        require(self.actor, "funding.release_decisions")
        release_decisions(chosen := self._chosen(request), actor=self.actor)
        return self._answer(chosen)

    @extend_schema(request=SomeSerializer, responses=DecisionsSerializer)
    @action(detail=False, methods=["post"])
    @idempotent
    def letters(self, request: Request) -> Response:
        """Write the letters of these pending decisions that have none yet."""
        require(self.actor, "funding.write_letters")
        write_letters(chosen := self._chosen(request), actor=self.actor)
        return self._answer(chosen)

    def _chosen(self, request: Request) -> list[Decision]:
        sent = SomeSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return [visible_or_404(self.rows(), pk=pk) for pk in sorted(set(sent.validated_data["ids"]))]

    def _answer(self, chosen: list[Decision]) -> Response:
        rows = self.rows().filter(pk__in=[one.pk for one in chosen]).order_by("pk")
        return Response({"results": [self.show(row) for row in rows]})


class OutcomeSerializer(serializers.Serializer[Any]):
    decision = DecisionSerializer()
    comments = serializers.ListField(child=serializers.CharField())
    letter = serializers.UUIDField(allow_null=True, help_text="Its PDF, under documents/.")


class OutcomeResource(Rows):
    """What applicants are told of an application, once it is released: verdict, comments, letter."""

    scope = "decisions"
    model = Application
    serializer_class = OutcomeSerializer
    pagination_class = None  # each application has one
    queryset = Application.objects.none()

    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        """The outcome of the application with this id."""
        application = self.get_object()
        require(self.actor, "funding.view_application_page", application)
        found = outcome_of(application)
        if found is None:
            raise Http404
        letter = found.letter
        return Response(
            {
                "decision": DecisionSerializer(found.decision, context=self.get_serializer_context()).data,
                "comments": found.comments,
                "letter": str(letter.document.public_id) if letter and letter.document else None,
            }
        )


class TextsSerializer(serializers.Serializer[Any]):
    """A text in each language."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name: serializers.CharField(max_length=10000) for name in ("zh-hans", "en")}


class LetterSerializer(ResourceSerializer):
    private = dict.fromkeys(("checked_by", "checked_at"), OF_STAFF)

    subject = TextsSerializer()
    body = TextsSerializer()
    document = serializers.UUIDField(
        source="document.public_id", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = Letter
        fields = (
            *("id", "decision", "subject", "body", "state", "document"),
            *("checked_by", "checked_at", "released_at"),
        )
        read_only_fields = ("id", "decision", "state", "checked_by", "checked_at", "released_at")


class LetterFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=LetterState.choices)
    decision = django_filters.NumberFilter(field_name="decision_id")

    class Meta:
        model = Letter
        fields = ("state", "decision")


class LetterResource(HasActs, Changeable, Resource):
    """The letters that tell a decision; applicants have theirs once it is released, its PDF under ``documents/``."""

    scope = "decisions"
    model = Letter
    serializer_class = LetterSerializer
    filterset_class = LetterFilter
    queryset = Letter.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("decision__application", "document")

    def change(self, row: Letter, values: dict[str, Any]) -> Letter:
        texts = {"subject": row.subject, "body": row.body, **values}
        return edit_letter(row, actor=self.actor, **texts)
