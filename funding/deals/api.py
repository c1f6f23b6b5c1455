from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from funding.deals.forms import DayForm
from funding.deals.models import (
    Deal,
    DealMove,
    DiligenceItem,
    Distribution,
    Handover,
    Investment,
    Mandate,
    Round,
    RunwayFigure,
    Valuation,
)
from funding.deals.returns import NoRate, Returns
from funding.deals.services import cap_table, portfolio_of
from funding.deals.states import DealState, RoundState
from funding.funds.models import Fund
from park_portal.core.api.acts import HasActs, HasListActs
from park_portal.core.api.resource import OfStaff, Resource, ResourceSerializer


def of_fund() -> serializers.SlugRelatedField[Fund]:
    return serializers.SlugRelatedField[Fund](slug_field="code", read_only=True)


class OfFund(django_filters.FilterSet):
    fund = django_filters.CharFilter(field_name="fund__code")


# --- mandates and what a fund holds --------------------------------------------------------------------------------


class MandateSerializer(ResourceSerializer):
    fund = of_fund()

    class Meta:
        model = Mandate
        fields = (
            *("id", "fund", "manager", "manager_name", "tracks", "stages", "regions"),
            *("ticket_from_fen", "ticket_to_fen", "capital_fen", "note"),
        )
        read_only_fields = fields


class ReturnsSerializer(serializers.Serializer[Any]):
    cost_fen = serializers.IntegerField()
    value_fen = serializers.IntegerField()
    distributed_fen = serializers.IntegerField()
    moic = serializers.FloatField(allow_null=True)
    dpi = serializers.FloatField(allow_null=True)
    tvpi = serializers.FloatField(allow_null=True)
    irr = serializers.FloatField(allow_null=True, help_text="A year, ACT/365: 0.25 is 25 %.")
    irr_reason = serializers.CharField(allow_null=True, help_text="Why there is no IRR.")


class HoldingSerializer(ReturnsSerializer):
    company = serializers.IntegerField()
    valued_on = serializers.DateField(allow_null=True, help_text="Null: at cost.")


class PortfolioSerializer(ReturnsSerializer):
    on = serializers.DateField()
    holdings = HoldingSerializer(many=True)


def _told(returns: Returns) -> dict[str, Any]:
    has_none = isinstance(returns.irr, NoRate)
    return {
        "cost_fen": returns.cost_fen,
        "value_fen": returns.value_fen,
        "distributed_fen": returns.distributed_fen,
        **{
            name: None if ratio is None else round(float(ratio), 6)
            for name, ratio in (("moic", returns.moic), ("dpi", returns.dpi), ("tvpi", returns.tvpi))
        },
        "irr": None if isinstance(returns.irr, NoRate) else returns.irr.value,
        "irr_reason": returns.irr.reason if has_none else None,  # type: ignore[union-attr] # as just asked
    }


class MandateResource(HasActs, HasListActs, OfStaff, Resource):
    """What each fund invests in, for park staff; deals are opened by ``acts/``."""

    scope = "decisions"
    model = Mandate
    serializer_class = MandateSerializer
    filterset_class = OfFund
    queryset = Mandate.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("fund")

    @extend_schema(
        responses=PortfolioSerializer,
        parameters=[OpenApiParameter("on", OpenApiTypes.DATE, description="Today, if omitted.")],
    )
    @action(detail=True, methods=["get"])
    def portfolio(self, request: Request, pk: str) -> Response:
        """What the fund holds at the end of a day, with the returns; an IRR that does not exist is null, with the reason."""
        mandate, on = self.get_object(), timezone.localdate()
        if "on" in request.query_params:
            form = DayForm(request.query_params)
            if not form.is_valid():
                raise serializers.ValidationError({"on": [str(text) for text in form.errors["on"]]})
            on = form.cleaned_data["on"]
        found = portfolio_of(mandate.fund, on)
        holdings = [
            {
                "company": one.company.pk,
                "valued_on": one.valued.on if one.valued else None,
                **_told(one.returns),
            }
            for one in found.holdings
        ]
        return Response({"on": on, **_told(found.returns), "holdings": holdings})


# --- deals ---------------------------------------------------------------------------------------------------------


class DealMoveSerializer(ResourceSerializer):
    class Meta:
        model = DealMove
        fields = ("number", "source", "target", "reason", "by", "at")
        read_only_fields = fields


class DiligenceItemSerializer(ResourceSerializer):
    class Meta:
        model = DiligenceItem
        fields = ("id", "deal", "kind", "title", "state", "note", "settled_by", "settled_at")
        read_only_fields = fields


class DealSerializer(ResourceSerializer):
    fund = of_fund()
    moves = DealMoveSerializer(many=True, read_only=True)
    items = DiligenceItemSerializer(many=True, read_only=True)

    class Meta:
        model = Deal
        fields = (
            *("id", "fund", "company", "project", "state", "reasons", "opened_by", "opened_at"),
            *("moves", "items"),
        )
        read_only_fields = fields


class DealFilter(OfFund):
    state = django_filters.ChoiceFilter(choices=DealState.choices)

    class Meta:
        model = Deal
        fields = ("fund", "state", "company", "project")


class DealResource(HasActs, OfStaff, Resource):
    """Deals of the funds with every move and its reason, for park staff; moved on by ``acts/``."""

    scope = "decisions"
    model = Deal
    serializer_class = DealSerializer
    filterset_class = DealFilter
    queryset = Deal.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("fund").prefetch_related("moves", "items")


class DiligenceItemFilter(django_filters.FilterSet):
    class Meta:
        model = DiligenceItem
        fields = ("deal", "state", "kind")


class DiligenceItemResource(HasActs, OfStaff, Resource):
    """The points that deals are examined for, for park staff; settled by ``acts/``."""

    scope = "decisions"
    model = DiligenceItem
    serializer_class = DiligenceItemSerializer
    filterset_class = DiligenceItemFilter
    queryset = DiligenceItem.objects.none()


class HandoverSerializer(ResourceSerializer):
    fund = of_fund()

    class Meta:
        model = Handover
        fields = ("id", "award", "fund", "deal", "note", "file", "by", "at")
        read_only_fields = fields


class HandoverFilter(OfFund):
    class Meta:
        model = Handover
        fields = ("fund", "award", "deal")


class HandoverResource(HasListActs, OfStaff, Resource):
    """Projects handed to market funds with their file, for park staff."""

    scope = "decisions"
    model = Handover
    serializer_class = HandoverSerializer
    filterset_class = HandoverFilter
    queryset = Handover.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("fund")


# --- rounds --------------------------------------------------------------------------------------------------------


class RoundSerializer(ResourceSerializer):
    class Meta:
        model = Round
        fields = (
            *("id", "company", "name", "stage", "state", "target_fen", "pre_money_fen", "closed_on"),
            *("note", "created_at"),
        )
        read_only_fields = fields


class RoundFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=RoundState.choices)

    class Meta:
        model = Round
        fields = ("company", "state", "stage")


class CapHolderSerializer(serializers.Serializer[Any]):
    holder = serializers.CharField()
    shares = serializers.IntegerField()
    percent = serializers.CharField()


class CapColumnSerializer(serializers.Serializer[Any]):
    round = serializers.IntegerField()
    closed_on = serializers.DateField()
    holders = CapHolderSerializer(many=True)


class CapTableSerializer(serializers.Serializer[Any]):
    company = serializers.IntegerField()
    rounds = CapColumnSerializer(many=True)


class RoundResource(HasActs, HasListActs, OfStaff, Resource):
    """Rounds in which companies raise money, for park staff; investments are noted by ``acts/``."""

    scope = "decisions"
    model = Round
    serializer_class = RoundSerializer
    filterset_class = RoundFilter
    queryset = Round.objects.none()

    @extend_schema(responses=CapTableSerializer)
    @action(detail=True, methods=["get"], url_path="cap-table")
    def cap_table(self, request: Request, pk: str) -> Response:
        """Who holds what of the round's company after each closed round; the percentages add up to 100."""
        row = self.get_object()
        table = cap_table(row.company)
        columns = [
            {
                "round": one.round.pk,
                "closed_on": one.round.closed_on,
                "holders": [
                    {"holder": table.names[held.holder], "shares": held.shares, "percent": held.percent}
                    for held in column
                ],
            }
            for one, column in zip(table.rounds, table.columns, strict=True)
        ]
        return Response({"company": row.company_id, "rounds": columns})


class InvestmentSerializer(ResourceSerializer):
    fund = of_fund()

    class Meta:
        model = Investment
        fields = (
            *("id", "round", "fund", "organisation", "holder_name", "award", "instrument", "amount_fen"),
            *("shares", "cap_fen", "discount_bp", "interest_bp", "matures_on"),
        )
        read_only_fields = fields


class InvestmentFilter(OfFund):
    class Meta:
        model = Investment
        fields = ("fund", "round", "organisation", "instrument")


class InvestmentResource(HasActs, OfStaff, Resource):
    """What investors put into rounds, for park staff."""

    scope = "decisions"
    model = Investment
    serializer_class = InvestmentSerializer
    filterset_class = InvestmentFilter
    queryset = Investment.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("fund", "round")


# --- holdings ------------------------------------------------------------------------------------------------------


class ValuationSerializer(ResourceSerializer):
    fund = of_fund()

    class Meta:
        model = Valuation
        fields = ("id", "fund", "company", "on", "method", "value_fen", "note", "by", "at")
        read_only_fields = fields


class ValuationFilter(OfFund):
    class Meta:
        model = Valuation
        fields = ("fund", "company", "method")


class ValuationResource(HasListActs, OfStaff, Resource):
    """What holdings of funds are worth on a day, for park staff."""

    scope = "decisions"
    model = Valuation
    serializer_class = ValuationSerializer
    filterset_class = ValuationFilter
    queryset = Valuation.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("fund")


class DistributionSerializer(ResourceSerializer):
    fund = of_fund()

    class Meta:
        model = Distribution
        fields = ("id", "fund", "company", "on", "kind", "amount_fen", "note", "reverses", "by", "at")
        read_only_fields = fields


class DistributionFilter(OfFund):
    class Meta:
        model = Distribution
        fields = ("fund", "company", "kind")


class DistributionResource(HasActs, HasListActs, OfStaff, Resource):
    """What companies paid to funds that hold a part of them, for park staff."""

    scope = "decisions"
    model = Distribution
    serializer_class = DistributionSerializer
    filterset_class = DistributionFilter
    queryset = Distribution.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("fund")


class RunwayFigureSerializer(ResourceSerializer):
    class Meta:
        model = RunwayFigure
        fields = ("id", "company", "on", "cash_fen", "burn_fen", "note", "by", "at")
        read_only_fields = fields


class RunwayFigureFilter(django_filters.FilterSet):
    class Meta:
        model = RunwayFigure
        fields = ("company",)


class RunwayFigureResource(HasListActs, OfStaff, Resource):
    """Cash of companies and what they use up a month, for park staff."""

    scope = "decisions"
    model = RunwayFigure
    serializer_class = RunwayFigureSerializer
    filterset_class = RunwayFigureFilter
    queryset = RunwayFigure.objects.none()
