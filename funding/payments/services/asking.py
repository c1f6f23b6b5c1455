"""The first steps of a payment: it is asked for, its evidence is checked, or it goes back."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.awards.models import Award
from funding.awards.states import AwardState
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
from funding.payments.states import OVER, DisbursementState
from park_portal.core.audit.services import Actor, record
from park_portal.core.checked import checked
from park_portal.core.errors import DomainError
from park_portal.core.money import MAX_FEN, format_yuan
from park_portal.core.workflow import advance, require


def left_of(award: Award, *, beside: Disbursement | None = None) -> int:
    """Return how much of the award nothing was asked for yet, in fen; ``beside`` is left out of what was."""
    living = Disbursement.objects.filter(award=award).exclude(state__in=OVER)
    if beside is not None:
        living = living.exclude(pk=beside.pk)
    asked = living.aggregate(sum=Sum("amount_fen"))["sum"] or 0
    return int(award.amount_fen - asked)


def ask_disbursement(
    award: Award, *, actor: Actor, amount_fen: int, purpose: str, payee: str, bank: str, account_number: str
) -> Disbursement:
    """Ask for ``amount_fen`` fen of a running award, to be paid to an account of its holder; the same asked twice is one.

    Raises ``DomainError`` beyond what is left of the award, while it does not run, or for an account that cannot be.
    """
    require(actor, "funding.ask_disbursement", award)
    values: dict[str, Any] = {
        "amount_fen": amount_fen,
        "purpose": purpose,
        "payee": payee,
        "bank": bank,
        "account_number": read_account(account_number),
    }
    with transaction.atomic():
        held = lock_award(award)
        if before := Disbursement.objects.filter(
            award=held, state=DisbursementState.ASKED, asked_by=who(actor), **values
        ).first():
            return before
        _refuse_amount(held, amount_fen)
        count = Disbursement.objects.filter(award=held).count() + 1
        payment = Disbursement(award=held, number=f"{held.number}-P{count}", asked_by=who(actor), **values)
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


def _refuse_amount(award: Award, amount_fen: int, *, beside: Disbursement | None = None) -> None:
    if award.state != AwardState.RUNNING:
        raise DomainError(
            _("The award is not under way (%(state)s). Nothing can be paid from it.")
            % {"state": award.get_state_display()},
            code="award_not_running",
        )
    if not 0 < amount_fen <= MAX_FEN:
        raise DomainError(
            _("An amount must be more than nothing."), code="amount_positive", field="amount_fen"
        )
    left = left_of(award, beside=beside)
    if amount_fen > left:
        raise DomainError(
            _("Of the award %(left)s is left to be asked for, %(asked)s is too much.")
            % {"left": format_yuan(left), "asked": format_yuan(amount_fen)},
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
        is_same = all(getattr(held, name) == value for name, value in values.items())
        if is_same and (held.state, held.asked_by_id) == (DisbursementState.ASKED, actor.pk):
            return held  # the second click
        refuse_state(held, DisbursementState.RETURNED, DisbursementState.BOUNCED)
        _refuse_amount(held.award, amount_fen, beside=held)
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
