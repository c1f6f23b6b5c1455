"""Attempts on the rules of deals, rounds and holdings."""

from __future__ import annotations

from django.utils import timezone

from tests.factories import make
from tests.factories.deals import closed
from tests.laws.violations import Breach, breaks, changed, repeated
from tests.laws.violations.generated import below_zero
from tests.laws.violations.rows import delete, row, update

MANDATE, DEAL, ITEM = "funding.Mandate", "funding.Deal", "funding.DiligenceItem"
ROUND, INVESTMENT, CONVERSION = "funding.Round", "funding.Investment", "funding.Conversion"
VALUATION, DISTRIBUTION = "funding.Valuation", "funding.Distribution"
ORGANISATION = "incubator.Organisation"

breaks("mandate_ticket_in_order")(changed(MANDATE, ticket_from_fen=9, ticket_to_fen=8))
breaks("mandate_ticket_within_capital")(changed(MANDATE, capital_fen=1))
breaks("mandate_has_a_manager")(changed(MANDATE, manager_name=""))
breaks("mandate_fields_known")(changed(MANDATE, tracks=["x"]))
breaks("mandate_stages_in_list")(changed(MANDATE, stages=["x"]))
breaks("deal_open_once_a_company")(repeated(DEAL, "fund", "company"))
breaks("deal_move_once")(repeated("funding.DealMove", "deal", "number"))
breaks("diligence_item_once")(repeated(ITEM, "deal", "kind", "title"))
breaks("diligence_item_settled_has_time")(changed(ITEM, settled_at=timezone.now()))
breaks("round_closed_has_a_day")(changed(ROUND, closed_on=timezone.localdate()))
breaks("round_amounts_positive")(changed(ROUND, target_fen=0))
breaks("handover_once")(repeated("funding.Handover", "award", "fund", "deal"))


@breaks("deal_open_once_a_project")
def second_deal_with_a_project() -> dict[str, Breach]:
    first = row(DEAL, project=row("incubator.ResearchProject"))
    return {"insert": lambda: row(DEAL, fund=first.fund, project=first.project)}


@breaks("deal_is_about_something")
def deal_about_nothing() -> dict[str, Breach]:
    fund = row("funding.Fund")
    return {"insert": lambda: row(DEAL, fund=fund, company=None, project=None)}


@breaks("deal_moves_only_by_merge")
def deal_of_another_company() -> dict[str, Breach]:
    deal, other = row(DEAL), row(ORGANISATION)
    return {"update": lambda: update(deal, company=other)}


@breaks("deal_move_says_why")
def move_without_a_reason() -> dict[str, Breach]:
    return {
        f"insert: {text!r}": lambda text=text: row("funding.DealMove", reason=text) for text in ("", " \n")
    }


def _in_diligence(**values: object) -> object:
    deal = row(DEAL, **values)
    for step, (source, target) in enumerate(
        [("suggested", "screening"), ("screening", "meeting"), ("meeting", "diligence")], 1
    ):
        row("funding.DealMove", deal=deal, number=step, source=source, target=target)
        update(deal, state=target, step=step)
    return deal


@breaks("deal_moves_with_a_reason")
def moved_in_silence() -> dict[str, Breach]:
    deal, told = row(DEAL), row(DEAL)
    row("funding.DealMove", deal=told, number=1, source="suggested", target="screening")
    return {
        "update: no move": lambda: update(deal, state="screening", step=1),
        "update: another move": lambda: update(told, state="passed", step=1),
    }


@breaks("deal_cleared_before_committee")
def before_the_committee_too_early() -> dict[str, Breach]:
    empty, waiting = _in_diligence(), _in_diligence()
    row(ITEM, deal=waiting)
    for deal in (empty, waiting):
        row("funding.DealMove", deal=deal, number=4, source="diligence", target="committee")
    return {
        "update: nothing examined": lambda: update(empty, state="committee", step=4),
        "update: a point open": lambda: update(waiting, state="committee", step=4),
    }


@breaks("diligence_item_opens_in_time")
def point_after_the_committee() -> dict[str, Breach]:
    deal = _in_diligence()
    item = row(ITEM, deal=deal)
    update(item, state="cleared", settled_at=timezone.now())
    row("funding.DealMove", deal=deal, number=4, source="diligence", target="committee")
    update(deal, state="committee", step=4)
    return {
        "insert": lambda: row(ITEM, deal=deal),
        "update": lambda: update(item, state="open", settled_at=None),
    }


@breaks("diligence_item_waived_says_why")
def waived_without_a_reason() -> dict[str, Breach]:
    item = row(ITEM)
    return {"update": lambda: update(item, state="waived", settled_at=timezone.now())}


@breaks("round_moves_only_by_merge")
def round_of_another_company() -> dict[str, Breach]:
    found, other = row(ROUND), row(ORGANISATION)
    return {"update": lambda: update(found, company=other)}


@breaks("round_closed_stays_as_it_is")
def closed_round_changed() -> dict[str, Breach]:
    found = closed(row(ROUND))
    return {
        "update: price": lambda: update(found, pre_money_fen=5),
        "update: name": lambda: update(found, name="x"),
    }


@breaks("investment_while_round_is_planned")
def money_into_a_closed_round() -> dict[str, Breach]:
    held = row(INVESTMENT)
    closed(held.round)
    return {"insert": lambda: row(INVESTMENT, round=held.round), "delete": lambda: delete(held)}


breaks("investment_moves_only_by_merge")(
    changed(
        INVESTMENT,
        {"organisation": lambda: row(ORGANISATION)},
        organisation=lambda held: row(ORGANISATION),
    )
)


def _refused(**values: object):  # type: ignore[no-untyped-def]
    return lambda: row(INVESTMENT, **values)


EQUITY = {"instrument": "equity", "cap_fen": None, "shares": 10}
LOAN = {"instrument": "loan", "cap_fen": None, "interest_bp": 600, "matures_on": "2027-01-01"}


@breaks("investment_terms_of_its_instrument")
def terms_of_another_instrument() -> dict[str, Breach]:
    return {
        "insert: equity without shares": _refused(**{**EQUITY, "shares": None}),
        "insert: equity with a cap": _refused(**{**EQUITY, "cap_fen": 100}),
        "insert: convertible without interest": _refused(instrument="convertible", matures_on="2027-01-01"),
        "insert: SAFE without cap and discount": _refused(cap_fen=None),
        "insert: SAFE with interest": _refused(interest_bp=600),
        "insert: loan with a cap": _refused(**{**LOAN, "cap_fen": 100}),
        "insert: loan without a due date": _refused(**{**LOAN, "matures_on": None}),
    }


@breaks("investment_terms_possible")
def impossible_terms() -> dict[str, Breach]:
    return {
        "insert: no shares": _refused(**{**EQUITY, "shares": 0}),
        "insert: cap": _refused(cap_fen=0),
        "insert: discount": _refused(discount_bp=10_000),
        "insert: interest": _refused(**{**LOAN, "interest_bp": -1}),
    }


@breaks("investment_terms_fixed")
def other_terms() -> dict[str, Breach]:
    safe = row(INVESTMENT, fund=row("funding.Fund"))
    named, bought = row(INVESTMENT), row(INVESTMENT, **EQUITY)
    lent = row(INVESTMENT, **{**LOAN, "instrument": "convertible"})
    round_, fund, award = row(ROUND), row("funding.Fund"), make("funding.Award")
    return {
        "update: round": lambda: update(safe, round=round_),
        "update: fund": lambda: update(safe, fund=fund),
        "update: holder": lambda: update(named, holder_name="乙"),
        "update: award": lambda: update(safe, award=award),
        "update: instrument": lambda: update(lent, instrument="loan"),
        "update: amount": lambda: update(safe, amount_fen=1),
        "update: shares": lambda: update(bought, shares=11),
        "update: cap": lambda: update(safe, cap_fen=1),
        "update: discount": lambda: update(safe, discount_bp=2_000),
        "update: interest": lambda: update(lent, interest_bp=1),
        "update: due": lambda: update(lent, matures_on="2028-01-01"),
    }


@breaks("investment_amount_positive")
def investment_of_nothing() -> dict[str, Breach]:
    return {"insert": _refused(amount_fen=0)}


@breaks("investment_has_one_holder")
def two_holders() -> dict[str, Breach]:
    fund = row("funding.Fund")
    return {"insert: two": _refused(fund=fund, holder_name="甲"), "insert: none": _refused(holder_name="")}


def _granted(**values: object) -> dict[str, object]:
    award = make("funding.Award")
    return {
        "award": award,
        "fund": award.fund,
        "round": row(ROUND, company=award.organisation or row(ORGANISATION)),
        **values,
    }


@breaks("investment_by_award_converts")
def shares_for_a_grant() -> dict[str, Breach]:
    return {"insert": _refused(**_granted(**EQUITY))}


@breaks("investment_of_an_award_once")
def award_twice() -> dict[str, Breach]:
    values = _granted()
    row(INVESTMENT, **values)
    return {"insert": _refused(**values)}


@breaks("investment_of_its_award")
def award_of_others() -> dict[str, Breach]:
    values = _granted()
    return {
        "insert: another fund": _refused(**{**values, "fund": row("funding.Fund")}),
        "insert: another company": _refused(**{**values, "round": row(ROUND)}),
    }


@breaks("conversion_amounts_positive")
def conversion_into_nothing() -> dict[str, Breach]:
    return {
        "insert: shares": lambda: row(CONVERSION, shares=0),
        "insert: amount": lambda: row(CONVERSION, amount_fen=0),
    }


@breaks("conversion_in_its_company")
def conversion_in_another_company() -> dict[str, Breach]:
    held, other = row(INVESTMENT), row(ROUND)
    closed(held.round)
    return {"insert": lambda: row(CONVERSION, investment=held, round=other)}


@breaks("conversion_of_what_converts")
def conversion_of_shares() -> dict[str, Breach]:
    bought, safe = row(INVESTMENT, **EQUITY), row(INVESTMENT)
    closed(bought.round)
    closed(safe.round)
    done = closed(row(ROUND, company=safe.round.company))
    return {
        "insert: equity": lambda: row(CONVERSION, investment=bought),
        "insert: into a closed round": lambda: row(CONVERSION, investment=safe, round=done),
    }


@breaks("handover_of_its_deal")
def handover_into_another_deal() -> dict[str, Breach]:
    award, fund, other = make("funding.Award"), row("funding.Fund"), row(DEAL)
    return {
        "insert: another fund": lambda: row("funding.Handover", award=award, fund=fund, deal=other),
        "insert: another company": lambda: row("funding.Handover", award=award, fund=other.fund, deal=other),
    }


# --- holdings

for label, name in (
    (VALUATION, "valuation"),
    (DISTRIBUTION, "distribution"),
    ("funding.RunwayFigure", "runway_figure"),
):
    breaks(f"{name}_moves_only_by_merge")(changed(label, company=lambda held: row(ORGANISATION)))


def _inserted(label: str, **values: object):  # type: ignore[no-untyped-def]
    return lambda: {"insert": lambda: row(label, **values)}


# Of columns that are written once: a row with what is not a choice is never made.
for known, label, field in (
    ("diligence_item_kind_known", ITEM, "kind"),
    ("distribution_kind_known", DISTRIBUTION, "kind"),
    ("valuation_method_known", VALUATION, "method"),
):
    breaks(known)(_inserted(label, **{field: "x"}))
breaks("investment_instrument_known", behind=("investment_terms_of_its_instrument",))(
    _inserted(INVESTMENT, instrument="x")
)
breaks("valuation_not_negative")(_inserted(VALUATION, value_fen=-1))
breaks("valuation_written_off_is_nothing")(_inserted(VALUATION, method="written_off", value_fen=1))
breaks("distribution_amount_positive")(_inserted(DISTRIBUTION, amount_fen=0))
breaks("runway_not_negative")(_inserted("funding.RunwayFigure", burn_fen=-1))


@breaks("distribution_reversed_as_it_was")
def reversed_otherwise() -> dict[str, Breach]:
    paid = row(DISTRIBUTION)
    same = {"reverses": paid, "fund": paid.fund, "company": paid.company, "amount_fen": paid.amount_fen}
    return {
        "insert: amount": lambda: row(DISTRIBUTION, **{**same, "amount_fen": 99}),
        "insert: fund": lambda: row(DISTRIBUTION, **{**same, "fund": row("funding.Fund")}),
        "insert: company": lambda: row(DISTRIBUTION, **{**same, "company": row(ORGANISATION)}),
    }


@breaks("funding_distribution_reverses_id_key")
def reversed_twice() -> dict[str, Breach]:
    paid = row(DISTRIBUTION)
    same = {"reverses": paid, "fund": paid.fund, "company": paid.company, "amount_fen": paid.amount_fen}
    row(DISTRIBUTION, **same)
    return {"insert": lambda: row(DISTRIBUTION, **same)}


breaks("funding_deal_step_check")(below_zero(DEAL, "step"))
