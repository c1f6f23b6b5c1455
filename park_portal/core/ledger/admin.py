"""The ledger for staff: accounts with their statements, transfers, months, the journal, and the proof that all holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter
from unfold.decorators import display

from park_portal.core.admin import Act, ReadOnly, StaffAdmin, StaffPage, dress, label_acts, money
from park_portal.core.admin.fields import pill
from park_portal.core.admin.home import Line, StaffCard, staff_card
from park_portal.core.admin.labels import thing_label
from park_portal.core.errors import DomainError, Text
from park_portal.core.ledger.files import XLSX, journal_as_file, statement_as_excel
from park_portal.core.ledger.forms import JournalForm, MonthForm, PeriodForm, ReversalForm
from park_portal.core.ledger.models import Account, AccountCode, Book, ClosedMonth, Transfer
from park_portal.core.ledger.registry import account_kinds, kind_label, transfer_codes
from park_portal.core.ledger.services import (
    close_month,
    journal_of,
    problems_of_closing,
    refuse_irreversible,
    reverse_transfer,
    statement_of,
    verify_ledger,
)
from park_portal.core.ledger.services.closing import next_to_close, waiting_to_close
from park_portal.core.ledger.states import MOVES, Standing, Step
from park_portal.core.money import format_yuan
from park_portal.core.workflow import may

label_acts({"ledger.book": _("book opened"), "ledger.close_month": _("month closed")})

TONES = {
    Standing.PENDING: "warning",
    Standing.POSTED: "success",
    Standing.VOIDED: "default",
    Standing.EXPIRED: "default",
    Standing.REVERSED: "danger",
}


# What a transfer is called that moves nothing, or moves something back.
SAID: dict[str, Text] = {
    Step.PENDING: pgettext_lazy("transfer", "Held: %(what)s"),
    Step.VOID: pgettext_lazy("transfer", "Given up: %(what)s"),
    Step.EXPIRE: pgettext_lazy("transfer", "Expired: %(what)s"),
    Step.REVERSAL: pgettext_lazy("transfer", "Reversal: %(what)s"),
}


def as_file(content: bytes, media: str, name: str) -> HttpResponse:
    """Return a file to be kept under ``name``."""
    response = HttpResponse(content, content_type=media)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response


class KindFilter(DropdownFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(kind.name, kind.label) for kind in account_kinds()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class CodeFilter(DropdownFilter):
    title = _("what for")
    parameter_name = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(code.name, code.label) for code in transfer_codes()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(code=self.value()) if self.value() else queryset


class BookFilter(DropdownFilter):
    title = _("book")
    parameter_name = "book"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(str(book.pk), str(book)) for book in Book.objects.order_by("code")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if not self.value():
            return queryset
        return queryset.filter(models.Q(debit__book=self.value()) | models.Q(credit__book=self.value()))


class StatementPage(StaffPage):
    """What an account held, what moved, and what it holds: on the page and as an Excel file."""

    name, path = "statement", "<int:pk>/statement/"
    rule, title, icon = "core.see_ledger", _("Statement"), "receipt_long"
    offered = "record"
    template_name = "admin/ledger/statement.html"

    def get(self) -> HttpResponseBase:
        form, since, until = PeriodForm.asked(self.request.GET)
        statement = statement_of(self.object, since=since, until=until)
        if self.request.GET.get("format") == "xlsx":
            name = f"{self.object.book.code}-{self.object.pk}-{since}-{until}.xlsx"
            return as_file(statement_as_excel(statement), XLSX, name)
        return self.render(form=dress(form), statement=statement, since=since, until=until)


@admin.register(Account)
class AccountAdmin(ReadOnly, StaffAdmin):
    list_display = ["what", "book", "balance", "held", "free"]
    list_filter = ["book", KindFilter]
    search_fields = ["label"]
    search_help_text = _("For whom or what")
    list_select_related = ["book"]
    ordering = ["book", "kind", "id"]
    pages = [StatementPage]
    where_from = _("Accounts are opened by the funds, awards and bills whose money they hold.")
    fieldsets = [
        (None, {"fields": ["book", "what", "normal", "may_go_below_zero", "about"]}),
        (_("Now"), {"fields": ["balance", "held", "expected", "free"]}),
    ]
    readonly_fields = ["what", "balance", "held", "expected", "free", "about"]

    @display(description=pgettext_lazy("ledger", "account"), ordering="kind", header=True)
    def what(self, account: Account) -> list[str]:
        return [account.label or str(account.kind_label), str(account.kind_label) if account.label else ""]

    @display(description=_("balance"))
    def balance(self, account: Account) -> str:
        return format_yuan(account.balance_fen)

    @display(description=_("held"))
    def held(self, account: Account) -> str:
        return format_yuan(account.held_fen) if account.held_fen else "—"

    @display(description=_("expected"))
    def expected(self, account: Account) -> str:
        return format_yuan(account.expected_fen) if account.expected_fen else "—"

    @display(description=pgettext_lazy("money", "free"))
    def free(self, account: Account) -> str:
        return format_yuan(account.free_fen)

    @display(description=_("kept for"))
    def about(self, account: Account) -> str:
        return f"{thing_label(account.subject_type)}: {account.label}" if account.subject_type else "—"


class VerifyPage(StaffPage):
    """Asks everything of the ledger again, and names the first row that does not fit."""

    name, path = "verify", "verify/"
    rule, title, icon = "core.see_ledger", _("Check the ledger"), "verified_user"
    offered = "list"
    template_name = "admin/ledger/verify.html"

    def post(self) -> HttpResponseBase:
        verdict = verify_ledger()
        return self.render(
            verdict=verdict, debits=format_yuan(verdict.debits_fen), credits=format_yuan(verdict.credits_fen)
        )


@admin.register(Transfer)
class TransferAdmin(ReadOnly, StaffAdmin):
    list_display = [
        "number",
        "business_date",
        "what",
        "amount",
        "debit_account",
        "credit_account",
        "standing_shown",
    ]
    list_filter = [BookFilter, CodeFilter, "step", ("business_date", RangeDateFilter)]
    list_filter_submit = True
    list_select_related = ["debit__book", "credit__book"]
    list_display_links = ["number"]
    search_fields = ["key", "memo"]
    search_help_text = _("Key or memo")
    ordering = ["-id"]
    sortable_by = ("business_date", "amount")
    pages = [VerifyPage]
    where_from = _("Transfers are made by what moves money: budgets, awards, payments, bills.")
    fieldsets = [
        (None, {"fields": ["number", "business_date", "what", "amount", "standing_shown"]}),
        (_("Accounts"), {"fields": ["debit_account", "credit_account", "crosses_books"]}),
        (
            _("Connections"),
            {"fields": ["about", "pending_link", "reverses_link", "ends_shown", "expires_at"]},
        ),
        (_("Origin"), {"fields": ["actor", "created_at", "key", "digest"]}),
    ]
    readonly_fields = [
        *("number", "what", "amount", "debit_account", "credit_account", "standing_shown"),
        *("about", "pending_link", "reverses_link", "ends_shown"),
    ]
    acts = [
        Act(
            "reverse",
            reverse_transfer,
            label=_("Reverse"),
            rule="core.reverse_transfer",
            form=ReversalForm,
            danger=True,
            icon="undo",
            explain=_(
                "A transfer the other way round takes this one back; both stay. Whoever booked it cannot reverse it."
            ),
            done=_("The transfer is reversed."),
            check=refuse_irreversible,
        )
    ]
    amount = money("amount_fen", _("amount"))

    def rows_for(self, user: Any) -> models.QuerySet[Transfer]:
        return Transfer.objects.visible_to(user).with_standing()

    @display(description=_("No."), ordering="id")
    def number(self, transfer: Transfer) -> int:
        return transfer.pk

    @display(description=_("what for"), header=True)
    def what(self, transfer: Transfer) -> list[str]:
        said = SAID.get(transfer.step)
        label = str(transfer.code_label)
        return [str(said) % {"what": label} if said else label, transfer.memo]

    @display(description=_("debit account"))
    def debit_account(self, transfer: Transfer) -> str:
        return self._account(transfer.debit)

    @display(description=_("credit account"))
    def credit_account(self, transfer: Transfer) -> str:
        return self._account(transfer.credit)

    def _account(self, account: Account) -> str:
        said = " ".join(part for part in (str(kind_label(account.kind)), account.label) if part)
        return format_html(
            '<a class="text-link" href="{}">{}</a>',
            reverse("admin:core_account_statement", args=[account.pk]),
            said,
        )

    @display(description=_("standing"))
    def standing_shown(self, transfer: Any) -> str:
        label = dict(Step.choices)[transfer.step] if transfer.step not in MOVES else None
        standing = Standing(transfer.standing)
        if transfer.step == Step.PENDING or label is None:
            label = standing.label
        return pill(label, TONES[standing])

    @display(description=_("record"))
    def about(self, transfer: Transfer) -> str:
        return f"{thing_label(transfer.subject_type)} {transfer.subject_id}"

    @display(description=_("pending transfer that it ends"))
    def pending_link(self, transfer: Transfer) -> str:
        return self._link(transfer.pending_id)

    @display(description=_("transfer that it reverses"))
    def reverses_link(self, transfer: Transfer) -> str:
        return self._link(transfer.reverses_id)

    @display(description=_("what became of it"))
    def ends_shown(self, transfer: Transfer) -> str:
        after = Transfer.objects.filter(
            models.Q(pending_id=transfer.pk) | models.Q(reverses_id=transfer.pk)
        ).first()
        return self._link(after.pk, dict(Step.choices)[after.step]) if after else "—"

    def _link(self, key: int | None, said: Any = "") -> str:
        if key is None:
            return "—"
        address = reverse("admin:core_transfer_change", args=[key])
        return format_html('<a class="text-link" href="{}">{} {}</a>', address, key, said)


class CloseMonthPage(StaffPage):
    """Closes the next month of a book: what is still held in it is shown before."""

    name, path = "close", "<int:pk>/close/"
    rule, title, icon = "core.close_month", _("Close a month"), "lock_clock"
    offered = "record"
    template_name = "admin/ledger/close.html"

    def context(self) -> Mapping[str, Any]:
        month = next_to_close(self.object)
        ready = month is not None and (month.year, month.month) < (
            timezone.localdate().year,
            timezone.localdate().month,
        )
        return {
            "month": month,
            "ready": ready,
            "held": problems_of_closing(self.object, month) if month and ready else [],
            "closed": ClosedMonth.objects.filter(book=self.object).select_related("closed_by")[:12],
        }

    def post(self) -> HttpResponseBase:
        form = MonthForm(self.request.POST)
        if not form.is_valid():
            raise DomainError(_("Choose the month that is shown."), code="month")
        closed = close_month(self.object, month=form.cleaned_data["month"], actor=self.request.user)
        return self.redirect(message=gettext("%(month)s is closed.") % {"month": f"{closed.month:%Y-%m}"})


class JournalPage(StaffPage):
    """Hands the transfers of a period to the accounting software."""

    name, path = "journal", "<int:pk>/journal/"
    rule, title, icon = "core.export_journal", _("Journal for the accounting software"), "menu_book"
    offered = "record"
    template_name = "admin/ledger/journal.html"

    def get(self) -> HttpResponseBase:
        today = timezone.localdate()
        if "software" not in self.request.GET:
            form = JournalForm(initial={"since": today.replace(day=1), "until": today})
            return self.render(form=dress(form))
        form = JournalForm(self.request.GET)
        if not form.is_valid():
            return self.render(form=dress(form), status=422)
        data = form.cleaned_data
        try:
            journal = journal_of(self.object, since=data["since"], until=data["until"])
        except DomainError as error:
            return self.render(form=dress(form), gaps=error.problems, status=422)
        if not journal.lines:
            return self.render(form=dress(form), nothing=True, left_out=journal.left_out)
        content, media, ending = journal_as_file(journal, data["software"])
        name = f"{self.object.code}-{data['since']}-{data['until']}.{ending}"
        return as_file(content, media, name)

    def context(self) -> Mapping[str, Any]:
        codes = AccountCode.objects.filter(models.Q(book=self.object) | models.Q(book=None))
        return {
            "codes": codes.select_related("book").order_by("kind", "book_id"),
            "may_edit": may(self.request.user, "core.change_accountcode"),
        }


@admin.register(Book)
class BookAdmin(ReadOnly, StaffAdmin):
    list_display = ["name", "code", "closed_to"]
    search_fields = ["name_zh_hans", "name_en", "code"]
    ordering = ["code"]
    pages = [CloseMonthPage, JournalPage]
    where_from = _("A fund's book is opened when its first money is booked.")
    fieldsets = [(None, {"fields": ["name", "code", "closed_to"]})]
    readonly_fields = ["closed_to"]

    def rows_for(self, user: Any) -> models.QuerySet[Book]:
        return Book.objects.visible_to(user).annotate(last=models.Max("closed_months__month"))

    @display(description=_("closed up to"))
    def closed_to(self, book: Any) -> str:
        return f"{book.last:%Y-%m}" if book.last else "—"


@admin.register(AccountCode)
class AccountCodeAdmin(StaffAdmin):
    list_display = ["kind_shown", "book", "code", "name"]
    list_filter = ["book"]
    list_select_related = ["book"]
    search_fields = ["code", "name"]
    ordering = ["kind", "book"]
    fieldsets = [(None, {"fields": ["kind", "book", "code", "name"]})]

    @display(description=_("kind of account"), ordering="kind")
    def kind_shown(self, code: AccountCode) -> str:
        return str(kind_label(code.kind))


@staff_card(order=25)
def months_to_close(user: Any) -> StaffCard | None:
    """For finance: books whose last month is over and not closed."""
    if not user.has_perm("core.close_month"):
        return None
    lines = [
        Line(
            title=gettext("%(book)s: %(month)s is over") % {"book": book, "month": f"{month:%Y-%m}"},
            url=reverse("admin:core_book_close", args=[book.pk]),
        )
        for book, month in waiting_to_close()
    ]
    return StaffCard(
        _("Months to close"),
        lines=lines,
        empty=_("Every month that is over is closed."),
        more_url=reverse("admin:core_book_changelist"),
        more_label=_("All books"),
    )
