"""Payments for staff: each step with its person, batches with their files for the bank, statements matched and booked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Count, F, Q, Sum, Value
from django.http import HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy
from unfold.decorators import display

from funding.awards.models import Milestone
from funding.awards.states import MilestoneState
from funding.payments import services
from funding.payments.forms import (
    BatchForm,
    BouncedForm,
    PaidForm,
    ReasonForm,
    StaffAskForm,
    StaffPaymentForm,
    StatementForm,
)
from funding.payments.models import BankStatement, Disbursement, PaymentBatch
from funding.payments.states import BatchState, DisbursementState
from funding.reports.models import Report
from funding.reports.states import ReportKind, ReportState
from park_portal.core.accounts.rules import is_finance, is_officer
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, StaffPage, dress, label_acts, money, state_label
from park_portal.core.admin.home import Line, StaffCard, list_url, staff_card
from park_portal.core.errors import DomainError, Text
from park_portal.core.money import format_yuan
from park_portal.core.workflow import may

SHOWN: Final = 8

label_acts(
    {
        "disbursement.ask": _("payment asked for"),
        "payment_batch.make": _("batch of payments put together"),
        "bank_statement.take": _("bank statement taken in"),
        "bank_statement.book": _("bank statement booked"),
    }
)

TURN: Final[dict[str, Text]] = {
    DisbursementState.ASKED: _("programme officer: check the evidence"),
    DisbursementState.CHECKED: _("finance: approve"),
    DisbursementState.APPROVED: _("another finance officer: release"),
    DisbursementState.RELEASED: _("the bank; then finance: take in its statement"),
    DisbursementState.RETURNED: _("the grantee: correct and ask again"),
    DisbursementState.BOUNCED: _("the grantee: correct the account and ask again"),
}


@admin.register(Disbursement)
class DisbursementAdmin(ReadOnly, StaffAdmin):
    list_display = ["number", "award", "amount", "payee", "state_label", "turn", "asked_at"]
    list_filter = ["state", "award__fund", "batch"]
    search_fields = ["number", "payee", "account_number", "bank_reference"]
    search_help_text = _("Number, payee, account or bank reference")
    list_select_related = ["award"]
    ordering = ["-id"]
    where_from = _("Payments are asked for by those who hold an award, or by staff with the button above.")
    fieldsets = [
        (
            None,
            {"fields": ["number", "award", "tranche", "amount", "purpose", "state_label", "turn", "reason"]},
        ),
        (_("Account"), {"fields": ["payee", "bank", "account_number"]}),
        (
            _("Who did what"),
            {
                "fields": [
                    ("asked_by", "asked_at"),
                    ("checked_by", "checked_at"),
                    ("approved_by", "approved_at"),
                    ("released_by", "released_at"),
                ]
            },
        ),
        (_("The bank"), {"fields": ["batch", "round", "paid_on", "bank_reference"]}),
    ]
    readonly_fields = ["amount", "state_label", "turn", "round"]
    state_label = state_label()
    amount = money("amount_fen", _("amount"))
    acts = [
        Act(
            "ask",
            services.ask_disbursement,
            label=_("Ask for a payment"),
            rule="funding.check_disbursement",
            form=StaffAskForm,
            on="list",
            icon="add",
            explain=_("Where a milestone falls due. Somebody else then checks the evidence."),
            done=_("The payment is asked for."),
        ),
        Act(
            "check",
            services.check_disbursement,
            icon="fact_check",
            explain=_("Milestone, reports and papers are there and say what the payment is for."),
            done=_("The evidence is noted as checked; finance is told."),
            bulk="each",
        ),
        Act(
            "approve",
            services.approve_disbursement,
            icon="thumb_up",
            explain=_(
                "The amount is held in the bank account of the fund from now on. Another finance officer releases it."
            ),
            done=_("The payment is approved; its amount is held."),
        ),
        Act(
            "release",
            services.release_disbursement,
            icon="send",
            explain=_("One payment, to be typed at the bank by hand. Files for the bank come from batches."),
            check=services.refuse_in_batch,
            done=_("The payment is released."),
        ),
        Act(
            "pay",
            services.settle_disbursement,
            form=PaidForm,
            icon="account_balance",
            explain=_("Where no statement is taken in: as the bank's own papers say."),
            done=_("The payment is booked."),
        ),
        Act(
            "bounce",
            services.bounce_disbursement,
            form=BouncedForm,
            icon="undo",
            danger=True,
            explain=_(
                "The amount is the award's again. The grantee corrects the account and asks anew. What was booked as "
                "paid is reversed by somebody else than who booked it."
            ),
            done=_("The payment is noted as sent back; the grantee is told."),
        ),
        Act(
            "return",
            services.return_disbursement,
            form=ReasonForm,
            icon="reply",
            done=_("The payment is returned; the grantee is told why."),
        ),
        Act(
            "ask_again",
            services.ask_again,
            form=StaffPaymentForm,
            icon="redo",
            done=_("The payment is asked for again."),
        ),
        Act(
            "cancel",
            services.cancel_disbursement,
            form=ReasonForm,
            icon="block",
            danger=True,
            done=_("The payment is cancelled."),
        ),
    ]

    @display(description=_("whose turn"))
    def turn(self, payment: Disbursement) -> str:
        return str(TURN.get(payment.state, "—"))


@admin.register(PaymentBatch)
class PaymentBatchAdmin(ReadOnly, StaffAdmin):
    list_display = ["number", "fund", "state_label", "count", "total", "open_count", "created_at"]
    list_filter = ["state", "fund"]
    search_fields = ["number"]
    list_select_related = ["fund"]
    ordering = ["-id"]
    where_from = _("Put payments together with the button above.")
    fieldsets = [
        (None, {"fields": ["number", "fund", "state_label", "turn", "count", "total", "open_count"]}),
        (_("Who did what"), {"fields": [("made_by", "created_at"), ("released_by", "released_at")]}),
        (_("For the bank"), {"fields": ["files", "payments"]}),
    ]
    readonly_fields = ["state_label", "turn", "count", "total", "open_count", "files", "payments"]
    state_label = state_label()
    acts = [
        Act(
            "make",
            services.make_batch,
            label=_("Approve payments as a batch"),
            rule="funding.make_payment_batch",
            form=BatchForm,
            on="list",
            icon="playlist_add_check",
            explain=_(
                "All payments whose evidence is checked are approved, or those that you name: all or none. Another "
                "finance officer then releases the batch."
            ),
            done=_(
                "The payments are approved and in the batch. Another finance officer is told to release it."
            ),
        ),
        Act(
            "release",
            services.release_batch,
            icon="send",
            explain=_(
                "All of its payments are released and the files for the bank are written: all or none."
            ),
            check=services.refuse_release,
            done=_("The batch is released. Hand its file to the bank."),
        ),
    ]

    def rows_for(self, user: Any) -> models.QuerySet[PaymentBatch]:
        return PaymentBatch.objects.visible_to(user).annotate(
            payment_count=Count("payments"),
            total_fen=Sum("payments__amount_fen"),
            unpaid=Count("payments", filter=~Q(payments__state=DisbursementState.PAID)),
        )

    @display(description=_("payments"))
    def count(self, batch: Any) -> int:
        return int(batch.payment_count)

    @display(description=_("sum"))
    def total(self, batch: Any) -> str:
        return format_yuan(batch.total_fen or 0)

    @display(description=_("not paid yet"))
    def open_count(self, batch: Any) -> int:
        return int(batch.unpaid)

    @display(description=_("whose turn"))
    def turn(self, batch: PaymentBatch) -> str:
        return str(_("another finance officer: release")) if batch.state == BatchState.OPEN else "—"

    @display(description=_("files"))
    def files(self, batch: PaymentBatch) -> SafeString | str:
        found = [
            (document.get_absolute_url(), form.label, document.sha256[:12])
            for form, document in services.files_of(batch)
        ]
        if not found:
            return str(_("Written when the batch is released."))
        return format_html_join(" · ", '<a class="text-link" href="{}">{}</a> <code>{}</code>', found)

    @display(description=_("payments"))
    def payments(self, batch: PaymentBatch) -> SafeString:
        address = list_url("funding.disbursement", batch__id__exact=batch.pk)
        return format_html('<a class="text-link" href="{}">{}</a>', address, _("every payment of the batch"))


class TakePage(StaffPage):
    """Takes a bank's statement in."""

    name, path = "take", "take/"
    rule, title, icon = "funding.read_bank_statement", _("Take in a bank statement"), "upload"
    offered = "list"
    template_name = "admin/funding/payments/take.html"

    def context(self) -> Mapping[str, Any]:
        return {"form": dress(StatementForm())}

    def post(self) -> HttpResponseBase:
        form = dress(StatementForm(self.request.POST, self.request.FILES))
        if not form.is_valid():
            return self.render(form=form, status=422)
        try:
            statement = services.take_statement(actor=self.request.user, **form.cleaned_data)
        except DomainError as error:
            form.add_error("file", str(error))
            return self.render(form=form, problems=[str(one.message) for one in error.problems], status=422)
        return self.redirect(self.address("preview", statement.pk))


class PreviewPage(StaffPage):
    """What a statement would book, and what differs; books it."""

    name, path = "preview", "<int:pk>/preview/"
    rule, title, icon = "funding.see_bank_files", _("Compare and book"), "fact_check"
    offered = "record"
    template_name = "admin/funding/payments/preview.html"
    fullwidth = True

    def context(self) -> Mapping[str, Any]:
        return {
            "preview": services.preview_of(self.object),
            "may_book": self.object.booked_at is None
            and may(self.request.user, "funding.read_bank_statement", self.object),
        }

    def post(self) -> HttpResponseBase:
        if not may(self.request.user, "funding.read_bank_statement", self.object):
            raise PermissionDenied
        services.book_statement(self.object, actor=self.request.user)
        return self.redirect(message=_("The matched payments are booked at the bank's days."))


@admin.register(BankStatement)
class BankStatementAdmin(ReadOnly, StaffAdmin):
    list_display = ["name", "fund", "since", "until", "uploaded_by", "created_at", "booked_at"]
    list_filter = ["fund", ("booked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["fund", "uploaded_by", "document"]
    ordering = ["-until", "-id"]
    where_from = _("Take in what the bank gives with the button above.")
    fields = ["fund", "file", "since", "until", "uploaded_by", "created_at", "booked_by", "booked_at"]
    readonly_fields = ["file"]
    pages = [TakePage, PreviewPage]

    @display(description=pgettext_lazy("bank statement", "file"))
    def name(self, statement: BankStatement) -> str:
        return statement.document.name

    @display(description=pgettext_lazy("bank statement", "file"))
    def file(self, statement: BankStatement) -> SafeString:
        document = statement.document
        return format_html(
            '<a class="text-link" href="{}">{}</a>', document.get_absolute_url(), document.name
        )


# --- the first page


def _waiting(title: Text, state: str, user: Any, *had: str) -> StaffCard | None:
    """The payments in a state for whoever has not had a step of theirs."""
    rows = Disbursement.objects.filter(state=state)
    for step in had:
        rows = rows.exclude(**{step: user})
    lines = [
        Line(
            title=payment.number,
            url=reverse("admin:funding_disbursement_change", args=[payment.pk]),
            detail=f"{format_yuan(payment.amount_fen)} · {payment.payee}",
        )
        for payment in rows.order_by("pk")[:SHOWN]
    ]
    if not lines:
        return None
    return StaffCard(
        title,
        lines=lines,
        more_url=list_url("funding.disbursement", state__exact=str(state)),
        more_label=_("All of them"),
    )


def _to_check(model: type[models.Model], name: str, state: str, label: str, since: str) -> Any:
    """Return the rows of ``model`` in ``state``, as one query with others of their kind: what, key, award, label, since."""
    rows = model._default_manager.filter(state=state).order_by()
    values = (Value(name), F("pk"), F("award__number"), F(label), F(since))
    return rows.values_list(*values)


# What of an award waits for an officer, with where it is done.
CHECKS: dict[str, Text] = {
    "milestone": _("milestone: evidence to be checked"),
    "report": _("report to be read"),
    "disbursement": _("payment to be checked"),
}


@staff_card(order=25)
def awards_to_check(user: Any) -> StaffCard | None:
    """For officers, in one query: evidence of milestones, reports, and payments that were asked for."""
    if not is_officer(user):
        return None
    found = _to_check(Milestone, "milestone", MilestoneState.SUBMITTED, "title", "submitted_at").union(
        _to_check(Report, "report", ReportState.SUBMITTED, "kind", "submitted_at"),
        _to_check(Disbursement, "disbursement", DisbursementState.ASKED, "payee", "asked_at"),
        all=True,
    )
    lines = [
        Line(
            title=f"{award} {dict(ReportKind.choices).get(label, label)}",
            url=reverse(f"admin:funding_{name}_change", args=[key]),
            detail=CHECKS[name],
        )
        for name, key, award, label, _since in sorted(found[:200], key=lambda row: row[4])[:SHOWN]
    ]
    return StaffCard(_("Awards: to be checked"), lines=lines) if lines else None


@staff_card(order=26)
def payments_to_approve(user: Any) -> StaffCard | None:
    if not is_finance(user):
        return None
    return _waiting(_("Payments to approve"), DisbursementState.CHECKED, user, "asked_by", "checked_by")


@staff_card(order=27)
def payments_to_release(user: Any) -> StaffCard | None:
    """Batches and single payments that another finance officer approved."""
    if not is_finance(user):
        return None
    batches = (
        PaymentBatch.objects.filter(state=BatchState.OPEN)
        .exclude(made_by=user)
        .annotate(n=Count("payments"))
        .order_by("pk")[:SHOWN]
    )
    lines = [
        Line(
            title=batch.number,
            url=reverse("admin:funding_paymentbatch_change", args=[batch.pk]),
            detail=ngettext("%(n)d payment", "%(n)d payments", batch.n) % {"n": batch.n},
        )
        for batch in batches
    ]
    single = Disbursement.objects.filter(state=DisbursementState.APPROVED, batch__isnull=True)
    lines += [
        Line(
            title=payment.number,
            url=reverse("admin:funding_disbursement_change", args=[payment.pk]),
            detail=f"{format_yuan(payment.amount_fen)} · {payment.payee}",
        )
        for payment in single.exclude(approved_by=user).order_by("pk")[: SHOWN - len(lines)]
    ]
    if not lines:
        return None
    return StaffCard(
        _("To release to the bank"),
        lines=lines,
        more_url=list_url("funding.paymentbatch", state__exact=BatchState.OPEN.value),
        more_label=_("All of them"),
    )


@staff_card(order=28)
def statements_to_book(user: Any) -> StaffCard | None:
    """Statements that were taken in and not booked."""
    if not is_finance(user):
        return None
    rows = BankStatement.objects.filter(booked_at__isnull=True).select_related("fund").order_by("pk")[:SHOWN]
    lines = [
        Line(title=str(statement), url=reverse("admin:funding_bankstatement_preview", args=[statement.pk]))
        for statement in rows
    ]
    return StaffCard(_("Bank statements to book"), lines=lines) if lines else None
