from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext
from unfold.decorators import display

from funding.reports.forms import ReturnForm
from funding.reports.models import Report
from funding.reports.services import (
    accept_report,
    duplicates_in,
    figures_of,
    refuse_unacceptable,
    return_report,
)
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, label_acts, state_label
from park_portal.core.money import format_yuan

label_acts(
    {
        "award.reports": _("reports laid out"),
        "report.write": _("report written"),
        "report.expense": _("expense added"),
        "report.expense_removed": _("expense removed"),
    }
)
# What a grantee is given to change a report, unless staff say otherwise.
USUAL_DAYS: Final = 14


def _usual(report: Report, user: Any) -> dict[str, Any]:
    return {"until": timezone.localdate() + timedelta(days=USUAL_DAYS)}


@admin.register(Report)
class ReportAdmin(ReadOnly, StaffAdmin):
    list_display = ["award", "kind", "number", "due_on", "state_label", "submitted_at"]
    list_filter = ["state", "kind", "award__fund"]
    search_fields = ["award__number", "award__title"]
    list_select_related = ["award"]
    where_from = _("Reports are laid out from the agreement when an award begins to run.")
    fieldsets = [
        (
            None,
            {"fields": ["award", "kind", "number", "period_from", "period_to", "due_on", "state", "answer"]},
        ),
        (
            _("Report"),
            {
                "fields": [
                    *(
                        "progress",
                        "results",
                        "technical_evidence",
                        "market_evidence",
                        "problems",
                        "next_steps",
                    ),
                    "trl_now",
                ]
            },
        ),
        (_("Expenses"), {"fields": ["against_budget", "receipts", "used_twice"]}),
        (None, {"fields": ["submitted_by", "submitted_at", "decided_by", "decided_at"]}),
    ]
    readonly_fields = ["against_budget", "receipts", "used_twice"]
    acts = [
        Act(
            "accept",
            accept_report,
            icon="check",
            explain=_("Its expenses count against the budget from now on."),
            check=refuse_unacceptable,
            done=_("The report is accepted; the grantee is told."),
        ),
        Act(
            "return",
            return_report,
            form=ReturnForm,
            initial=_usual,
            icon="undo",
            explain=_("Say what is to be changed; until then it is the grantee's turn."),
            done=_("The report is returned; the grantee is told."),
        ),
    ]
    state_label = state_label()

    @display(description=_("expenses against budget"))
    def against_budget(self, report: Report) -> str:
        rows = [
            (
                row.category,
                *(_("Budget"), format_yuan(row.budget_fen), _("Spent before"), format_yuan(row.before_fen)),
                *(
                    _("This report"),
                    format_yuan(row.now_fen),
                    pgettext("budget", "Left"),
                    format_yuan(row.left_fen),
                ),
                _("over budget") if row.left_fen < 0 else "",
            )
            for row in figures_of(report)
        ]
        return format_html_join("", "{}: {} {} · {} {} · {} {} · {} {} {}<br>", rows) or "—"

    @display(description=_("receipts"))
    def receipts(self, report: Report) -> str:
        rows = [
            (
                one.spent_on,
                one.purpose,
                one.payee,
                format_yuan(one.amount_fen),
                one.receipt.get_absolute_url(),
                one.receipt.name,
            )
            for one in report.expenses.select_related("receipt")
        ]
        return (
            format_html_join("", '{} · {} · {} · {} · <a class="text-link" href="{}">{}</a><br>', rows) or "—"
        )

    @display(description=_("receipts used twice"))
    def used_twice(self, report: Report) -> str:
        rows = [
            (
                pair.expense,
                ", ".join(f"{other.report}: {other}" for other in pair.others),
                pair.expense.duplicate_note,
            )
            for pair in duplicates_in(report)
        ]
        return format_html_join("", "{} → {} {}<br>", rows) or format_html("{}", _("none"))
