"""Rounds of investment, what came in, and the cap table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.decorators import display

from funding.deals.forms import CloseRoundForm, InvestmentForm, ReasonForm, RoundForm
from funding.deals.models import Investment, Round
from funding.deals.services import (
    add_investment,
    add_round,
    cap_table,
    close_round,
    drop_round,
    refuse_closed,
    refuse_empty,
    remove_investment,
)
from funding.deals.states import RoundState
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, StaffPage, label_acts, money, state_label
from park_portal.core.money import format_yuan

label_acts(
    {
        "funding_round.add": _("round put on record"),
        "investment.add": _("investment noted"),
        "investment.remove": _("investment taken out"),
        "conversion.make": _("converted into shares"),
    }
)


class CapTablePage(StaffPage):
    """Who holds what of a company after each of its rounds."""

    name, path = "cap_table", "<int:pk>/cap-table/"
    rule, title, icon = "funding.see_deals", _("Cap table"), "pie_chart"
    offered = "record"
    fullwidth = True
    template_name = "admin/funding/round/cap_table.html"

    def context(self) -> Mapping[str, Any]:
        return {"company": self.object.company, "table": cap_table(self.object.company)}


@admin.register(Round)
class RoundAdmin(ReadOnly, StaffAdmin):
    list_display = ["company", "name", "stage", "state_label", "pre_money", "closed_on"]
    list_filter = ["state", "stage"]
    search_fields = ["company__name_zh_hans", "company__name_en", "name"]
    search_help_text = _("Company or name of the round")
    list_select_related = ["company"]
    ordering = ["-pk"]
    where_from = _("Put a round of a company on record with the button above.")
    fieldsets = [
        (None, {"fields": ["company", "name", "stage", "state_label", "closed_on"]}),
        (_("Money"), {"fields": ["target", "pre_money", "investments_shown", "conversions_shown", "note"]}),
    ]
    readonly_fields = ["state_label", "target", "pre_money", "investments_shown", "conversions_shown"]
    state_label = state_label()
    target = money("target_fen", _("amount sought"))
    pre_money = money("pre_money_fen", _("valuation before the round"))
    pages = [CapTablePage]
    acts = [
        Act(
            "add",
            add_round,
            label=_("New round"),
            rule="funding.keep_portfolio",
            form=RoundForm,
            on="list",
            icon="add",
            explain=_("Begin with the founders’ shares as a round of their own."),
            done=_("The round is on record. Note who invests next."),
        ),
        Act(
            "invest",
            add_investment,
            label=_("Note an investment"),
            rule="funding.keep_portfolio",
            form=InvestmentForm,
            icon="add_card",
            sources=(RoundState.PLANNED,),
            explain=_("One investor at a time: a fund, an organisation of the portal, or another by name."),
            done=_("The investment is noted."),
        ),
        Act(
            "close",
            close_round,
            form=CloseRoundForm,
            icon="check_circle",
            check=lambda round_, _actor: refuse_empty(round_),
            explain=_(
                "From then on nothing of the round changes, and it counts in the cap table and the portfolio."
            ),
            done=_("The round is closed."),
        ),
        Act("drop", drop_round, form=ReasonForm, icon="block", danger=True, done=_("The round is dropped.")),
    ]

    @display(description=_("who invests"))
    def investments_shown(self, round_: Round) -> Any:
        rows = round_.investments.select_related("fund", "organisation").order_by("pk")
        lines = [
            (
                reverse("admin:funding_investment_change", args=[row.pk]),
                row.holder,
                row.get_instrument_display(),
                format_yuan(row.amount_fen),
                f"{row.shares:,}" if row.shares else "—",
            )
            for row in rows
        ]
        head = format_html(
            '<tr><th scope="col">{}</th><th scope="col">{}</th><th scope="col" class="staff-number">{}</th>'
            '<th scope="col" class="staff-number">{}</th></tr>',
            _("investor"),
            _("instrument"),
            _("amount"),
            _("shares"),
        )
        body = format_html_join(
            "",
            '<tr><th scope="row"><a class="text-link" href="{}">{}</a></th><td>{}</td>'
            '<td class="staff-number">{}</td><td class="staff-number">{}</td></tr>',
            lines,
        )
        return format_html(
            '<table class="staff-table"><thead>{}</thead><tbody>{}</tbody></table>', head, body
        )

    @display(description=_("what converted"))
    def conversions_shown(self, round_: Round) -> Any:
        rows = round_.conversions.select_related("investment__fund", "investment__organisation").order_by(
            "pk"
        )
        lines = [(row.investment.holder, row.explained) for row in rows]
        if not lines:
            return "—"
        body = format_html_join("", '<tr><th scope="row">{}</th><td>{}</td></tr>', lines)
        return format_html('<table class="staff-table"><tbody>{}</tbody></table>', body)


@admin.register(Investment)
class InvestmentAdmin(ReadOnly, StaffAdmin):
    list_display = ["holder_shown", "round", "instrument", "amount", "shares"]
    list_filter = ["instrument", "fund", "round__state"]
    search_fields = ["round__company__name_zh_hans", "round__company__name_en", "holder_name"]
    search_help_text = _("Company or investor")
    list_select_related = ["round__company", "fund", "organisation"]
    ordering = ["-pk"]
    where_from = _("Investments are noted in their round.")
    fieldsets = [
        (None, {"fields": ["round", "holder_shown", "award", "instrument", "amount", "shares"]}),
        (pgettext_lazy("investment", "Terms"), {"fields": ["cap", "discount", "interest", "matures_on"]}),
    ]
    readonly_fields = ["holder_shown", "amount", "cap", "discount", "interest"]
    amount = money("amount_fen", _("amount"))
    cap = money("cap_fen", _("valuation cap"))
    acts = [
        Act(
            "remove",
            remove_investment,
            label=_("Take out"),
            rule="funding.keep_portfolio",
            form=ReasonForm,
            icon="delete",
            danger=True,
            explain=_("While the round is planned."),
            check=lambda row, _actor: refuse_closed(row),
            done=_("The investment is taken out of the round."),
            after=lambda row, _none: reverse("admin:funding_round_change", args=[row.round_id]),
        )
    ]

    @display(description=_("investor"))
    def holder_shown(self, row: Investment) -> str:
        return row.holder

    @display(description=pgettext_lazy("investment", "discount"))
    def discount(self, row: Investment) -> str:
        return "—" if row.discount_bp is None else f"{row.discount_bp / 100:g} %"

    @display(description=_("interest a year"))
    def interest(self, row: Investment) -> str:
        return "—" if row.interest_bp is None else f"{row.interest_bp / 100:g} %"
