"""Amendments of a signed agreement: proposed by one, decided by another, carried out in the ledger."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.awards import accounts
from funding.awards.hooks import holds_of_tranche, spent_of, tell_amended
from funding.awards.models import Agreement, Amendment, Award, BudgetCategory, Tranche
from funding.awards.services.money import committed_account
from funding.awards.services.people import tell_grantee, tell_staff
from funding.awards.states import AgreementState, AmendmentState, AwardState
from funding.funds.services import account_of_line
from park_portal.core.accounts.states import StaffRole
from park_portal.core.audit.services import Actor, record
from park_portal.core.checked import checked
from park_portal.core.errors import DomainError, IllegalTransition
from park_portal.core.ledger.services import post_transfer
from park_portal.core.money import format_yuan
from park_portal.core.text import clean
from park_portal.core.workflow import advance, require

OPEN = (AwardState.RUNNING, AwardState.SUSPENDED)


def propose_amendment(award: Award, *, actor: Actor, reason: str, **changes: Any) -> Amendment:
    """Ask that the signed agreement of ``award`` be changed; one amendment at a time.

    ``changes``: amount_fen (with category, and tranche unless it becomes a new one), ends_on, scope, pi_name.
    """
    require(actor, "funding.propose_amendment", award)
    with transaction.atomic():
        agreement = (
            Agreement.objects.select_for_update(of=("self",))
            .select_related("award")
            .filter(award=award, state=AgreementState.SIGNED)
            .first()
        )
        if agreement is None or agreement.award.state not in OPEN:
            raise IllegalTransition(_("Only the signed agreement of an award under way can be amended."))
        if agreement.amendments.filter(state=AmendmentState.PROPOSED).exists():
            raise DomainError(_("Another amendment is to be decided first."), code="one_at_a_time")
        last = agreement.amendments.order_by("-number").values_list("number", flat=True).first()
        amendment = Amendment(
            agreement=agreement,
            number=(last or 0) + 1,
            reason=clean(reason).strip(),
            proposed_by_id=actor.pk,
            **_changed(agreement, changes),
        )
        checked(amendment)
        _refuse_misfit(amendment)
        amendment.save(force_insert=True)
        record(
            "amendment.propose",
            amendment,
            actor=actor,
            after={str(label): str(value) for label, value in amendment.changes},
            reason=amendment.reason,
        )
        tell_staff(
            "award.amendment_proposed",
            agreement.award,
            roles=(StaffRole.FUND_MANAGER,),
            key=f"amendment/{amendment.pk}",
            link=reverse("admin:funding_amendment_change", args=[amendment.pk]),
            reason=amendment.reason,
        )
    return amendment


def _changed(agreement: Agreement, changes: dict[str, Any]) -> dict[str, Any]:
    """Return ``changes`` without what stays as it is."""
    found = {key: value for key, value in changes.items() if value not in (None, "")}
    for key in ("amount_fen", "ends_on", "scope", "pi_name"):
        if found.get(key) == getattr(agreement, key):
            del found[key]
    if "amount_fen" not in found:
        found.pop("category", None)
        found.pop("tranche", None)
    return found


def _refuse_misfit(amendment: Amendment) -> None:
    """Raise ``DomainError`` for an amount or an end that cannot be."""
    agreement = amendment.agreement
    if amendment.ends_on is not None and amendment.ends_on <= agreement.starts_on:
        raise DomainError(_("It ends before it begins."), code="ends_on", field="ends_on")
    for field in ("category", "tranche"):
        thing = getattr(amendment, field)
        if thing is not None and thing.award_id != agreement.award_id:
            raise DomainError(_("This is of another award."), code="other_award", field=field)
    if amendment.amount_fen is None or amendment.category is None:
        return
    less = agreement.amount_fen - amendment.amount_fen
    if less <= 0:
        return
    if amendment.tranche is None:
        raise DomainError(_("Choose the tranche that becomes smaller."), code="tranche", field="tranche")
    if problems := list(holds_of_tranche(amendment.tranche)):
        raise DomainError(problems[0].message, code="tranche_taken", field="tranche", problems=problems)
    for field, thing in (("tranche", amendment.tranche), ("category", amendment.category)):
        if thing.amount_fen < less:
            raise DomainError(
                _("%(thing)s holds %(amount)s, less than the difference of %(less)s.")
                % {"thing": thing, "amount": format_yuan(thing.amount_fen), "less": format_yuan(less)},
                code="not_enough",
                field=field,
            )


def approve_amendment(amendment: Amendment, *, actor: Actor) -> Amendment:
    """Approve an amendment and carry it out: terms, plan, budget and ledger change together, or nothing does.

    Raises ``NotEnough`` when the budget line has less free than the award grows by.
    """
    with transaction.atomic():
        agreement = Agreement.objects.select_for_update().get(pk=amendment.agreement_id)
        award = Award.objects.select_for_update().get(pk=agreement.award_id)
        _refuse_own(amendment, actor)
        if award.state not in OPEN:
            raise IllegalTransition(state=award.state)
        _refuse_misfit(amendment)
        done = advance(
            amendment,
            "approve",
            actor=actor,
            changes={"decided_by_id": actor.pk, "decided_at": timezone.now()},
        )
        if done.amount_fen is not None:
            _move(award, agreement, done, actor)
        for key in ("amount_fen", "ends_on", "scope", "pi_name"):
            if (value := getattr(done, key)) not in (None, ""):
                setattr(agreement, key, value)
        agreement.save(update_fields=["amount_fen", "ends_on", "scope", "pi_name"])
        tell_amended(award, actor)
        tell_grantee(
            "award.amendment_decided",
            award,
            key=f"amendment/{done.pk}/decided",
            decision={"zh-hans": "已批准", "en": "approved"},
            reason="",
        )
    return done


def _move(award: Award, agreement: Agreement, amendment: Amendment, actor: Actor) -> None:
    assert amendment.amount_fen is not None
    assert amendment.category_id is not None
    assert award.budget_line is not None
    difference = amendment.amount_fen - agreement.amount_fen
    line, committed = account_of_line(award.budget_line, actor=actor), committed_account(award, actor=actor)
    more = difference > 0
    post_transfer(
        debit=line if more else committed,
        credit=committed if more else line,
        amount_fen=abs(difference),
        code=accounts.SUPPLEMENT if more else accounts.RELEASE,
        key=f"award/{award.pk}/amendment/{amendment.number}",
        about=award,
        actor=actor,
        memo=f"{award.number} · {amendment.number}",
    )
    category = BudgetCategory.objects.select_for_update().get(pk=amendment.category_id)
    if category.amount_fen + difference < (spent := spent_of(category)):
        raise DomainError(
            _("%(amount)s of “%(category)s” is spent already.")
            % {"amount": format_yuan(spent), "category": category},
            code="spent",
        )
    category.amount_fen += difference
    category.planned_fen = max(0, category.planned_fen + difference)
    category.save(update_fields=["amount_fen", "planned_fen"])
    if amendment.tranche_id is None:
        last = award.tranches.order_by("-number").values_list("number", flat=True).first()
        Tranche.objects.create(award=award, number=(last or 0) + 1, amount_fen=difference)
    else:
        tranche = Tranche.objects.select_for_update().get(pk=amendment.tranche_id)
        if problems := list(holds_of_tranche(tranche)):
            raise DomainError(problems[0].message, code="tranche_taken", problems=problems)
        tranche.amount_fen += difference
        tranche.save(update_fields=["amount_fen"])


def refuse_amendment(amendment: Amendment, *, actor: Actor, reason: str) -> Amendment:
    """Say no to an amendment; the agreement stays as it is."""
    with transaction.atomic():
        _refuse_own(amendment, actor)
        done = advance(
            amendment,
            "refuse",
            actor=actor,
            reason=reason,
            changes={"decided_by_id": actor.pk, "decided_at": timezone.now(), "answer": reason[:400]},
        )
        tell_grantee(
            "award.amendment_decided",
            done.award,
            key=f"amendment/{done.pk}/decided",
            decision={"zh-hans": "未批准", "en": "refused"},
            reason=reason,
        )
    return done


def withdraw_amendment(amendment: Amendment, *, actor: Actor) -> Amendment:
    """Take an amendment back before it is decided."""
    return advance(amendment, "withdraw", actor=actor)


def _refuse_own(amendment: Amendment, actor: Actor) -> None:
    if actor.pk is not None and amendment.proposed_by_id == actor.pk:
        raise DomainError(_("Who proposed an amendment does not decide on it."), code="own_amendment")
