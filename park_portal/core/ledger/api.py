from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from park_portal.core.api.acts import HasActs
from park_portal.core.api.resource import OfStaff, Resource, ResourceSerializer
from park_portal.core.errors import DomainError
from park_portal.core.ledger.models import Account, Transfer
from park_portal.core.ledger.services import statement_of
from park_portal.core.ledger.states import Step


class AccountSerializer(ResourceSerializer):
    book = serializers.SlugRelatedField[Any](slug_field="code", read_only=True)
    balance_fen = serializers.IntegerField(read_only=True, help_text="Posted, on the normal side.")
    free_fen = serializers.IntegerField(read_only=True, help_text="What may still be taken.")

    class Meta:
        model = Account
        fields = (
            *("id", "book", "kind", "label", "subject_type", "subject_id", "currency", "normal"),
            *("may_go_below_zero", "debits_posted_fen", "credits_posted_fen"),
            *("debits_pending_fen", "credits_pending_fen", "balance_fen", "free_fen"),
        )
        read_only_fields = fields


class AccountFilter(django_filters.FilterSet):
    book = django_filters.CharFilter(field_name="book__code")

    class Meta:
        model = Account
        fields = ("book", "kind", "subject_type", "subject_id")


class PeriodSerializer(serializers.Serializer[Any]):
    since = serializers.DateField(required=False, help_text="First day; the first of this month if omitted.")
    until = serializers.DateField(required=False, help_text="Last day; today if omitted.")


class AccountStatementLineSerializer(serializers.Serializer[Any]):
    transfer = serializers.IntegerField(source="transfer.pk")
    business_date = serializers.DateField(source="transfer.business_date")
    code = serializers.CharField(source="transfer.code")
    memo = serializers.CharField(source="transfer.memo")
    other = serializers.IntegerField(source="other.pk", help_text="The account on the other side.")
    debit_fen = serializers.IntegerField()
    credit_fen = serializers.IntegerField()
    balance_fen = serializers.IntegerField(help_text="Held after it, on the normal side.")


class AccountStatementSerializer(serializers.Serializer[Any]):
    since = serializers.DateField()
    until = serializers.DateField()
    opening_fen = serializers.IntegerField()
    debits_fen = serializers.IntegerField()
    credits_fen = serializers.IntegerField()
    closing_fen = serializers.IntegerField()
    lines = AccountStatementLineSerializer(many=True)


class AccountResource(OfStaff, Resource):
    """The accounts of the ledger with what they hold now, for park staff."""

    scope = "decisions"
    model = Account
    serializer_class = AccountSerializer
    filterset_class = AccountFilter
    queryset = Account.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("book")

    @extend_schema(parameters=[PeriodSerializer], responses=AccountStatementSerializer)
    @action(detail=True, methods=["get"], pagination_class=None)
    def statement(self, request: Request, pk: str) -> Response:
        """Opening, movements and closing of a period, both days included."""
        given = PeriodSerializer(data=request.query_params)
        given.is_valid(raise_exception=True)
        today = timezone.localdate()
        until = given.validated_data.get("until", today)
        since = given.validated_data.get("since", until.replace(day=1))
        if since > until:
            raise DomainError(_("The first day is after the last."), code="period", field="since")
        return Response(
            AccountStatementSerializer(statement_of(self.get_object(), since=since, until=until)).data
        )


class TransferSerializer(ResourceSerializer):
    standing = serializers.CharField(read_only=True, help_text="What has become of it.")

    class Meta:
        model = Transfer
        fields = (
            *("id", "step", "standing", "debit", "credit", "amount_fen", "currency", "code"),
            *("crosses_books", "pending", "reverses", "subject_type", "subject_id", "key", "actor"),
            *("memo", "business_date", "expires_at", "created_at", "digest"),
        )
        read_only_fields = fields


class TransferFilter(django_filters.FilterSet):
    account = django_filters.NumberFilter(method="of_account", label="Debited or credited.")
    step = django_filters.ChoiceFilter(choices=Step.choices)
    since = django_filters.DateFilter(field_name="business_date", lookup_expr="gte")
    until = django_filters.DateFilter(field_name="business_date", lookup_expr="lte")

    class Meta:
        model = Transfer
        fields = ("account", "step", "code", "subject_type", "subject_id", "key", "since", "until")

    def of_account(self, rows: models.QuerySet[Transfer], _name: str, key: Any) -> Any:
        return rows.filter(models.Q(debit_id=key) | models.Q(credit_id=key))


class TransferResource(HasActs, OfStaff, Resource):
    """Transfers of the ledger, newest first, for park staff; finance reverses one by ``acts/``."""

    scope = "decisions"
    model = Transfer
    serializer_class = TransferSerializer
    filterset_class = TransferFilter
    queryset = Transfer.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().with_standing()  # type: ignore[attr-defined] # the transfers' own query set
