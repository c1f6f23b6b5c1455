"""The ledger: posting beside the same SQL by psycopg2 alone, and ten thousand payments from one fund at once.

Both sides post with eight processes at a time, each on accounts of its own and with its own connection, one transaction a
transfer; both insert into the same table, with all its triggers.
"""

from __future__ import annotations

import multiprocessing
import uuid
from collections.abc import Callable
from typing import Any

import psycopg2
from django.db import connection
from django.utils import timezone

from funding.awards.accounts import COMMIT, COMMITTED, PAY
from funding.funds.accounts import BANK, PAY_IN, UNALLOTTED
from park_portal.core.audit.services import SYSTEM
from park_portal.core.ledger.models import Account, Book
from park_portal.core.ledger.services import (
    Booking,
    Subject,
    account_of,
    book_all,
    make_book,
    post_transfer,
    posting,
)

CONNECTIONS, EACH = 8, 400
PAYMENTS = 10_000
ABOUT = Subject("bench.transfer", "1")


def _fund() -> tuple[Book, Account, Account]:
    """A book of its own with money in its bank; returns it with its bank and its capital."""
    book = make_book(f"bench-{uuid.uuid4().hex[:12]}", name_zh_hans="bench", actor=SYSTEM)
    bank, capital = account_of(book, BANK), account_of(book, UNALLOTTED)
    post_transfer(
        debit=bank, credit=capital, amount_fen=10**12, code=PAY_IN, key=book.code, about=ABOUT, actor=SYSTEM
    )
    return book, bank, capital


_accounts: list[tuple[Account, Account]] = []


def spread() -> None:
    """Accounts of their own for each connection, so that nobody waits for another's."""
    _accounts[:] = []
    for _number in range(CONNECTIONS):
        _book, bank, capital = _fund()
        _accounts.append((bank, capital))
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")


def through_the_portal() -> int:
    return _side_by_side(_post)


def by_sql_alone() -> int:
    return _side_by_side(_insert)


def _side_by_side(work: Callable[[int, str], None]) -> int:
    run = uuid.uuid4().hex[:12]
    context = multiprocessing.get_context("fork")
    connection.close()
    children = [context.Process(target=work, args=(number, run)) for number in range(CONNECTIONS)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        if child.exitcode:
            raise SystemExit(f"a connection ended with {child.exitcode}")
    return CONNECTIONS * EACH


def _post(number: int, run: str) -> None:
    bank, capital = _accounts[number]
    for place in range(EACH):
        post_transfer(
            debit=bank, credit=capital, amount_fen=100, code=PAY_IN, key=f"{run}-{number}-{place}", about=ABOUT,
            actor=SYSTEM, memo="bench",
        )  # fmt: skip


def _insert(number: int, run: str) -> None:
    bank, capital = _accounts[number]
    own = psycopg2.connect(**connection.get_connection_params())
    today = timezone.localdate()
    with own.cursor() as cursor:
        for place in range(EACH):
            key = f"{run}-{number}-{place}"
            row: list[Any] = [
                *(
                    "direct",
                    bank.pk,
                    capital.pk,
                    100,
                    "CNY",
                    PAY_IN.name,
                    False,
                    None,
                    None,
                    ABOUT.type,
                    ABOUT.pk,
                ),
                *(key, "bench", today, None, None, timezone.now(), key),
            ]
            cursor.execute(posting._ONE, row)
            cursor.fetchall()
            own.commit()
    own.close()


# --- ten thousand payments at once


def promise_ten_thousand() -> None:
    """Ten thousand awards of one fund, each with something promised to it."""
    book, _bank, capital = _fund()
    Account.objects.bulk_create(
        [
            Account(
                book=book, kind=COMMITTED.name, subject_type="bench.award", subject_id=str(number),
                label=f"Award {number}", normal=COMMITTED.normal,
            )
            for number in range(PAYMENTS)
        ]
    )  # fmt: skip
    awards = Account.objects.filter(book=book, kind=COMMITTED.name).order_by("pk")
    book_all(
        [
            Booking(capital, award, 100_000, COMMIT, f"{book.code}-commit-{award.pk}", ABOUT)
            for award in awards
        ],
        actor=SYSTEM,
    )


def pay_ten_thousand() -> str:
    """All of them are paid something in one batch, whole or not at all."""
    book = Book.objects.filter(code__startswith="bench-").order_by("-pk")[0]
    bank = Account.objects.get(book=book, kind=BANK.name)
    awards = list(Account.objects.filter(book=book, kind=COMMITTED.name).order_by("pk"))
    paid = book_all(
        [
            Booking(award, bank, 70_000, PAY, f"{book.code}-pay-{award.pk}", ABOUT, memo=award.label)
            for award in awards
        ],
        actor=SYSTEM,
    )
    bank.refresh_from_db()
    if len(paid) != PAYMENTS or bank.balance_fen != 10**12 - 70_000 * PAYMENTS:
        raise SystemExit(f"{len(paid)} paid, {bank.balance_fen} fen left")
    return f"{len(paid):,} payments from one bank account, one transaction"
