"""What every step of a payment asks: is it that person's turn, is the account good, does the award still run."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from django.utils.translation import gettext as _

from funding.awards.models import Award
from funding.awards.states import AwardState
from funding.payments.models import Disbursement
from funding.payments.states import DisbursementState
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import Actor
from park_portal.core.errors import DomainError, IllegalTransition, Problem


def locked(payment: Disbursement) -> Disbursement:
    """Return the row as it is now, held until the transaction ends."""
    return (
        Disbursement.objects.select_for_update(of=("self",))
        .select_related("award__fund", "award__application", "tranche__award", "tranche__milestone")
        .get(pk=payment.pk)
    )


def who(actor: Actor) -> User | None:
    """Return the person to be noted; None for the portal itself."""
    return actor if isinstance(actor, User) else None


def read_account(text: str) -> str:
    """Return an account number as banks keep it: digits alone. Raises ``DomainError`` for anything else."""
    digits = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text))
    if not re.fullmatch(r"[0-9]{8,32}", digits):
        raise DomainError(
            _("An account number has 8 to 32 digits; “%(text)s” is none.") % {"text": text[:40]},
            code="account_number",
            field="account_number",
        )
    return digits


def refuse_state(payment: Disbursement, *states: str) -> None:
    """Raise ``IllegalTransition`` unless the payment is in one of ``states``."""
    if payment.state not in states:
        raise IllegalTransition(state=payment.state)


def same_person(payment: Disbursement, actor: Actor, *steps: str) -> Problem | None:
    """Return what is wrong where ``actor`` has had one of these steps of the payment already."""
    if actor.pk is None:
        return None
    said = {
        "asked_by": _("%(payment)s: you asked for it. Somebody else has to do this."),
        "checked_by": _("%(payment)s: you checked its evidence. Somebody else has to do this."),
        "approved_by": _("%(payment)s: you approved it. Another finance officer has to release it."),
    }
    for step in steps:
        if getattr(payment, f"{step}_id") == actor.pk:
            return Problem(said[step] % {"payment": payment.number}, anchor=payment.number)
    return None


def refuse_same_person(payment: Disbursement, actor: Actor, *steps: str) -> None:
    """Raise ``DomainError`` where ``actor`` has had one of these steps of the payment already."""
    if problem := same_person(payment, actor, *steps):
        raise DomainError(problem.message, code="four_eyes", problems=[problem])


def problems_of(payments: Collection[Disbursement]) -> list[Problem]:
    """Return what stands against paying these now, each by the payment's number; in one query for all of them."""
    numbers = {payment.account_number for payment in payments}
    bounced = dict(
        Disbursement.objects.filter(state=DisbursementState.BOUNCED, account_number__in=numbers)
        .order_by("pk")
        .values_list("account_number", "number")
    )
    found = []
    for payment in payments:
        if payment.award.state != AwardState.RUNNING:
            said = _("%(payment)s: the award is not under way (%(state)s).") % {
                "payment": payment.number,
                "state": payment.award.get_state_display(),
            }
            found.append(Problem(said, anchor=payment.number))
        elif payment.account_number in bounced:
            said = _(
                "%(payment)s: the bank sent %(other)s back from account %(account)s. Correct the account first."
            ) % {
                "payment": payment.number,
                "other": bounced[payment.account_number],
                "account": payment.account_number,
            }
            found.append(Problem(said, anchor=payment.number))
    return found


def refuse_problems(payments: Collection[Disbursement]) -> None:
    """Raise ``DomainError`` where something stands against paying one of these."""
    if problems := problems_of(payments):
        raise DomainError(problems[0].message, code="not_payable", problems=problems)


def lock_award(award: Award) -> Award:
    """Return the award, held so that what is asked of it is added up by one at a time."""
    return Award.objects.select_for_update(of=("self",)).select_related("fund").get(pk=award.pk)
