"""Valuations, what came back, and how long the cash of companies lasts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from funding.deals.forms import DistributionForm, ReasonForm, RunwayForm, ValuationForm
from funding.deals.models import Distribution, RunwayFigure, Valuation
from funding.deals.services import (
    add_distribution,
    add_runway_figure,
    add_valuation,
    refuse_reversed,
    reverse_distribution,
    short_runways,
)
from park_portal.core.accounts.states import StaffRole
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, label_acts, money
from park_portal.core.admin.home import Line, StaffCard, list_url, staff_card
from park_portal.core.money import format_yuan

label_acts(
    {
        "valuation.add": _("valuation noted"),
        "distribution.add": _("distribution noted"),
        "distribution.reverse": _("distribution taken back"),
        "runway.add": _("runway figure noted"),
    }
)


@admin.register(Valuation)
class ValuationAdmin(ReadOnly, StaffAdmin):
    list_display = ["company", "fund", "on", "method", "value"]
    list_filter = ["fund", "method"]
    search_fields = ["company__name_zh_hans", "company__name_en"]
    search_help_text = _("Company")
    list_select_related = ["company", "fund"]
    ordering = ["-on", "-pk"]
    where_from = _("Note what a holding is worth with the button above.")
    fields = ["fund", "company", "on", "method", "value", "note", "by", "at"]
    readonly_fields = ["value"]
    value = money("value_fen", _("value of the holding"))
    acts = [
        Act(
            "add",
            add_valuation,
            label=_("New valuation"),
            rule="funding.keep_portfolio",
            form=ValuationForm,
            on="list",
            icon="add",
            explain=_("What the fund’s holding is worth on a day. A wrong one is put right by a later note."),
            done=_("The valuation is noted."),
        )
    ]


@admin.register(Distribution)
class DistributionAdmin(ReadOnly, StaffAdmin):
    list_display = ["company", "fund", "on", "kind", "signed"]
    list_filter = ["fund", "kind"]
    search_fields = ["company__name_zh_hans", "company__name_en"]
    search_help_text = _("Company")
    list_select_related = ["company", "fund"]
    ordering = ["-on", "-pk"]
    where_from = _("Note what a company paid to a fund with the button above.")
    fields = ["fund", "company", "on", "kind", "signed", "note", "reverses", "by", "at"]
    readonly_fields = ["signed"]
    acts = [
        Act(
            "add",
            add_distribution,
            label=_("New distribution"),
            rule="funding.keep_portfolio",
            form=DistributionForm,
            on="list",
            icon="add",
            done=_("The distribution is noted."),
        ),
        Act(
            "reverse",
            reverse_distribution,
            label=_("Take back"),
            rule="funding.keep_portfolio",
            form=ReasonForm,
            icon="undo",
            danger=True,
            explain=_("By a row of its own: both stay."),
            check=lambda row, _actor: refuse_reversed(row),
            done=_("The distribution is taken back."),
        ),
    ]

    @display(description=_("amount"), ordering="amount_fen")
    def signed(self, row: Distribution) -> str:
        return format_yuan(row.signed_fen)


@admin.register(RunwayFigure)
class RunwayFigureAdmin(ReadOnly, StaffAdmin):
    list_display = ["company", "on", "cash", "burn", "months"]
    search_fields = ["company__name_zh_hans", "company__name_en"]
    search_help_text = _("Company")
    list_select_related = ["company"]
    ordering = ["-on", "-pk"]
    where_from = _("Note the cash of a company with the button above.")
    fields = ["company", "on", "cash", "burn", "months", "note", "by", "at"]
    readonly_fields = ["cash", "burn", "months"]
    cash = money("cash_fen", _("cash"))
    burn = money("burn_fen", _("used up a month"))
    acts = [
        Act(
            "add",
            add_runway_figure,
            label=_("New figure"),
            rule="funding.keep_portfolio",
            form=RunwayForm,
            on="list",
            icon="add",
            done=_("The figure is noted."),
        )
    ]

    @display(description=_("months left"))
    def months(self, row: RunwayFigure) -> str:
        tenths = row.tenths_left
        return "—" if tenths is None else f"{tenths // 10}.{tenths % 10}"


@staff_card(order=27)
def cash_runs_out(user: Any) -> StaffCard | None:
    """For fund managers: holdings whose cash lasts less long than the limit, shortest first."""
    if StaffRole.FUND_MANAGER not in user.roles:  # A lead's first page is long enough.
        return None
    found = short_runways()
    if not found:
        return None
    lines = [
        Line(
            title=str(one.figure.company),
            url=reverse("admin:funding_runwayfigure_change", args=[one.figure.pk]),
            detail=_("%(fund)s · cash for %(months)s months") % {"fund": one.fund.code, "months": one.months},
            tone="bad",
        )
        for one in found[:8]
    ]
    return StaffCard(
        _("Cash is running out"),
        lines=lines,
        more_url=list_url("funding.runwayfigure"),
        more_label=_("All figures"),
    )
