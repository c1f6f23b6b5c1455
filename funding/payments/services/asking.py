"""The first steps of a payment: it is asked for, its evidence is checked, or it goes back."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.awards.models import Tranche
from funding.awards.services import refuse_tranche
from funding.payments.models import Disbursement
from funding.payments.services.common import (
    lock_award,
    locked,
    read_account,
    refuse_same_person,
    refuse_state,
    who,
)
from funding.payments.services.holding import let_go
from funding.payments.services.telling import tell_grantee, tell_next
from funding.payments.states import DisbursementState
from park_portal.core.audit.services import Actor, record
from park_portal.core.checked import checked
from park_portal.core.errors import DomainError
from park_portal.core.money import MAX_FEN, format_yuan
from park_portal.core.workflow import advance, require


def ask_disbursement(
    tranche: Tranche,
    *,
    actor: Actor,
    amount_fen: int,
    purpose: str,
    payee: str,
    bank: str,
    account_number: str,
) -> Disbursement:
    """Ask for ``amount_fen`` fen of a tranche, to be paid to an account of the award's holder; the same asked twice is one.

    Raises ``DomainError`` while the tranche's conditions are not met, beyond its amount, where it was asked for before, or
    for an account that cannot be.
    """
    require(actor, "funding.ask_disbursement", tranche)
    values: dict[str, Any] = {
        "amount_fen": amount_fen,
        "purpose": purpose,
        "payee": payee,
        "bank": bank,
        "account_number": read_account(account_number),
    }
    with transaction.atomic():
        award = lock_award(tranche.award)
        living = Disbursement.objects.filter(tranche=tranche).exclude(state=DisbursementState.CANCELLED)
        before = living.first()
        if before is not None:
            if before.asked_by_id == actor.pk and _is_same(before, values):
                return before
            raise DomainError(
                _("This tranche was asked for: %(payment)s, %(state)s.")
                % {"payment": before.number, "state": before.get_state_display()},
                code="asked_for",
                field="tranche",
            )
        refuse_tranche(tranche)
        _refuse_amount(tranche, amount_fen)
        count = Disbursement.objects.filter(award=award).count() + 1
        payment = Disbursement(
            award=award, tranche=tranche, number=f"{award.number}-P{count}", asked_by=who(actor), **values
        )
        checked(payment)
        payment.save(force_insert=True)
        record(
            "disbursement.ask",
            payment,
            actor=actor,
            after={"number": payment.number, "amount_fen": amount_fen, "purpose": purpose},
        )
        tell_next("payment.asked", payment)
    return payment


def _is_same(payment: Disbursement, values: dict[str, Any]) -> bool:
    return payment.state == DisbursementState.ASKED and all(
        getattr(payment, name) == value for name, value in values.items()
    )


def _refuse_amount(tranche: Tranche, amount_fen: int) -> None:
    if not 0 < amount_fen <= MAX_FEN:
        raise DomainError(
            _("An amount must be more than nothing."), code="amount_positive", field="amount_fen"
        )
    if amount_fen > tranche.amount_fen:
        raise DomainError(
            _("The tranche has %(most)s; %(asked)s is too much.")
            % {"most": format_yuan(tranche.amount_fen), "asked": format_yuan(amount_fen)},
            code="too_much",
            field="amount_fen",
        )


def ask_again(
    payment: Disbursement,
    *,
    actor: Actor,
    amount_fen: int,
    purpose: str,
    payee: str,
    bank: str,
    account_number: str,
) -> Disbursement:
    """Ask anew for a payment that was returned or that the bank sent back; all four people look at it again.

    Raises ``DomainError`` where nothing of the account was changed since the bank sent it back.
    """
    number = read_account(account_number)
    with transaction.atomic():
        lock_award(payment.award)
        held = locked(payment)
        require(actor, "funding.ask_disbursement", held)
        values = {
            "amount_fen": amount_fen,
            "purpose": purpose,
            "payee": payee,
            "bank": bank,
            "account_number": number,
        }
        if held.asked_by_id == actor.pk and _is_same(held, values):
            return held  # the second click
        refuse_state(held, DisbursementState.RETURNED, DisbursementState.BOUNCED)
        refuse_tranche(held.tranche)
        _refuse_amount(held.tranche, amount_fen)
        if held.state == DisbursementState.BOUNCED and (held.payee, held.bank, held.account_number) == (
            payee,
            bank,
            number,
        ):
            raise DomainError(
                _("The bank sent the payment back from this account. Correct payee, bank or account number."),
                code="same_account",
                field="account_number",
            )
        payment = advance(
            held,
            "ask_again",
            actor=actor,
            changes={
                **values,
                "round": held.round + 1,
                "batch": None,
                "asked_by": who(actor),
                "asked_at": timezone.now(),
                **NOBODY,
            },
        )
        tell_next("payment.asked", payment)
    return payment


# What the steps after asking leave in the row; the audit trail keeps who they were.
NOBODY: dict[str, None] = dict.fromkeys(
    ("checked_by", "checked_at", "approved_by", "approved_at", "released_by", "released_at")
)


def check_disbursement(payment: Disbursement, *, actor: Actor) -> Disbursement:
    """Note that the evidence for a payment is in order; a second click changes nothing."""
    with transaction.atomic():
        held = locked(payment)
        if held.state == DisbursementState.CHECKED and held.checked_by_id == actor.pk:
            return held
        refuse_state(held, DisbursementState.ASKED)
        refuse_same_person(held, actor, "asked_by")
        refuse_tranche(held.tranche)
        held = advance(
            held,
            "check",
            actor=actor,
            changes={"checked_by": who(actor), "checked_at": timezone.now(), "reason": ""},
        )
        tell_next("payment.checked", held)
    return held


def return_disbursement(payment: Disbursement, *, actor: Actor, reason: str) -> Disbursement:
    """Send a payment back to who asked, with the reason; what was held for it is free again."""
    with transaction.atomic():
        held = locked(payment)
        if held.state == DisbursementState.RETURNED and held.reason == reason:
            return held
        refuse_state(held, DisbursementState.ASKED, DisbursementState.CHECKED, DisbursementState.APPROVED)
        require(actor, "funding.return_disbursement", held)
        let_go(held, actor=actor, why=reason)
        held = advance(
            held, "return", actor=actor, changes={"batch": None, "reason": reason, **NOBODY}, reason=reason
        )
        tell_grantee("payment.returned", held, reason=reason)
    return held


def cancel_disbursement(payment: Disbursement, *, actor: Actor, reason: str) -> Disbursement:
    """Give a payment up that has not gone to the bank; what was held for it is free again."""
    with transaction.atomic():
        held = locked(payment)
        if held.state == DisbursementState.CANCELLED:
            return held
        require(actor, "funding.cancel_disbursement", held)
        if held.state == DisbursementState.APPROVED:
            let_go(held, actor=actor, why=reason)
        held = advance(
            held, "cancel", actor=actor, changes={"batch": None, "reason": reason, **NOBODY}, reason=reason
        )
        tell_grantee("payment.cancelled", held, reason=reason)
    return held
