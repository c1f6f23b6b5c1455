"""The later steps of a payment: approved by one finance officer, released by another, and what the bank says of it."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.payments.models import Disbursement
from funding.payments.services.common import (
    locked,
    refuse_problems,
    refuse_same_person,
    refuse_state,
    who,
)
from funding.payments.services.holding import hold_all, let_go, post_payment
from funding.payments.services.telling import tell_grantee, tell_next
from funding.payments.states import BatchState, DisbursementState
from park_portal.core.audit.services import Actor
from park_portal.core.errors import DomainError
from park_portal.core.workflow import advance, require


def approve_disbursement(payment: Disbursement, *, actor: Actor) -> Disbursement:
    """Approve a payment: from now on its amount is held in the fund's bank account and in what the award is owed.

    A second click holds nothing again. Raises ``NotEnough``, and ``DomainError`` where the award no longer runs.
    """
    with transaction.atomic():
        held = locked(payment)
        if held.state == DisbursementState.APPROVED and held.approved_by_id == actor.pk:
            return held
        refuse_state(held, DisbursementState.CHECKED)
        require(actor, "funding.approve_disbursement", held)
        refuse_same_person(held, actor, "asked_by", "checked_by")
        refuse_problems([held])
        hold_all([held], held.award.fund, actor=actor)
        held = advance(
            held,
            "approve",
            actor=actor,
            changes={"approved_by": who(actor), "approved_at": timezone.now()},
        )
        tell_next("payment.approved", held)
    return held


def refuse_in_batch(payment: Disbursement, actor: Actor) -> None:
    """Raise ``DomainError`` for a payment of a batch: its file goes to the bank whole."""
    if payment.batch is not None and payment.batch.state == BatchState.OPEN:
        raise DomainError(
            _("It is in batch %(batch)s. Release the batch, or return the payment for changes.")
            % {"batch": payment.batch.number},
            code="in_batch",
        )


def release_disbursement(payment: Disbursement, *, actor: Actor) -> Disbursement:
    """Release one payment to the bank by a second finance officer; a second click changes nothing."""
    with transaction.atomic():
        held = locked(payment)
        if held.state == DisbursementState.RELEASED and held.released_by_id == actor.pk:
            return held
        refuse_state(held, DisbursementState.APPROVED)
        require(actor, "funding.release_disbursement", held)
        refuse_in_batch(held, actor)
        refuse_same_person(held, actor, "asked_by", "checked_by", "approved_by")
        refuse_problems([held])
        return advance(
            held,
            "release",
            actor=actor,
            changes={"released_by": who(actor), "released_at": timezone.now()},
        )


def settle_disbursement(
    payment: Disbursement, *, actor: Actor, on: date, bank_reference: str
) -> Disbursement:
    """Note that the bank paid on ``on`` under its own number; the same noted twice is booked once.

    Raises ``DomainError`` for a day in a closed month, in the future or before the approval.
    """
    with transaction.atomic():
        held = locked(payment)
        if (held.state, held.paid_on, held.bank_reference) == (DisbursementState.PAID, on, bank_reference):
            return held
        refuse_state(held, DisbursementState.RELEASED)
        require(actor, "funding.settle_disbursement", held)
        post_payment(held, actor=actor, on=on)
        held = advance(held, "pay", actor=actor, changes={"paid_on": on, "bank_reference": bank_reference})
        tell_grantee("payment.paid", held, day=on.isoformat(), reference=bank_reference)
    return held


def bounce_disbursement(
    payment: Disbursement, *, actor: Actor, reason: str, on: date | None = None
) -> Disbursement:
    """Note that the bank sent a payment back: what was held for it is free again, what was posted is reversed.

    ``on`` is the bank's day, today if omitted. Raises ``DomainError`` where who posted it would reverse it, too.
    """
    with transaction.atomic():
        held = locked(payment)
        if held.state == DisbursementState.BOUNCED and held.reason == reason:
            return held
        refuse_state(held, DisbursementState.RELEASED, DisbursementState.PAID)
        require(actor, "funding.settle_disbursement", held)
        let_go(held, actor=actor, why=reason, on=on)
        held = advance(
            held,
            "bounce",
            actor=actor,
            changes={"reason": reason, "paid_on": None, "bank_reference": ""},
            reason=reason,
        )
        tell_grantee("payment.bounced", held, reason=reason)
    return held
