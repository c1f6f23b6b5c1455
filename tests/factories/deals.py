"""Funds that invest, deals, rounds and holdings."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from funding.deals import services
from funding.deals.models import (
    Conversion,
    Deal,
    DealMove,
    DiligenceItem,
    Distribution,
    Handover,
    Investment,
    Mandate,
    Round,
    RunwayFigure,
    Valuation,
)
from funding.funds.models import Fund
from incubator.organisations.models import Organisation
from park_portal.core.audit.services import SYSTEM
from park_portal.core.workflow import advance
from tests.factories import fill, make, makes, number
from tests.factories.calls import make_fund
from tests.factories.incubator import make_organisation

WAN = 1_000_000  # fen
WAY = ("screen", "meet", "examine", "present", "offer", "close")


def make_market_fund(**values: Any) -> Fund:
    name = values.pop("name", f"天使基金{number()}")
    return make_fund(
        **{"name": name, "name_en": name, "kind": "market", "code": f"angel-{number()}", **values}
    )


TERMS = {
    "manager_name": "青浦创投",
    "tracks": ["ai_bt"],
    "stages": ["seed", "angel"],
    "regions": ["青浦"],
    "ticket_from_fen": 100 * WAN,
    "ticket_to_fen": 1_000 * WAN,
    "capital_fen": 10_000 * WAN,
}


def make_mandate(fund: Fund | None = None, **values: Any) -> Mandate:
    """A fund for early AI + BT companies in Qingpu, tickets from ¥1,000,000 to ¥10,000,000."""
    return services.add_mandate(actor=SYSTEM, fund=fund or make_market_fund(), **{**TERMS, **values})


def make_startup(**values: Any) -> Organisation:
    return make_organisation(**{"technology_field": "ai_bt", "district": "青浦区", **values})


def make_deal(fund: Fund | None = None, company: Organisation | None = None, *, upto: str = "") -> Deal:
    """A deal as it was opened, or brought to the state ``upto``; its list is cleared before the committee."""
    deal = services.open_deal(fund or make_market_fund(), actor=SYSTEM, company=company or make_startup())
    for name in WAY:
        if not upto or deal.state == upto:
            break
        if name == "present":
            for item in deal.items.filter(state="open"):
                services.clear_item(item, actor=SYSTEM)
        services.move_deal(deal, name=name, actor=SYSTEM, reason="符合基金策略")
    return deal


def make_round(company: Organisation | None = None, **values: Any) -> Round:
    return services.add_round(
        actor=SYSTEM,
        company=company or make_startup(),
        **{"name": "天使轮", "stage": "angel", "target_fen": 500 * WAN, **values},
    )


def founded(company: Organisation | None = None, *, on: date = date(2024, 1, 1), **shares: int) -> Round:
    """The closed round in which founders got their shares: of 甲 600,000 and 乙 400,000, if nobody says otherwise."""
    row = make_round(company, name="设立", stage="seed", target_fen=None)
    for name, count in (shares or {"甲": 600_000, "乙": 400_000}).items():
        services.add_investment(
            row, actor=SYSTEM, holder_name=name, instrument="equity", amount_fen=count * 100, shares=count
        )
    return services.close_round(row, actor=SYSTEM, on=on)


def invest(
    fund: Fund | None = None,
    company: Organisation | None = None,
    *,
    on: date = date(2025, 1, 1),
    amount_fen: int = 100 * WAN,
    shares: int = 100_000,
) -> Investment:
    """What a fund put into a closed round for shares."""
    row = make_round(company)
    made = services.add_investment(
        row,
        actor=SYSTEM,
        fund=fund or make_market_fund(),
        instrument="equity",
        amount_fen=amount_fen,
        shares=shares,
    )
    services.close_round(row, actor=SYSTEM, on=on)
    return made


def convertible(round_: Round, **values: Any) -> Investment:
    terms = {
        "fund": make_market_fund(),
        "instrument": "convertible",
        "amount_fen": 100 * WAN,
        "interest_bp": 600,
    }
    return services.add_investment(
        round_, actor=SYSTEM, **{**terms, "matures_on": date(2027, 1, 1), **values}
    )


# --- for the laws -------------------------------------------------------------------------------------------------


@makes("funding.Mandate")
def mandate(**values: Any) -> Mandate:
    fund = values.pop("fund", None) or make_market_fund()
    if "manager" in values:
        values.setdefault("manager_name", "")
    return fill("funding.Mandate", fund=fund, **{**TERMS, **values})


@makes("funding.Deal")
def deal(**values: Any) -> Deal:
    if "company" not in values and "project" not in values:
        values["company"] = make_organisation()
    if "fund" not in values:
        values["fund"] = make_market_fund()
    return fill("funding.Deal", **values)


@makes("funding.DealMove")
def deal_move(**values: Any) -> DealMove:
    made = {"number": number(), "source": "suggested", "target": "screening", "reason": "值得看", **values}
    return fill("funding.DealMove", **made)


@makes("funding.DiligenceItem")
def diligence_item(*, settled: str = "", **values: Any) -> DiligenceItem:
    """A point that is open, or ``settled`` as this."""
    item = fill("funding.DiligenceItem", **{"kind": "other", "title": f"事项 {number()}", **values})
    if settled:
        DiligenceItem.objects.filter(pk=item.pk).update(state=settled, settled_at=timezone.now(), note="x")
        item.refresh_from_db()
    return item


@makes("funding.Round")
def round_(**values: Any) -> Round:
    return fill("funding.Round", **{"company": values.pop("company", None) or make_organisation(), **values})


@makes("funding.Investment")
def investment(**values: Any) -> Investment:
    if not {"fund", "organisation", "holder_name"} & values.keys():
        values["holder_name"] = f"投资人{number()}"
    made = {"instrument": "safe", "amount_fen": 100 * WAN, "cap_fen": 1_000 * WAN, **values}
    return fill("funding.Investment", **made)


def closed(row: Round, on: date | None = None) -> Round:
    """The round, closed by the database's leave alone."""
    return advance(row, "close", actor=SYSTEM, changes={"closed_on": on or timezone.localdate()})


@makes("funding.Conversion")
def conversion(**values: Any) -> Conversion:
    if "investment" not in values:
        company = values["round"].company if "round" in values else make_organisation()
        values["investment"] = make("funding.Investment", round=make("funding.Round", company=company))
    if values["investment"].round.state == "planned":
        closed(values["investment"].round)
    if "round" not in values:
        values["round"] = make("funding.Round", company=values["investment"].round.company)
    return fill("funding.Conversion", **{"amount_fen": 100, "shares": 10, "basis": "cap", **values})


def _of_holding(label: str, **given: Any) -> Any:
    made = {"fund": make_market_fund, "company": make_organisation, "on": timezone.localdate, **given}
    return fill(label, **{name: value() if callable(value) else value for name, value in made.items()})


@makes("funding.Valuation")
def valuation(**values: Any) -> Valuation:
    return _of_holding("funding.Valuation", **{"method": "comparables", "value_fen": 100, **values})


@makes("funding.Distribution")
def distribution(**values: Any) -> Distribution:
    return _of_holding("funding.Distribution", **{"kind": "dividend", "amount_fen": 100, **values})


@makes("funding.RunwayFigure")
def runway_figure(**values: Any) -> RunwayFigure:
    company = values.pop("company", None) or make_organisation()
    on = values.pop("on", None) or timezone.localdate() - timedelta(days=1)
    return fill(
        "funding.RunwayFigure", company=company, on=on, **{"cash_fen": 900, "burn_fen": 100, **values}
    )


@makes("funding.Handover")
def handover(**values: Any) -> Handover:
    if "award" not in values:
        values["award"] = make("funding.Award")
    award = values["award"]
    if "fund" not in values:
        values["fund"] = values["deal"].fund if "deal" in values else make_market_fund()
    if "deal" not in values:
        values["deal"] = deal(fund=values["fund"], company=award.organisation, project=award.project)
    return fill("funding.Handover", **{"note": "全套材料", **values})
