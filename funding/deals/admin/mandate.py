"""Mandates: what a fund invests in, whom that suggests, and how what it holds has done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.decorators import display

from funding.deals.forms import (
    DayForm,
    MandateForm,
    NewMandateForm,
    OpenDealForm,
    SuggestedForm,
    refuse_nothing,
)
from funding.deals.models import Mandate
from funding.deals.returns import (
    NO_FLOWS,
    NO_ROOT,
    NO_SIGN_CHANGE,
    ONE_DAY,
    SEVERAL_ROOTS,
    NoRate,
    Returns,
)
from funding.deals.services import (
    add_mandate,
    change_mandate,
    open_for,
    portfolio_of,
    short_runways,
    take_up,
)
from funding.deals.states import DealStage, MandateTrack
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, StaffPage, dress, label_acts, money
from park_portal.core.money import format_wan

label_acts({"mandate.add": _("mandate put on record"), "mandate.change": _("mandate changed")})

WHY_NO_RATE = {
    NO_FLOWS: _("none: no money has moved"),
    NO_SIGN_CHANGE: _("none: money went one way only"),
    ONE_DAY: _("none: all of it is of one day"),
    NO_ROOT: _("none: no rate makes these flows even"),
    SEVERAL_ROOTS: _("none: several rates fit"),
}


def rate_text(returns: Returns) -> str:
    """Return the rate of return in percent, or why there is none."""
    if isinstance(returns.irr, NoRate):
        rates = ", ".join(f"{rate:.1%}" for rate in returns.irr.roots)
        return f"{WHY_NO_RATE[returns.irr.reason]}" + (f" ({rates})" if rates else "")
    return f"{returns.irr.value:.1%}"


def times(ratio: Any) -> str:
    """Return a multiple with two decimals; a dash where there is none."""
    return "—" if ratio is None else f"{float(ratio):.2f}×"


class PortfolioPage(StaffPage):
    """What a fund holds on any day: cost, value, what came back, and the returns."""

    name, path = "portfolio", "<int:pk>/portfolio/"
    rule, title, icon = "funding.see_deals", _("Portfolio"), "monitoring"
    offered = "record"
    fullwidth = True
    template_name = "admin/funding/mandate/portfolio.html"

    def context(self) -> Mapping[str, Any]:
        today = timezone.localdate()
        form = DayForm(self.request.GET) if "on" in self.request.GET else DayForm(initial={"on": today})
        on = form.cleaned_data["on"] if form.is_bound and form.is_valid() else today
        found = portfolio_of(self.object.fund, on)
        return {
            "form": dress(form),
            "on": on,
            "portfolio": found,
            "whole": _line(found.returns),
            "lines": [(holding, _line(holding.returns)) for holding in found.holdings],
            "short": short_runways(self.object.fund, on=on),
        }


def _line(returns: Returns) -> dict[str, str]:
    return {
        "moic": times(returns.moic),
        "dpi": times(returns.dpi),
        "tvpi": times(returns.tvpi),
        "irr": rate_text(returns),
    }


def _held(mandate: Mandate, user: Any) -> dict[str, Any]:
    names = ("manager", "manager_name", "tracks", "stages", "ticket_from_fen", "ticket_to_fen", "capital_fen")
    values = {name: getattr(mandate, name) for name in (*names, "note")}
    return {**values, "regions": ", ".join(mandate.regions)}


def _deals_of(mandate: Mandate, _made: Any) -> str:
    return f"{reverse('admin:funding_deal_changelist')}?fund__id__exact={mandate.fund_id}"


@admin.register(Mandate)
class MandateAdmin(ReadOnly, StaffAdmin):
    list_display = ["fund", "managed_by", "fields_shown", "stages_shown", "ticket", "capital"]
    list_select_related = ["fund", "manager"]
    search_fields = ["fund__name_zh_hans", "fund__name_en", "fund__code"]
    search_help_text = _("Name or code of the fund")
    ordering = ["pk"]
    where_from = _("Put the mandate of a fund on record with the button above.")
    fieldsets = [
        (None, {"fields": ["fund", "managed_by", "capital"]}),
        (
            _("What it invests in"),
            {"fields": ["fields_shown", "stages_shown", "regions_shown", "ticket", "note"]},
        ),
    ]
    readonly_fields = ["managed_by", "capital", "fields_shown", "stages_shown", "regions_shown", "ticket"]
    pages = [PortfolioPage]
    acts = [
        Act(
            "add",
            add_mandate,
            label=_("New mandate"),
            rule="funding.keep_mandate",
            form=NewMandateForm,
            on="list",
            icon="add",
            done=_("The mandate is on record."),
        ),
        Act(
            "take_up",
            take_up,
            label=_("Companies that fit"),
            rule="funding.open_deal",
            form=SuggestedForm,
            icon="lightbulb",
            explain=_(
                "Companies with a planned round or an award that nothing in the mandate speaks against, "
                "and that the fund has had no deal with. A deal is opened with each that is ticked."
            ),
            check=refuse_nothing,
            done=_("The deals are open."),
            after=_deals_of,
        ),
        Act(
            "open",
            open_for,
            label=_("Open a deal"),
            rule="funding.open_deal",
            form=OpenDealForm,
            icon="add",
            explain=_("With a company, or with a research project that has none yet."),
            done=_("The deal is open."),
            after=lambda _mandate, deal: reverse("admin:funding_deal_change", args=[deal.pk]),
        ),
        Act(
            "change",
            change_mandate,
            label=_("Change the mandate"),
            rule="funding.keep_mandate",
            form=MandateForm,
            initial=_held,
            icon="edit",
            done=_("The mandate is changed."),
        ),
    ]
    capital = money("capital_fen", _("capital committed"))

    @display(description=_("managed by"))
    def managed_by(self, mandate: Mandate) -> str:
        return str(mandate.manager or mandate.manager_name)

    @display(description=_("fields"))
    def fields_shown(self, mandate: Mandate) -> str:
        return ", ".join(str(MandateTrack(one).label) for one in mandate.tracks) or str(_("any field"))

    @display(description=_("stages"))
    def stages_shown(self, mandate: Mandate) -> str:
        return ", ".join(str(DealStage(one).label) for one in mandate.stages) or str(
            pgettext_lazy("mandate", "any stage")
        )

    @display(description=_("regions"))
    def regions_shown(self, mandate: Mandate) -> str:
        return ", ".join(mandate.regions) or str(pgettext_lazy("mandate", "anywhere"))

    @display(description=_("ticket"))
    def ticket(self, mandate: Mandate) -> str:
        return f"{format_wan(mandate.ticket_from_fen)} – {format_wan(mandate.ticket_to_fen)}"
