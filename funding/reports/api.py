"""Reports for programs: what is due, written, spent, and sent."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from funding.awards.models import BudgetCategory
from funding.reports import services
from funding.reports.models import TEXTS, Expense, Report
from funding.reports.states import ReportKind, ReportState
from park_portal.core.api.acts import HasActs
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import Changeable, Removable, Resource, ResourceSerializer
from park_portal.core.money import MAX_FEN
from park_portal.core.workflow import require


class ReportSerializer(ResourceSerializer):
    class Meta:
        model = Report
        fields = (
            *("id", "award", "kind", "number", "period_from", "period_to", "due_on", "state"),
            *(*TEXTS, "trl_now", "submitted_at", "decided_at", "answer"),
        )
        read_only_fields = tuple(name for name in fields if name not in (*TEXTS, "trl_now"))


class ReportFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=ReportState.choices)
    kind = django_filters.ChoiceFilter(choices=ReportKind.choices)

    class Meta:
        model = Report
        fields = ("state", "kind", "award")


class ExpenseFilter(django_filters.FilterSet):
    award = django_filters.NumberFilter(field_name="report__award")

    class Meta:
        model = Expense
        fields = ("report", "category", "award")


class ExpenseSerializer(ResourceSerializer):
    receipt = serializers.UUIDField(source="receipt.public_id", read_only=True)

    class Meta:
        model = Expense
        fields = (
            *("id", "report", "category", "spent_on", "payee", "purpose", "amount_fen", "receipt"),
            *("receipt_sha256", "duplicate_note"),
        )
        read_only_fields = fields


class NewExpenseSerializer(serializers.Serializer[Any]):
    """One expense with its receipt, as a form with a file."""

    category = serializers.PrimaryKeyRelatedField[BudgetCategory](queryset=BudgetCategory.objects.all())
    spent_on = serializers.DateField()
    payee = serializers.CharField(max_length=120)
    purpose = serializers.CharField(max_length=200)
    amount_fen = serializers.IntegerField(min_value=1, max_value=MAX_FEN)
    receipt = serializers.FileField()
    duplicate_note = serializers.CharField(max_length=200, required=False, allow_blank=True)


class ReportResource(HasActs, Changeable, Resource):
    """The reports of awards: written here, sent with ``submit/``; staff return and accept them by ``acts/``."""

    scope = "decisions"
    model = Report
    serializer_class = ReportSerializer
    filterset_class = ReportFilter
    orders = ("id", "due_on")
    queryset = Report.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("award__application")

    def change(self, row: Report, values: dict[str, Any]) -> Any:
        return services.save_report(row, actor=self.actor, **values)

    @extend_schema(request=None, responses=ReportSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def submit(self, request: Request, pk: str) -> Response:
        """Send it to the park."""
        services.submit_report(self.get_object(), actor=self.actor)
        return Response(self.show(self.get_object()))

    @extend_schema(request={"multipart/form-data": NewExpenseSerializer}, responses={201: ExpenseSerializer})
    @action(detail=True, methods=["post"], parser_classes=[MultiPartParser])
    @idempotent
    def expenses(self, request: Request, pk: str) -> Response:
        """Add an expense with its receipt."""
        report = self.get_object()
        require(self.actor, "funding.write_report", report)
        given = NewExpenseSerializer(data=request.data)
        # Another award's category is as unknown as one that does not exist.
        given.fields["category"].queryset = BudgetCategory.objects.filter(award=report.award_id)  # type: ignore[attr-defined] # of rows
        given.is_valid(raise_exception=True)
        made = services.add_expense(report, actor=self.actor, **given.validated_data)
        return Response(ExpenseSerializer(made, context=self.get_serializer_context()).data, status=201)


class ExpenseResource(Removable, Resource):
    """What was spent, with receipts; added at the report's ``expenses/`` while it is being written."""

    scope = "decisions"
    model = Expense
    serializer_class = ExpenseSerializer
    filterset_class = ExpenseFilter
    orders = ("id", "spent_on")
    queryset = Expense.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("receipt", "report__award__application")

    def remove(self, row: Expense) -> None:
        services.remove_expense(row, actor=self.actor)
