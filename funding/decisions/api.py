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
from funding.calls.models import Call
from funding.decisions.models import Decision, Letter
from funding.decisions.services import (
    LONGEST_SEED,
    Proposal,
    announce_lottery,
    budget_of,
    change_budget,
    draw_lottery,
    drop_decision,
    edit_letter,
    lottery_of,
    mark_of,
    outcome_of,
    place_applications,
    promote_reserve,
    propose_decisions,
    publish_notice,
    record_ranking,
    release_decisions,
    reset_order,
    table_of,
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
            *("id", "application", "verdict", "amount_fen", "amount_reason", "reserve_place"),
            *("conditions", "comment_applicant", "note"),
            *("state", "decided_by", "decided_at", "released_at"),
        )
        read_only_fields = fields


class ProposalSerializer(serializers.Serializer[Any]):
    application = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    amount_fen = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=10**15
    )
    amount_reason = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=1000,
        help_text="Needed where the amount is below what was asked for.",
    )
    reserve_place = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=999
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


class PlacementSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField()
    placed_by = serializers.CharField(help_text="Their name.")
    placed_at = serializers.DateTimeField()


class RankSerializer(serializers.Serializer[Any]):
    place = serializers.IntegerField()
    computed_place = serializers.IntegerField(help_text="By the scores alone.")
    placement = PlacementSerializer(allow_null=True, help_text="What was put there by hand.")
    application = serializers.IntegerField(source="application.pk")
    number = serializers.CharField(source="application.number")
    title = serializers.CharField(source="application.title")
    state = serializers.CharField(source="application.state")
    closed = serializers.BooleanField(
        help_text="A conflict of interest keeps you from it: reviews, scores and what is pending stay out."
    )
    reviews = serializers.IntegerField(
        source="summary.count", default=None, allow_null=True, help_text="Of experts."
    )
    mean = serializers.DecimalField(
        5, 2, source="summary.mean", default=None, allow_null=True, help_text="Out of 100."
    )
    deviation = serializers.DecimalField(5, 2, source="summary.deviation", default=None, allow_null=True)
    lowest = serializers.DecimalField(5, 2, source="summary.lowest", default=None, allow_null=True)
    value = serializers.FloatField(
        source="rating.value",
        default=None,
        allow_null=True,
        help_text="By the call's method; what it is ranked by.",
    )
    stderr = serializers.FloatField(
        source="rating.error", default=None, allow_null=True, help_text="Standard error of the value."
    )
    low = serializers.FloatField(source="rating.low", default=None, allow_null=True)
    high = serializers.FloatField(
        source="rating.high",
        default=None,
        allow_null=True,
        help_text="90 % of what it may be: from low to high.",
    )
    plain_mean = serializers.FloatField(source="rating.plain", default=None, allow_null=True)
    kept_plain = serializers.CharField(
        source="rating.reason",
        default="",
        help_text="Why the plain mean stands where the call calibrates: one_reviewer, one_application, few_shared.",
    )
    chance = serializers.FloatField(allow_null=True, help_text="Of standing above the budget line.")
    tied = serializers.BooleanField(
        source="is_tied", help_text="Cannot be told apart from its neighbours across the line."
    )
    amount_fen = serializers.IntegerField(help_text="Granted where decided, else asked for.")
    cumulative_fen = serializers.IntegerField(help_text="Down to this line, without what is declined.")
    within_budget = serializers.BooleanField()
    decision = serializers.IntegerField(
        source="decision.pk", default=None, allow_null=True, help_text="Pending or released."
    )
    verdict = serializers.CharField(source="decision.verdict", default=None, allow_null=True)
    share = serializers.IntegerField(allow_null=True, help_text="Per cent granted of what was asked for.")
    reserve_place = serializers.IntegerField(source="decision.reserve_place", default=None, allow_null=True)
    notice = serializers.CharField(
        source="notice_line.state", default=None, allow_null=True, help_text="In the newest public notice."
    )


class HandSerializer(serializers.Serializer[Any]):
    reviewer = serializers.IntegerField(source="person")
    name = serializers.CharField()
    stage = serializers.CharField()
    reviews = serializers.IntegerField()
    severity = serializers.FloatField(
        allow_null=True, help_text="Points above what others gave; null where too little is shared to say."
    )
    stderr = serializers.FloatField(source="error", allow_null=True)


class ComponentSerializer(serializers.Serializer[Any]):
    applications = serializers.ListField(child=serializers.IntegerField())
    scores = serializers.IntegerField()
    degrees = serializers.IntegerField(help_text="Scores beyond those that values and severities use up.")
    calibrated = serializers.BooleanField(source="is_sound")
    reason = serializers.CharField(help_text="Why not: one_reviewer, one_application, few_shared.")


class LotterySerializer(serializers.Serializer[Any]):
    announced = serializers.IntegerField(source="announced.pk", help_text="Under calculations/.")
    drawn = serializers.IntegerField(source="drawn.pk", default=None, allow_null=True)
    numbers = serializers.ListField(child=serializers.CharField())
    seed_from = serializers.CharField(source="source", help_text="Where the seed comes from.")
    seed = serializers.CharField(source="drawn.seed", default=None, allow_null=True)
    order = serializers.ListField(child=serializers.CharField(), help_text='By sha256("seed|number").')


class RankingSerializer(serializers.Serializer[Any]):
    budget_fen = serializers.IntegerField(allow_null=True)
    scoring = serializers.CharField(help_text="calibrated, mean, median or trimmed.")
    seed = serializers.CharField(help_text="Of the simulation that the chances come from.")
    draws = serializers.IntegerField()
    left_fen = serializers.IntegerField(allow_null=True, help_text="Less what is granted, pending included.")
    mark = serializers.CharField(help_text="Tells this order from any other.")
    results = RankSerializer(many=True)
    reviewers = HandSerializer(many=True)
    components = ComponentSerializer(many=True)
    lottery = LotterySerializer(allow_null=True)


class CalculationsSerializer(serializers.Serializer[Any]):
    calculations = serializers.ListField(child=serializers.IntegerField(), help_text="Under calculations/.")


class AnnouncementSerializer(serializers.Serializer[Any]):
    seed_from = serializers.CharField(
        source="source", max_length=400, help_text="Where the seed will come from."
    )


class SeedSerializer(serializers.Serializer[Any]):
    seed = serializers.CharField(max_length=LONGEST_SEED)


class RankingOrderSerializer(serializers.Serializer[Any]):
    order = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        max_length=MOST,
        allow_empty=True,
        help_text="All applications of the table, by id, best first; empty for the order of the scores.",
    )
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)
    mark = serializers.CharField(max_length=16, help_text="Of the order that is changed.")


class BudgetSerializer(serializers.Serializer[Any]):
    budget_fen = serializers.IntegerField(allow_null=True, min_value=0, max_value=10**15)
    reason = serializers.CharField(max_length=1000)


class PromoteSerializer(serializers.Serializer[Any]):
    amount_fen = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=10**15
    )
    amount_reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class PublishedSerializer(serializers.Serializer[Any]):
    notice = serializers.IntegerField(help_text="Under notices/.")
    until = serializers.DateTimeField()


class RankingResource(Rows):
    """The ranked table of a call, for park staff: what awaits or has a decision, best first, with the budget line."""

    scope = "decisions"
    model = Call
    serializer_class = RankingSerializer
    pagination_class = None  # each call has one
    lookup_field = "code"
    lookup_value_regex = "[A-Z0-9-]{1,24}"
    queryset = Call.objects.none()

    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        """The table of the call with this code."""
        require(self.actor, "funding.see_ranking")
        return self._table(self.get_object())

    def _table(self, call: Call) -> Response:
        table = table_of(call, self.actor)
        shown = {
            "budget_fen": call.budget_fen,
            "left_fen": budget_of(call).left,
            "mark": mark_of(table.ranks),
            "scoring": table.ratings.method,
            "seed": table.standing.seed,
            "draws": table.standing.draws,
            "results": table.ranks,
            "reviewers": table.hands,
            "components": table.ratings.components,
            "lottery": lottery_of(call),
        }
        return Response(RankingSerializer(shown).data)

    @extend_schema(request=RankingOrderSerializer, responses=RankingSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def order(self, request: Request, **kwargs: Any) -> Response:
        """Put the table in this order by hand, with a reason, or back in the order of the scores."""
        require(self.actor, "funding.propose_decisions")
        sent = RankingOrderSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values, call = sent.validated_data, self.get_object()
        if values["order"]:
            place_applications(
                call, values["order"], actor=self.actor, reason=values["reason"], seen=values["mark"]
            )
        else:
            reset_order(call, actor=self.actor, seen=values["mark"])
        return self._table(call)

    @extend_schema(request=BudgetSerializer, responses=RankingSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def budget(self, request: Request, **kwargs: Any) -> Response:
        """Give the call another budget, with a reason."""
        require(self.actor, "funding.change_budget")
        sent = BudgetSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        call = self.get_object()
        change_budget(call, actor=self.actor, **sent.validated_data)
        return self._table(call)

    @extend_schema(request=PromoteSerializer, responses=RankingSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def promote(self, request: Request, **kwargs: Any) -> Response:
        """Propose the first reserve for approval, within what the budget has left."""
        require(self.actor, "funding.propose_decisions")
        sent = PromoteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        call = self.get_object()
        promote_reserve(call, actor=self.actor, **sent.validated_data)
        return self._table(call)

    @extend_schema(request=None, responses={201: PublishedSerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def publish(self, request: Request, **kwargs: Any) -> Response:
        """Publish the pending approvals that stand in no public notice yet."""
        require(self.actor, "funding.publish_notice")
        notice = publish_notice(self.get_object(), actor=self.actor)
        return Response(PublishedSerializer({"notice": notice.pk, "until": notice.ends_at}).data, status=201)

    @extend_schema(request=None, responses=CalculationsSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def record(self, request: Request, **kwargs: Any) -> Response:
        """Put values and chances as they stand now on record; the same ones only once."""
        require(self.actor, "funding.propose_decisions")
        kept = record_ranking(self.get_object(), actor=self.actor)
        return Response({"calculations": [one.pk for one in kept]})

    @extend_schema(request=AnnouncementSerializer, responses=LotterySerializer)
    @action(detail=True, methods=["post"], url_path="announce-lottery")
    @idempotent
    def announce_lottery(self, request: Request, **kwargs: Any) -> Response:
        """Announce a lottery among those who cannot be told apart: who takes part, and where its seed will come from."""
        require(self.actor, "funding.propose_decisions")
        sent = AnnouncementSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        made = announce_lottery(self.get_object(), actor=self.actor, **sent.validated_data)
        return Response(LotterySerializer(made).data)

    @extend_schema(request=SeedSerializer, responses=LotterySerializer)
    @action(detail=True, methods=["post"], url_path="draw-lottery")
    @idempotent
    def draw_lottery(self, request: Request, **kwargs: Any) -> Response:
        """Draw the lots that were announced, with the seed that has come out."""
        require(self.actor, "funding.propose_decisions")
        sent = SeedSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        made = draw_lottery(self.get_object(), actor=self.actor, **sent.validated_data)
        return Response(LotterySerializer(made).data)


class CommentSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    reviewer = serializers.CharField(help_text="Who wrote it, in an open stage; otherwise empty.")


class OutcomeSerializer(serializers.Serializer[Any]):
    decision = DecisionSerializer()
    comments = CommentSerializer(many=True)
    reviewers = serializers.ListField(
        child=serializers.CharField(), help_text="Who reviewed, in open stages; otherwise empty."
    )
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
                "comments": CommentSerializer(found.comments, many=True).data,
                "reviewers": found.reviewers,
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
