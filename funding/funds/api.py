from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from funding.funds.models import BudgetLine, Commitment, Fund
from funding.funds.services import figures_of
from funding.funds.states import FundKind
from park_portal.core.api.acts import HasActs, HasListActs
from park_portal.core.api.resource import OfStaff, Resource, ResourceSerializer
from park_portal.core.workflow import require


class FundSerializer(ResourceSerializer):
    private = {"size_fen": "core.see_records"}

    class Meta:
        model = Fund
        fields = ("id", "code", "name", "kind", "summary", "size_fen", "active")
        read_only_fields = fields


class FundFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(choices=FundKind.choices)

    class Meta:
        model = Fund
        fields = ("kind", "active")


class OnSerializer(serializers.Serializer[Any]):
    on = serializers.DateField(required=False, help_text="Today, if omitted.")


class LineStandingSerializer(serializers.Serializer[Any]):
    budget_line = serializers.IntegerField(source="line.pk")
    free_fen = serializers.IntegerField()
    reserved_fen = serializers.IntegerField()


class StandingSerializer(serializers.Serializer[Any]):
    """How a fund stands at the end of a day, in fen."""

    on = serializers.DateField()
    promised_fen = serializers.IntegerField(help_text="By partners.")
    paid_in_fen = serializers.IntegerField()
    owed_fen = serializers.IntegerField(help_text="Promised and not paid in.")
    cash_fen = serializers.IntegerField(help_text="On the bank account.")
    unallotted_fen = serializers.IntegerField()
    free_fen = serializers.IntegerField(help_text="In budget lines, for awards.")
    reserved_fen = serializers.IntegerField(help_text="Held for awards whose agreement is not signed.")
    committed_fen = serializers.IntegerField(help_text="Promised to awards and not paid.")
    paid_fen = serializers.IntegerField(help_text="To awards.")
    lines = LineStandingSerializer(many=True)


class FundResource(Resource):
    """The funds that calls give from."""

    scope = "calls"
    public = True
    model = Fund
    serializer_class = FundSerializer
    filterset_class = FundFilter
    orders = ("id", "code")
    default_order = "code"
    lookup_field = "code"
    lookup_value_regex = r"[-a-zA-Z0-9_]{1,20}"
    queryset = Fund.objects.none()

    @extend_schema(parameters=[OnSerializer], responses=StandingSerializer)
    @action(detail=True, methods=["get"], pagination_class=None)
    def standing(self, request: Request, code: str) -> Response:
        """What is promised, paid in, free, reserved, committed and paid at the end of a day, for park staff."""
        require(self.actor, "core.see_ledger")
        given = OnSerializer(data=request.query_params)
        given.is_valid(raise_exception=True)
        on = given.validated_data.get("on", timezone.localdate())
        return Response(StandingSerializer(figures_of(self.get_object(), on)).data)


class CommitmentSerializer(ResourceSerializer):
    fund = serializers.SlugRelatedField[Fund](slug_field="code", read_only=True)
    owed_fen = serializers.IntegerField(read_only=True, help_text="Promised and not paid in yet.")

    class Meta:
        model = Commitment
        fields = (
            *("id", "fund", "organisation", "source", "amount_fen", "owed_fen", "agreed_on", "note"),
            "created_at",
        )
        read_only_fields = fields


class CommitmentFilter(django_filters.FilterSet):
    fund = django_filters.CharFilter(field_name="fund__code")

    class Meta:
        model = Commitment
        fields = ("fund", "organisation", "source")


class CommitmentResource(HasActs, HasListActs, OfStaff, Resource):
    """What partners promised to put into funds, for park staff; payments are noted by ``acts/``."""

    scope = "decisions"
    model = Commitment
    serializer_class = CommitmentSerializer
    filterset_class = CommitmentFilter
    queryset = Commitment.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().with_owed().select_related("fund")  # type: ignore[attr-defined] # of commitments


class BudgetLineSerializer(ResourceSerializer):
    fund = serializers.SlugRelatedField[Fund](slug_field="code", read_only=True)

    class Meta:
        model = BudgetLine
        fields = ("id", "fund", "year", "track", "purpose", "note", "created_at")
        read_only_fields = fields


class BudgetLineFilter(django_filters.FilterSet):
    fund = django_filters.CharFilter(field_name="fund__code")

    class Meta:
        model = BudgetLine
        fields = ("fund", "year", "track", "purpose")


class BudgetLineResource(HasActs, HasListActs, OfStaff, Resource):
    """The parts of funds meant for a year, a track and a purpose, for park staff; what each holds is among ``accounts``."""

    scope = "decisions"
    model = BudgetLine
    serializer_class = BudgetLineSerializer
    filterset_class = BudgetLineFilter
    queryset = BudgetLine.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("fund")
