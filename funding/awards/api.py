from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from funding.awards import services
from funding.awards.models import Agreement, Amendment, Award, BudgetCategory, Clawback, Milestone, Tranche
from funding.awards.states import AgreementState, AmendmentState, AwardState, ClawbackState, MilestoneState
from funding.funds.models import Fund
from park_portal.core.api.acts import HasActs
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import Resource, ResourceSerializer


class AwardSerializer(ResourceSerializer):
    fund = serializers.SlugRelatedField[Fund](slug_field="code", read_only=True)

    class Meta:
        model = Award
        fields = (
            *("id", "number", "application", "fund", "organisation", "project"),
            *("title", "amount_fen", "state", "awarded_at", "budget_line", "state_reason"),
            *("acceptance_call", "acceptance", "recognised_fen"),
        )
        read_only_fields = fields


class AwardFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=AwardState.choices)
    fund = django_filters.CharFilter(field_name="fund__code")

    class Meta:
        model = Award
        fields = ("state", "fund", "application")


class AwardResource(HasActs, Resource):
    """What your approved applications were given; park staff see all, and move them on by ``acts/``."""

    scope = "decisions"
    model = Award
    serializer_class = AwardSerializer
    filterset_class = AwardFilter
    orders = ("id", "awarded_at")
    queryset = Award.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("fund")


class OfAward(Resource):
    """Rows of awards: read by whoever sees the award."""

    scope = "decisions"


class AgreementSerializer(ResourceSerializer):
    document = serializers.UUIDField(source="document.public_id", read_only=True, allow_null=True)

    class Meta:
        model = Agreement
        fields = (
            *("id", "award", "state", "version", "amount_fen", "starts_on", "ends_on", "pi_name", "scope"),
            *("trl_start", "trl_target", "report_months", "document"),
        )
        read_only_fields = fields


class AgreementFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=AgreementState.choices)

    class Meta:
        model = Agreement
        fields = ("state", "award")


class AgreementResource(HasActs, OfAward):
    """The agreements of awards; staff issue them and note signatures by ``acts/``."""

    model = Agreement
    serializer_class = AgreementSerializer
    filterset_class = AgreementFilter
    queryset = Agreement.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("document")


class AmendmentSerializer(ResourceSerializer):
    award = serializers.IntegerField(source="agreement.award_id", read_only=True)

    class Meta:
        model = Amendment
        fields = (
            *("id", "award", "number", "state", "amount_fen", "category", "tranche", "ends_on", "scope"),
            *("pi_name", "reason", "answer", "proposed_at", "decided_at"),
        )
        read_only_fields = fields


class AmendmentFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=AmendmentState.choices)
    award = django_filters.NumberFilter(field_name="agreement__award")

    class Meta:
        model = Amendment
        fields = ("state", "award")


class AmendmentResource(HasActs, OfAward):
    """Changes of agreements: asked for by an award's act ``amend``, decided by ``acts/``."""

    model = Amendment
    serializer_class = AmendmentSerializer
    filterset_class = AmendmentFilter
    queryset = Amendment.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("agreement")


class CategorySerializer(ResourceSerializer):
    class Meta:
        model = BudgetCategory
        fields = ("id", "award", "kind", "planned_fen", "amount_fen")
        read_only_fields = fields


class CategoryResource(OfAward):
    """The budget of awards by categories; shifted by an award's act ``shift``."""

    model = BudgetCategory
    serializer_class = CategorySerializer
    filterset_fields = ("award", "kind")
    queryset = BudgetCategory.objects.none()


class MilestoneSerializer(ResourceSerializer):
    technical_document = serializers.UUIDField(
        source="technical_document.public_id", read_only=True, allow_null=True
    )
    market_document = serializers.UUIDField(
        source="market_document.public_id", read_only=True, allow_null=True
    )

    class Meta:
        model = Milestone
        fields = (
            *("id", "award", "number", "title", "due_on", "technical_goal", "market_goal", "trl", "state"),
            *("technical_evidence", "technical_document", "market_evidence", "market_document"),
            *("submitted_at", "checked_at", "answer"),
        )
        read_only_fields = fields


class MilestoneFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=MilestoneState.choices)

    class Meta:
        model = Milestone
        fields = ("state", "award")


class EvidenceSerializer(serializers.Serializer[Any]):
    technical_evidence = serializers.CharField(max_length=4000)
    market_evidence = serializers.CharField(max_length=4000)


class MilestoneResource(HasActs, OfAward):
    """The milestones of awards: evidence is sent by ``submit/``, checked by ``acts/``."""

    model = Milestone
    serializer_class = MilestoneSerializer
    filterset_class = MilestoneFilter
    orders = ("id", "due_on")
    queryset = Milestone.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("award__application", "technical_document", "market_document")

    @extend_schema(request=EvidenceSerializer, responses=MilestoneSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def submit(self, request: Request, **kwargs: Any) -> Response:
        """Send the evidence, technical and market. Files are added on the page of the milestone."""
        given = EvidenceSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        done = services.submit_milestone(self.get_object(), actor=self.actor, **given.validated_data)
        return Response(self.show(done))


class TrancheSerializer(ResourceSerializer):
    stops = serializers.SerializerMethodField(help_text="What still stops it.")

    class Meta:
        model = Tranche
        fields = ("id", "award", "number", "amount_fen", "milestone", "condition", "stops")
        read_only_fields = fields

    def get_stops(self, tranche: Tranche) -> list[str]:
        return [str(problem.message) for problem in services.stops_of(tranche)]


class TrancheResource(HasActs, OfAward):
    """The tranches of awards, and what still stops each."""

    model = Tranche
    serializer_class = TrancheSerializer
    filterset_fields = ("award",)
    queryset = Tranche.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("award", "milestone")


class ClawbackSerializer(ResourceSerializer):
    class Meta:
        model = Clawback
        fields = ("id", "award", "amount_fen", "reason", "due_on", "state", "claimed_at")
        read_only_fields = fields


class ClawbackFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=ClawbackState.choices)

    class Meta:
        model = Clawback
        fields = ("state", "award")


class ClawbackResource(HasActs, OfAward):
    """Money claimed back from awards; repayments are noted by ``acts/``."""

    model = Clawback
    serializer_class = ClawbackSerializer
    filterset_class = ClawbackFilter
    orders = ("id", "due_on")
    queryset = Clawback.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("award")
