"""Staff's door to funds: what they are, how they stand on any day, who promised what, what it is meant for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from funding.funds.forms import (
    AmountForm,
    CommitmentForm,
    ContributionForm,
    DayForm,
    LineForm,
    ShiftForm,
    YearForm,
)
from funding.funds.models import BudgetLine, Commitment, Fund
from funding.funds.services import (
    add_budget_line,
    add_commitment,
    allot,
    close_budget_year,
    figures_of,
    note_contribution,
    return_allotment,
    shift_allotment,
)
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, StaffPage, dress, label_acts, money
from park_portal.core.ledger.models import Account
from park_portal.core.money import format_yuan

label_acts(
    {
        "fund.commitment": _("commitment put on record"),
        "fund.contribution": _("contribution paid in"),
        "budget.open": _("budget line opened"),
        "budget.allot": _("allotted to a budget"),
        "budget.return": _("returned from a budget"),
        "budget.shift": _("shifted between budgets"),
    }
)


class StandingPage(StaffPage):
    """How a fund stands at the end of any day: promised, paid in, allotted, held, promised to awards, paid."""

    name, path = "standing", "<int:pk>/standing/"
    rule, title, icon = "core.see_ledger", _("How it stands"), "monitoring"
    offered = "record"
    template_name = "admin/funding/fund/standing.html"

    def context(self) -> Mapping[str, Any]:
        today = timezone.localdate()
        form = DayForm(self.request.GET) if "on" in self.request.GET else DayForm(initial={"on": today})
        on = form.cleaned_data["on"] if form.is_bound and form.is_valid() else today
        return {"form": dress(form), "on": on, "figures": figures_of(self.object, on)}


@admin.register(Fund)
class FundAdmin(StaffAdmin):
    list_display = ["name", "code", "kind", "size", "active"]
    list_filter = ["kind", "active"]
    search_fields = ["name_zh_hans", "name_en", "code"]
    search_help_text = _("Name or code")
    ordering = ["code"]
    fieldsets = [
        (None, {"fields": ["name", ("code", "kind"), "summary", ("size_fen", "active")]}),
    ]
    size = money("size_fen", _("size"))
    pages = [StandingPage]
    acts = [
        Act(
            "close_year",
            close_budget_year,
            label=_("Close a budget year"),
            rule="funding.allot_budget",
            form=YearForm,
            icon="event_available",
            explain=_(
                "What is free in the budget lines of the year goes back to what is not allotted. "
                "What is held for or promised to awards stays."
            ),
            done=_("The year is closed; its free money is no longer allotted."),
        )
    ]

    def has_delete_permission(self, request: HttpRequest, obj: Fund | None = None) -> bool:
        # Calls name their fund for ever; one that is over is switched off.
        return False


@admin.register(Commitment)
class CommitmentAdmin(ReadOnly, StaffAdmin):
    list_display = ["organisation", "fund", "source", "amount", "paid_in", "agreed_on"]
    list_filter = ["fund", "source"]
    list_select_related = ["organisation", "fund"]
    search_fields = ["organisation__name_zh_hans", "organisation__name_en", "note"]
    search_help_text = _("Partner or note")
    ordering = ["-agreed_on", "-id"]
    where_from = _("Put a partner's commitment on record with the button above.")
    fieldsets = [
        (None, {"fields": ["fund", "organisation", "source", "amount", "paid_in", "agreed_on"]}),
        (_("Papers"), {"fields": ["document", "note"]}),
    ]
    readonly_fields = ["amount", "paid_in"]
    amount = money("amount_fen", _("amount"))
    acts = [
        Act(
            "commit",
            add_commitment,
            label=_("New commitment"),
            rule="funding.commit_to_fund",
            form=CommitmentForm,
            on="list",
            icon="add",
            explain=_("What a partner promised may be allotted at once; it is owed until it is paid in."),
            done=_("The commitment is on record."),
        ),
        Act(
            "contribution",
            note_contribution,
            label=_("Note a payment"),
            rule="funding.note_contribution",
            form=ContributionForm,
            icon="payments",
            explain=_("As the bank statement says: amount, day and the bank's own number."),
            done=_("The payment is booked."),
        ),
    ]

    def rows_for(self, user: Any) -> models.QuerySet[Commitment]:
        return Commitment.objects.visible_to(user).with_owed()

    @display(description=_("paid in"))
    def paid_in(self, commitment: Any) -> str:
        return format_yuan(commitment.amount_fen - commitment.owed_fen)


@admin.register(BudgetLine)
class BudgetLineAdmin(ReadOnly, StaffAdmin):
    list_display = ["what", "fund", "year", "track", "purpose"]
    list_filter = ["fund", "year", "track", "purpose"]
    list_select_related = ["fund"]
    ordering = ["-year", "fund", "track", "purpose"]
    where_from = _("Open a budget line with the button above, then allot money to it.")
    fieldsets = [
        (None, {"fields": ["fund", "year", "track", "purpose", "note"]}),
        (_("Money"), {"fields": ["free", "held", "statement"]}),
    ]
    readonly_fields = ["free", "held", "statement"]
    acts = [
        Act(
            "open",
            add_budget_line,
            label=_("New budget line"),
            rule="funding.allot_budget",
            form=LineForm,
            on="list",
            icon="add",
            done=_("The budget line is open. Allot money to it next."),
        ),
        Act(
            "allot",
            allot,
            label=_("Allot money"),
            rule="funding.allot_budget",
            form=AmountForm,
            icon="add_card",
            explain=_("From what the fund has been promised and has not allotted yet."),
            done=_("The money is allotted."),
        ),
        Act(
            "return",
            return_allotment,
            label=_("Give money back"),
            rule="funding.allot_budget",
            form=AmountForm,
            icon="undo",
            explain=_("Back to what is not allotted; at most what is free in this line."),
            done=_("The money is no longer allotted."),
        ),
        Act(
            "shift",
            shift_allotment,
            label=_("Shift to another line"),
            rule="funding.allot_budget",
            form=ShiftForm,
            icon="swap_horiz",
            done=_("The money is shifted."),
        ),
    ]

    @display(description=_("budget line"), ordering="year")
    def what(self, line: BudgetLine) -> str:
        return str(line)

    def _account(self, line: BudgetLine) -> Account | None:
        return Account.objects.of(line).first()

    @display(description=_("free for awards"))
    def free(self, line: BudgetLine) -> str:
        account = self._account(line)
        return format_yuan(account.free_fen if account else 0)

    @display(description=_("held for awards"))
    def held(self, line: BudgetLine) -> str:
        account = self._account(line)
        return format_yuan(account.held_fen if account else 0)

    @display(description=_("statement"))
    def statement(self, line: BudgetLine) -> str:
        account = self._account(line)
        if account is None:
            return "—"
        address = reverse("admin:core_account_statement", args=[account.pk])
        return format_html('<a class="text-link" href="{}">{}</a>', address, _("every movement"))
