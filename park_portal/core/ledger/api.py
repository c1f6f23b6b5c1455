from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from rest_framework import serializers

from park_portal.core.api.acts import HasActs
from park_portal.core.api.resource import OfStaff, Resource, ResourceSerializer
from park_portal.core.ledger.models import Account, Transfer
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


class AccountResource(OfStaff, Resource):
    """The accounts of the ledger with what they hold now, for park staff."""

    scope = "decisions"
    model = Account
    serializer_class = AccountSerializer
    filterset_class = AccountFilter
    queryset = Account.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("book")


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
