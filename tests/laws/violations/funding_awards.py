"""Attempts on the rules of awards: agreements, plans, amendments, claims."""

from __future__ import annotations

from datetime import date

from django.utils import timezone

from funding.awards.services import held_for
from park_portal.core.ledger.services import post_held
from park_portal.core.money import MAX_FEN
from park_portal.core.workflow import SYSTEM
from tests.factories.awards import (
    issued_agreement,
    make_clawback,
    make_running,
    make_signed,
    submitted_milestone,
)
from tests.factories.decisions import make_award
from tests.laws.violations import Breach, breaks, repeated
from tests.laws.violations.generated import planned
from tests.laws.violations.rows import row, update


@breaks("award_runs_on_committed_money")
def award_that_runs_on_nothing() -> dict[str, Breach]:
    nothing, held = make_signed(make_award(held=False)), make_signed()
    return {
        "update: nothing held": lambda: update(nothing, state="running"),
        "update: held alone": lambda: update(held, state="running"),
    }


@breaks("award_runs_on_a_signed_agreement")
def award_that_runs_on_words() -> dict[str, Breach]:
    none, issued = make_award(), issued_agreement().award
    for award in (none, issued):
        held = held_for(award)
        assert held is not None
        post_held(held, actor=SYSTEM)
    return {
        "update: no agreement": lambda: update(none, state="running"),
        "update: not signed": lambda: update(issued, state="running"),
    }


@breaks("award_accepted_by_a_decision")
def award_accepted_by_nobody() -> dict[str, Breach]:
    award = make_running()
    update(award, state="acceptance")
    application = award.application
    return {
        "update": lambda: update(award, state="accepted"),
        "update: no amount": lambda: update(award, state="accepted", acceptance=application),
        "update: no application": lambda: update(award, state="accepted", recognised_fen=5),
    }


@breaks("award_closed_with_nothing_left")
def award_closed_too_early() -> dict[str, Breach]:
    full, claimed = make_running(), make_clawback().award
    update(full, state="terminated")
    return {
        "update: money left": lambda: update(full, state="closed"),
        "update: money claimed": lambda: update(claimed, state="closed"),
    }


# --- agreements


@breaks("agreement_adds_up")
def agreement_of_another_sum() -> dict[str, Breach]:
    empty, whole, half = row("funding.Agreement"), planned(row("funding.Agreement")), row("funding.Agreement")
    document = row("core.Document")
    row("funding.Tranche", award=half.award, amount_fen=half.amount_fen)
    return {
        "update: nothing planned": lambda: update(empty, state="issued", document=document),
        "update: no budget": lambda: update(half, state="issued", document=document),
        "update: another sum": lambda: update(
            whole, state="issued", document=document, amount_fen=whole.amount_fen + 1
        ),
    }


@breaks("tranche_adds_up")
def tranche_of_another_amount() -> dict[str, Breach]:
    award = issued_agreement().award
    first = award.tranches.first()
    return {
        "insert": lambda: row("funding.Tranche", award=award),
        "update": lambda: update(first, amount_fen=1),
        "delete": lambda: first.delete(),
    }


@breaks("budget_category_adds_up")
def category_of_another_amount() -> dict[str, Breach]:
    award = issued_agreement().award
    first = award.categories.get(kind="equipment")
    return {
        "insert": lambda: row("funding.BudgetCategory", award=award, kind="labour"),
        "update": lambda: update(first, amount_fen=1),
        "delete": lambda: first.delete(),
    }


@breaks("agreement_signed_by_all")
def agreement_signed_by_one() -> dict[str, Breach]:
    nobody, one = issued_agreement(), issued_agreement()
    row("funding.Signature", agreement=one, version=1, party="park")
    row("funding.Signature", agreement=one, version=9, party="grantee")
    return {
        "update: nobody": lambda: update(nobody, state="signed"),
        "update: the park alone": lambda: update(one, state="signed"),
    }


_AMENDED = {"ends_on": date(2099, 1, 1), "scope": "x", "pi_name": "x"}


@breaks("agreement_changes_by_amendment")
def agreement_changed_by_itself() -> dict[str, Breach]:
    signed, issued = make_running().agreement, issued_agreement()
    return {
        f"update: {name}, {agreement.state}": lambda agreement=agreement, name=name, value=value: update(
            agreement, **{name: value}
        )
        for agreement in (signed, issued)
        for name, value in _AMENDED.items()
    }


@breaks("agreement_terms_fixed")
def agreement_with_other_terms() -> dict[str, Breach]:
    issued = issued_agreement()
    values = {
        "starts_on": date(2020, 1, 1),
        "trl_start": 1,
        "trl_target": 9,
        "report_months": 24,
        "document": row("core.Document"),
    }
    return {
        f"update: {name}": lambda name=name, value=value: update(issued, **{name: value})
        for name, value in values.items()
    }


@breaks("agreement_amount_positive")
def agreement_over_nothing() -> dict[str, Breach]:
    return {
        "insert: nothing": lambda: row("funding.Agreement", amount_fen=0),
        "insert: too much": lambda: row("funding.Agreement", amount_fen=MAX_FEN + 1),
    }


breaks("agreement_ends_after_it_begins")(
    lambda: {"insert": lambda: row("funding.Agreement", ends_on=date(2026, 1, 1))}
)


@breaks("agreement_trl_possible")
def agreement_to_fall_back() -> dict[str, Breach]:
    return {
        "insert: none": lambda: row("funding.Agreement", trl_start=0),
        "insert: back": lambda: row("funding.Agreement", trl_start=5, trl_target=4),
        "insert: beyond": lambda: row("funding.Agreement", trl_target=10),
    }


@breaks("agreement_issued_as_pdf")
def agreement_without_a_pdf() -> dict[str, Breach]:
    agreement = planned(row("funding.Agreement"))
    return {"update": lambda: update(agreement, state="issued")}


@breaks("agreement_template_once")
def second_template() -> dict[str, Breach]:
    row("funding.AgreementTemplate", fund=None)
    mine = row("funding.AgreementTemplate", fund=row("funding.Fund"))
    return {
        "insert: of all funds": lambda: row("funding.AgreementTemplate", fund=None),
        "insert: of one fund": lambda: row("funding.AgreementTemplate", fund=mine.fund),
    }


breaks("signature_once")(repeated("funding.Signature", "agreement", "version", "party"))


# --- amendments


@breaks("amendment_numbered")
def amendment_of_the_same_number() -> dict[str, Breach]:
    first = row("funding.Amendment")
    update(first, state="withdrawn")
    return {"insert": lambda: row("funding.Amendment", agreement=first.agreement, number=first.number)}


breaks("amendment_one_at_a_time")(repeated("funding.Amendment", "agreement"))
breaks("amendment_changes_something")(lambda: {"insert": lambda: row("funding.Amendment", pi_name="")})


@breaks("amendment_amount_whole")
def amendment_of_half_an_amount() -> dict[str, Breach]:
    agreement = row("funding.Agreement")
    category = row("funding.BudgetCategory", award=agreement.award)
    tranche = row("funding.Tranche", award=agreement.award)
    return {
        "insert: no category": lambda: row("funding.Amendment", agreement=agreement, amount_fen=5),
        "insert: nothing": lambda: row(
            "funding.Amendment", agreement=agreement, amount_fen=0, category=category
        ),
        "insert: too much": lambda: row(
            "funding.Amendment", agreement=agreement, amount_fen=MAX_FEN + 1, category=category
        ),
        "insert: a category alone": lambda: row("funding.Amendment", agreement=agreement, category=category),
        "insert: a tranche alone": lambda: row("funding.Amendment", agreement=agreement, tranche=tranche),
    }


@breaks("amendment_decided_by_another")
def amendment_decided_by_who_proposed_it() -> dict[str, Breach]:
    person = row("core.User")
    amendment = row("funding.Amendment", proposed_by=person)
    decided = {"decided_by": person, "decided_at": timezone.now()}
    return {"update": lambda: update(amendment, state="approved", **decided)}


@breaks("amendment_decided_by_somebody")
def amendment_decided_by_nobody() -> dict[str, Breach]:
    amendment, now, person = row("funding.Amendment"), timezone.now(), row("core.User")
    return {
        "update: nobody": lambda: update(amendment, state="approved", decided_at=now),
        "update: never": lambda: update(amendment, state="refused", decided_by=person),
    }


@breaks("amendment_of_its_award")
def amendment_of_two_awards() -> dict[str, Breach]:
    agreement, other = row("funding.Agreement"), row("funding.Award")
    mine = row("funding.BudgetCategory", award=agreement.award)
    category, tranche = row("funding.BudgetCategory", award=other), row("funding.Tranche", award=other)
    return {
        "insert: category": lambda: row(
            "funding.Amendment", agreement=agreement, amount_fen=5, category=category
        ),
        "insert: tranche": lambda: row(
            "funding.Amendment", agreement=agreement, amount_fen=5, category=mine, tranche=tranche
        ),
    }


# --- plans

breaks("budget_category_once")(repeated("funding.BudgetCategory", "award", "kind"))


@breaks("budget_category_amount_possible")
def category_below_nothing() -> dict[str, Breach]:
    return {
        "insert: below": lambda: row("funding.BudgetCategory", amount_fen=-1),
        "insert: beyond": lambda: row("funding.BudgetCategory", amount_fen=MAX_FEN + 1),
        "insert: planned below": lambda: row("funding.BudgetCategory", planned_fen=-1),
    }


breaks("budget_shift_amount_positive")(
    lambda: {
        "insert: nothing": lambda: row("funding.BudgetShift", amount_fen=0),
        "insert: too much": lambda: row("funding.BudgetShift", amount_fen=MAX_FEN + 1),
    }
)


@breaks("budget_shift_between_two")
def shift_to_itself() -> dict[str, Breach]:
    one = row("funding.BudgetCategory")
    return {"insert": lambda: row("funding.BudgetShift", award=one.award, source=one, target=one)}


@breaks("budget_shift_within_one_award")
def shift_to_another_award() -> dict[str, Breach]:
    one, other = row("funding.BudgetCategory"), row("funding.BudgetCategory")
    return {
        "insert: to": lambda: row("funding.BudgetShift", award=one.award, source=one, target=other),
        "insert: from": lambda: row("funding.BudgetShift", award=one.award, source=other, target=one),
    }


breaks("milestone_numbered")(repeated("funding.Milestone", "award", "number"))
breaks("milestone_trl_possible")(
    lambda: {
        "insert: none": lambda: row("funding.Milestone", trl=0),
        "insert: beyond": lambda: row("funding.Milestone", trl=10),
    }
)


@breaks("milestone_shown_twice")
def milestone_shown_once() -> dict[str, Breach]:
    milestone, now = row("funding.Milestone"), timezone.now()
    both = {"technical_evidence": "x", "market_evidence": "x", "submitted_at": now}
    return {
        f"update: no {name}": lambda name=name: update(
            milestone,
            state="submitted",
            **{**both, name: None if name == "submitted_at" else ""},
        )
        for name in both
    }


@breaks("milestone_checked_by_another")
def milestone_checked_by_who_sent_it() -> dict[str, Breach]:
    milestone, person = submitted_milestone(), row("core.User")
    return {"update": lambda: update(milestone, submitted_by=person, checked_by=person)}


@breaks("milestone_met_when_checked")
def milestone_met_unchecked() -> dict[str, Breach]:
    milestone = submitted_milestone()
    return {"update": lambda: update(milestone, state="met")}


@breaks("milestone_evidence_fixed")
def milestone_with_other_evidence() -> dict[str, Breach]:
    milestone = submitted_milestone()
    values = {
        "technical_evidence": "x",
        "market_evidence": "x",
        "technical_document": row("core.Document"),
        "market_document": row("core.Document"),
        "title": "x",
        "technical_goal": "x",
        "market_goal": "x",
        "trl": 9,
    }
    return {
        f"update: {name}": lambda name=name, value=value: update(milestone, **{name: value})
        for name, value in values.items()
    }


breaks("tranche_numbered")(repeated("funding.Tranche", "award", "number"))
breaks("tranche_amount_possible")(
    lambda: {
        "insert: below": lambda: row("funding.Tranche", amount_fen=-1),
        "insert: beyond": lambda: row("funding.Tranche", amount_fen=MAX_FEN + 1),
    }
)


@breaks("tranche_of_the_milestone_s_award")
def tranche_of_another_award() -> dict[str, Breach]:
    milestone, tranche = row("funding.Milestone"), row("funding.Tranche")
    return {
        "insert": lambda: row("funding.Tranche", milestone=milestone),
        "update": lambda: update(tranche, milestone=milestone),
    }


# --- claims

breaks("clawback_amount_positive")(
    lambda: {
        "insert: nothing": lambda: row("funding.Clawback", amount_fen=0),
        "insert: too much": lambda: row("funding.Clawback", amount_fen=MAX_FEN + 1),
    }
)


@breaks("clawback_paid_back_in_the_ledger")
def clawback_paid_back_in_words() -> dict[str, Breach]:
    claim, nothing = make_clawback(), row("funding.Clawback")
    return {
        "update: nothing came": lambda: update(claim, state="recovered"),
        "update: nothing booked": lambda: update(nothing, state="recovered"),
    }


@breaks("amendment_is_final")
def amendment_rewritten() -> dict[str, Breach]:
    agreement, other = row("funding.Agreement"), row("funding.Agreement")
    category = row("funding.BudgetCategory", award=agreement.award)
    amendment = row("funding.Amendment", agreement=agreement, amount_fen=5, category=category)
    values = {
        "agreement": other,
        "number": 31_000,
        "amount_fen": 6,
        "category": row("funding.BudgetCategory", award=agreement.award, kind="labour"),
        "tranche": row("funding.Tranche", award=agreement.award),
        "ends_on": date(2099, 1, 1),
        "scope": "x",
        "pi_name": "y",
        "reason": "y",
        "proposed_by": row("core.User"),
        "proposed_at": timezone.now(),
    }
    return {
        f"update: {name}": lambda name=name, value=value: update(amendment, **{name: value})
        for name, value in values.items()
    }


breaks("budget_category_kind_known")(lambda: {"insert": lambda: row("funding.BudgetCategory", kind="x")})


@breaks("funding_award_acceptance_id_key")
def two_awards_accepted_by_one_application() -> dict[str, Breach]:
    one, other = row("funding.Award"), row("funding.Award")
    update(one, acceptance=one.application)
    return {"update": lambda: update(other, acceptance=one.application)}
