"""What a payment is in the ledger: held from its approval, posted on the bank's day, or given up."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from django.db import connection
from django.utils.translation import gettext as _

from funding.awards.accounts import COMMITTED, PAY
from funding.awards.models import Award
from funding.funds.models import Fund
from funding.funds.services import bank_of, book_of
from funding.payments.models import Disbursement
from park_portal.core.audit.services import Actor
from park_portal.core.errors import DomainError
from park_portal.core.ledger.models import Account, Transfer
from park_portal.core.ledger.services import (
    Booking,
    book_all,
    open_accounts,
    post_held,
    reverse_transfer,
    void_held,
)
from park_portal.core.ledger.states import Step


def hold_all(payments: Collection[Disbursement], fund: Fund, *, actor: Actor) -> list[Transfer]:
    """Hold the amounts of these payments of one fund, all or none: in its bank, and in what each award is still owed.

    Raises ``NotEnough`` where the bank account or an award has less.
    """
    accounts = committed_of({payment.award_id: payment.award for payment in payments}, fund, actor=actor)
    bank = bank_of(fund, actor=actor)
    return book_all(
        [
            Booking(
                debit=accounts[payment.award_id],
                credit=bank,
                amount_fen=payment.amount_fen,
                code=PAY,
                key=payment.ledger_key,
                about=payment,
                memo=f"{payment.number} {payment.payee}"[:300],
                step=Step.PENDING,
            )
            for payment in payments
        ],
        actor=actor,
    )


def committed_of(awards: dict[int, Award], fund: Fund, *, actor: Actor) -> dict[int, Account]:
    """Return the accounts that say what these awards of one fund are still owed, by the awards' keys."""
    book = book_of(fund, actor=actor)
    found = {
        int(account.subject_id): account
        for account in Account.objects.filter(
            book=book,
            kind=COMMITTED.name,
            subject_type=Award._meta.label_lower,
            subject_id__in=[str(pk) for pk in awards],
        )
    }
    lacking = [award for pk, award in awards.items() if pk not in found]
    opened = open_accounts(book, COMMITTED, lacking)
    return found | {int(key): account for key, account in opened.items()}


def look_at_keys() -> None:
    """Have the foreign keys of what was written so far looked at now, not at the end of the transaction.

    While tens of thousands of them wait, each trigger of a row that is written takes many times as long.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def held_of(payments: Collection[Disbursement]) -> dict[str, Transfer]:
    """Return what is held for this attempt of each payment, by its key."""
    rows = Transfer.objects.filter(key__in=[payment.ledger_key for payment in payments])
    return {row.key: row for row in rows.select_related("debit", "credit")}


def let_go(payment: Disbursement, *, actor: Actor, why: str, on: date | None = None) -> None:
    """Give up what is held for a payment; take back what was posted for it, by somebody else than who posted it."""
    held = held_of([payment]).get(payment.ledger_key)
    if held is None:
        return
    end = Transfer.objects.filter(pending=held).select_related("debit", "credit").first()
    if end is None:
        void_held(held, actor=actor, memo=why[:300])
    elif end.step == Step.POST:
        reverse_transfer(end, actor=actor, reason=why[:300], on=on)


def post_payment(payment: Disbursement, *, actor: Actor, on: date) -> Transfer:
    """Post what is held for a payment on the bank's day. Raises ``DomainError`` for a day on which it cannot have been."""
    held = held_of([payment])[payment.ledger_key]
    if on < held.business_date:
        raise DomainError(
            _("The bank cannot have paid on %(day)s: it was approved on %(approved)s.")
            % {"day": on.isoformat(), "approved": held.business_date.isoformat()},
            code="before_approval",
            field="on",
        )
    return post_held(held, actor=actor, on=on)
