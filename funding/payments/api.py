"""Payments for programs: one's own, asked for and asked again; for staff every step, batches and bank statements."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from funding.awards.models import Tranche
from funding.funds.models import Fund
from funding.payments import services
from funding.payments.models import BankStatement, Disbursement, PaymentBatch, StatementLine
from funding.payments.states import DisbursementState
from park_portal.core.api.acts import HasActs, HasListActs
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.resource import OfStaff, Resource, ResourceSerializer
from park_portal.core.errors import DomainError
from park_portal.core.money import MAX_FEN
from park_portal.core.views import visible_or_404


class PaymentSerializer(ResourceSerializer):
    # Who of the park took which step is the park's own affair.
    private = dict.fromkeys(
        ("checked_by", "approved_by", "released_by", "asked_by", "batch"), "core.see_records"
    )

    class Meta:
        model = Disbursement
        fields = (
            *(
                "id",
                "number",
                "award",
                "tranche",
                "amount_fen",
                "purpose",
                "payee",
                "bank",
                "account_number",
                "state",
            ),
            *("round", "batch", "asked_by", "asked_at", "checked_by", "checked_at", "approved_by"),
            *("approved_at", "released_by", "released_at", "paid_on", "bank_reference", "reason"),
        )
        read_only_fields = fields


class PaymentAskSerializer(serializers.Serializer[Any]):
    tranche = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    amount_fen = serializers.IntegerField(min_value=1, max_value=MAX_FEN)
    purpose = serializers.CharField(max_length=200)
    payee = serializers.CharField(max_length=120)
    bank = serializers.CharField(max_length=120)
    account_number = serializers.CharField(max_length=48, help_text="8 to 32 digits; spaces do no harm.")


class PaymentAgainSerializer(serializers.Serializer[Any]):
    amount_fen = serializers.IntegerField(min_value=1, max_value=MAX_FEN)
    purpose = serializers.CharField(max_length=200)
    payee = serializers.CharField(max_length=120)
    bank = serializers.CharField(max_length=120)
    account_number = serializers.CharField(max_length=48)


class PaymentFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=DisbursementState.choices)
    fund = django_filters.CharFilter(field_name="award__fund__code")

    class Meta:
        model = Disbursement
        fields = ("state", "award", "tranche", "batch", "number")


class PaymentResource(HasActs, HasListActs, Resource):
    """Payments of your awards; park staff see all, and move them on by ``acts/``."""

    scope = "decisions"
    model = Disbursement
    serializer_class = PaymentSerializer
    filterset_class = PaymentFilter
    orders = ("id", "asked_at")
    queryset = Disbursement.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("award__application")

    @extend_schema(request=PaymentAskSerializer, responses={201: PaymentSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Ask for a tranche of an award that you answer for."""
        sent = PaymentAskSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values = dict(sent.validated_data)
        rows = Tranche.objects.visible_to(self.actor).select_related("award__application", "milestone")
        made = services.ask_disbursement(
            visible_or_404(rows, pk=values.pop("tranche")), actor=self.actor, **values
        )
        row = visible_or_404(self.rows(), pk=made.pk)
        return Response(self.show(row), status=201, headers={"ETag": self.tag_of(row)})

    @extend_schema(request=PaymentAgainSerializer, responses=PaymentSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def again(self, request: Request, pk: str) -> Response:
        """Correct a payment that came back, and ask for it again."""
        sent = PaymentAgainSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        services.ask_again(self.get_object(), actor=self.actor, **sent.validated_data)
        return Response(self.show(self.get_object()))


class BatchFileSerializer(serializers.Serializer[Any]):
    form = serializers.CharField()
    document = serializers.UUIDField()
    sha256 = serializers.CharField()


class PaymentBatchSerializer(ResourceSerializer):
    fund = serializers.SlugRelatedField[Fund](slug_field="code", read_only=True)

    class Meta:
        model = PaymentBatch
        fields = ("id", "number", "fund", "state", "made_by", "created_at", "released_by", "released_at")
        read_only_fields = fields


class BatchFilesSerializer(serializers.Serializer[Any]):
    results = BatchFileSerializer(many=True)


class PaymentBatchFilter(django_filters.FilterSet):
    fund = django_filters.CharFilter(field_name="fund__code")

    class Meta:
        model = PaymentBatch
        fields = ("fund", "state", "number")


class PaymentBatchResource(HasActs, HasListActs, OfStaff, Resource):
    """Payments that go to the bank in one file, for park staff: made and released by ``acts/``, whole or not at all."""

    scope = "decisions"
    model = PaymentBatch
    serializer_class = PaymentBatchSerializer
    filterset_class = PaymentBatchFilter
    queryset = PaymentBatch.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("fund")

    @extend_schema(responses=BatchFilesSerializer)
    @action(detail=True, methods=["get"])
    def files(self, request: Request, pk: str) -> Response:
        """The files for the bank, once the batch is released: the keys of documents, with the hashes of their content."""
        found = services.files_of(self.get_object())
        return Response(
            {
                "results": [
                    {"form": form.value, "document": str(document.public_id), "sha256": document.sha256}
                    for form, document in found
                ]
            }
        )


class BankStatementSerializer(ResourceSerializer):
    fund = serializers.SlugRelatedField[Fund](slug_field="code", read_only=True)
    document = serializers.UUIDField(source="document.public_id", read_only=True)

    class Meta:
        model = BankStatement
        fields = (
            *("id", "fund", "document", "since", "until", "uploaded_by", "created_at", "booked_by"),
            "booked_at",
        )
        read_only_fields = fields


class StatementLineSerializer(ResourceSerializer):
    line = serializers.IntegerField(source="place", read_only=True)
    date = serializers.DateField(source="on", read_only=True)
    payment = serializers.CharField(
        source="disbursement.number", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = StatementLine
        fields = (
            *("line", "date", "amount_fen", "is_incoming", "counterparty", "text", "bank_reference"),
            *("verdict", "payment"),
        )
        read_only_fields = fields


class StatementPreviewSerializer(serializers.Serializer[Any]):
    matched = StatementLineSerializer(many=True)
    differences = StatementLineSerializer(many=True)
    others = serializers.IntegerField(
        help_text="Movements that are no payments of awards, or were booked before."
    )
    missing = serializers.ListField(
        child=serializers.CharField(), help_text="Numbers of payments released and not in the statement."
    )


class StatementFileSerializer(serializers.Serializer[Any]):
    fund = serializers.CharField(help_text="Its code.")
    file = serializers.FileField()


class BankStatementFilter(django_filters.FilterSet):
    fund = django_filters.CharFilter(field_name="fund__code")

    class Meta:
        model = BankStatement
        fields = ("fund",)


class BankStatementResource(OfStaff, Resource):
    """What the bank says, for park staff: taken in, compared with what was released, booked."""

    scope = "decisions"
    model = BankStatement
    serializer_class = BankStatementSerializer
    filterset_class = BankStatementFilter
    queryset = BankStatement.objects.none()

    def rows(self) -> models.QuerySet[Any]:
        return super().rows().select_related("fund", "document")

    @extend_schema(
        request={"multipart/form-data": StatementFileSerializer}, responses={201: BankStatementSerializer}
    )
    @action(detail=False, methods=["post"], parser_classes=[MultiPartParser])
    @idempotent
    def take(self, request: Request) -> Response:
        """Take a statement in, as ``file`` of a multipart form; nothing is booked yet. Each line at fault is a problem."""
        sent = StatementFileSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        fund = visible_or_404(Fund.objects.visible_to(self.actor), code=sent.validated_data["fund"])
        if "file" not in request.FILES:
            raise DomainError(_("Choose a file first."), code="no_file", field="file")
        made = services.take_statement(actor=self.actor, fund=fund, file=request.FILES["file"])
        row = visible_or_404(self.rows(), pk=made.pk)
        return Response(self.show(row), status=201, headers={"ETag": self.tag_of(row)})

    @extend_schema(responses=StatementPreviewSerializer)
    @action(detail=True, methods=["get"])
    def preview(self, request: Request, pk: str) -> Response:
        """What it would book, what differs, and what was released and is not in it."""
        found = services.preview_of(self.get_object())
        context = self.get_serializer_context()

        def lines(rows: list[StatementLine]) -> list[Any]:
            shown = StatementLineSerializer(rows, many=True, context=context)
            return list(shown.data)

        return Response(
            {
                "matched": lines(found.matched),
                "differences": lines(found.differences),
                "others": found.others,
                "missing": [payment.number for payment in found.missing],
            }
        )

    @extend_schema(request=None, responses=BankStatementSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def book(self, request: Request, pk: str) -> Response:
        """Book what matches at the bank's days, all or none."""
        services.book_statement(self.get_object(), actor=self.actor)
        return Response(self.show(self.get_object()))
