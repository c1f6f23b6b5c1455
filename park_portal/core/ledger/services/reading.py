"""What accounts hold on a date, and their statements: always added up from the transfers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db import connection, models
from django.db.models import Q, Sum

from park_portal.core.ledger.models import Account, Transfer
from park_portal.core.ledger.states import MOVES, Side, Step


@dataclass(frozen=True)
class Balance:
    """What an account held at the end of a day, in fen: the four sums, as the account itself has them for now."""

    debits_posted_fen: int = 0
    credits_posted_fen: int = 0
    debits_pending_fen: int = 0
    credits_pending_fen: int = 0

    def on_side(self, normal: str) -> int:
        """Return what is posted on the side on which the account grows."""
        posted = self.debits_posted_fen - self.credits_posted_fen
        return posted if normal == Side.DEBIT else -posted

    def held(self, normal: str) -> int:
        """Return what pending transfers would take away."""
        return self.credits_pending_fen if normal == Side.DEBIT else self.debits_pending_fen


_SUMS: Final = """
    SELECT s.account_id,
        coalesce(sum(t.amount_fen) FILTER (WHERE s.is_debit AND t.step IN ('direct', 'post', 'reversal')), 0),
        coalesce(sum(t.amount_fen) FILTER (WHERE NOT s.is_debit AND t.step IN ('direct', 'post', 'reversal')), 0),
        coalesce(sum(t.amount_fen) FILTER (WHERE s.is_debit AND t.step = 'pending'), 0),
        coalesce(sum(t.amount_fen) FILTER (WHERE NOT s.is_debit AND t.step = 'pending'), 0)
    FROM (
        SELECT debit_id AS account_id, true AS is_debit, id FROM core_transfer
        WHERE debit_id = ANY(%(accounts)s) AND business_date <= %(on)s
        UNION ALL
        SELECT credit_id, false, id FROM core_transfer
        WHERE credit_id = ANY(%(accounts)s) AND business_date <= %(on)s
    ) s JOIN core_transfer t ON t.id = s.id
    WHERE t.step <> 'pending' OR NOT EXISTS (
        SELECT 1 FROM core_transfer e WHERE e.pending_id = t.id AND e.business_date <= %(on)s
    )
    GROUP BY s.account_id
"""


def balances_on(accounts: Iterable[Account], on: date) -> dict[int, Balance]:
    """Return what each of ``accounts`` held at the end of ``on``, by its key, in one query.

    What was pending then counts as pending, whatever became of it later. Accounts that had not moved are all zero.
    """
    keys = [account.pk for account in accounts]
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, {"accounts": keys, "on": on})
        found = {row[0]: Balance(*(int(value) for value in row[1:])) for row in cursor.fetchall()}
    return {key: found.get(key, Balance()) for key in keys}


@dataclass(frozen=True)
class Line:
    """One movement of an account with what the account held after it, in fen on its normal side."""

    transfer: Transfer
    debit_fen: int
    credit_fen: int
    balance_fen: int
    other: Account


@dataclass(frozen=True)
class Statement:
    """What an account held before ``since``, each movement up to ``until``, and what it held then, in fen."""

    account: Account
    since: date
    until: date
    opening_fen: int
    lines: list[Line]
    closing_fen: int

    @property
    def debits_fen(self) -> int:
        return sum(line.debit_fen for line in self.lines)

    @property
    def credits_fen(self) -> int:
        return sum(line.credit_fen for line in self.lines)


def statement_of(account: Account, *, since: date, until: date) -> Statement:
    """Return the statement of ``account`` from ``since`` to ``until``, both days included, by date and then as booked."""
    before = _moved(account, Q(business_date__lt=since))
    balance = before
    lines = []
    moves = (
        Transfer.objects.moving()
        .filter(Q(debit=account) | Q(credit=account), business_date__range=(since, until))
        .select_related("debit__book", "credit__book", "actor")
        .order_by("business_date", "id")
    )
    for transfer in moves:
        is_debit = transfer.debit_id == account.pk
        adds = is_debit == (account.normal == Side.DEBIT)
        balance += transfer.amount_fen if adds else -transfer.amount_fen
        lines.append(
            Line(
                transfer,
                transfer.amount_fen if is_debit else 0,
                0 if is_debit else transfer.amount_fen,
                balance,
                transfer.credit if is_debit else transfer.debit,
            )
        )
    return Statement(account, since, until, before, lines, balance)


def _moved(account: Account, when: Q) -> int:
    """Return what the account's transfers of these days brought, on its normal side."""
    sums = Transfer.objects.moving().filter(when)
    debits = sums.filter(debit=account).aggregate(sum=Sum("amount_fen"))["sum"] or 0
    credits = sums.filter(credit=account).aggregate(sum=Sum("amount_fen"))["sum"] or 0
    return debits - credits if account.normal == Side.DEBIT else credits - debits


def sums_by_code(rows: models.QuerySet[Transfer], on: date | None = None) -> dict[str, int]:
    """Return what the transfers in ``rows`` moved up to the end of ``on``, in fen by code, reversals taken off."""
    moved = rows.filter(step__in=MOVES)
    if on is not None:
        moved = moved.filter(business_date__lte=on)
    sign = models.Case(models.When(step=Step.REVERSAL, then=-1), default=1)
    sums = moved.order_by().values("code").annotate(sum=Sum(models.F("amount_fen") * sign))
    return {row["code"]: int(row["sum"]) for row in sums}
