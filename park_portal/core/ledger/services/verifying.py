"""Proving that the ledger is whole: every rule is asked of every row again, and everything is replayed.

The database refuses what is wrong while it is written; this finds what was done past it, by somebody who may change
tables and triggers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.apps import apps
from django.db import connection, transaction

from park_portal.core.audit.chain import GENESIS, links, unsealed
from park_portal.core.ledger import sql
from park_portal.core.ledger.models import Account, Transfer, TransferSeal
from park_portal.core.ledger.models.accounts import BALANCES
from park_portal.core.ledger.services.sealing import link_digest
from park_portal.core.ledger.states import ENDS, MOVES, Side, Step


@dataclass(frozen=True)
class Finding:
    """The first row that does not fit: which table, which row, and why."""

    table: str
    row: int | str | None
    why: str

    def __str__(self) -> str:
        return f"{self.table} {self.row}: {self.why}" if self.row is not None else f"{self.table}: {self.why}"


@dataclass
class Verdict:
    """What was looked at, and the findings: the first row that does not fit of each check."""

    transfers: int = 0
    accounts: int = 0
    debits_fen: int = 0
    credits_fen: int = 0
    sealed: int = 0
    unsealed: int = 0
    head: str = GENESIS
    findings: list[Finding] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        return not self.findings


# Each asks for the first row that breaks a rule: (number of the row, why).
_RULES: Final[tuple[str, ...]] = (
    f"""
    SELECT t.id, 'its fingerprint is not that of its columns' FROM core_transfer t
    WHERE t.digest <> {sql.signature("t")} ORDER BY t.id LIMIT 1
    """,
    """
    SELECT t.id, 'its amount, accounts, currency or step cannot be' FROM core_transfer t
    WHERE t.amount_fen <= 0 OR t.debit_id = t.credit_id OR t.currency <> 'CNY' OR t.key = ''
        OR t.step NOT IN ('direct', 'pending', 'post', 'void', 'expire', 'reversal')
        OR (t.step IN ('post', 'void', 'expire')) <> (t.pending_id IS NOT NULL)
        OR (t.step = 'reversal') <> (t.reverses_id IS NOT NULL)
        OR t.business_date > (t.created_at AT TIME ZONE 'Asia/Shanghai')::date
    ORDER BY t.id LIMIT 1
    """,
    """
    SELECT t.id, 'one of its accounts is gone' FROM core_transfer t
    WHERE NOT EXISTS (SELECT 1 FROM core_account a WHERE a.id = t.debit_id)
        OR NOT EXISTS (SELECT 1 FROM core_account a WHERE a.id = t.credit_id)
    ORDER BY t.id LIMIT 1
    """,
    """
    SELECT t.id, 'it leads from one book to another without saying so, or says so and does not' FROM core_transfer t
    JOIN core_account d ON d.id = t.debit_id JOIN core_account c ON c.id = t.credit_id
    WHERE t.crosses_books <> (d.book_id <> c.book_id) ORDER BY t.id LIMIT 1
    """,
    """
    SELECT max(t.id), 'its key is that of an earlier transfer' FROM core_transfer t
    GROUP BY t.key HAVING count(*) > 1 ORDER BY 1 LIMIT 1
    """,
    """
    SELECT t.id, 'it does not fit the pending transfer that it ends' FROM core_transfer t
    LEFT JOIN core_transfer p ON p.id = t.pending_id
    WHERE t.pending_id IS NOT NULL AND (
        p.id IS NULL OR p.step <> 'pending' OR p.id > t.id
        OR (p.debit_id, p.credit_id, p.code) IS DISTINCT FROM (t.debit_id, t.credit_id, t.code)
        OR t.amount_fen > p.amount_fen OR (t.step <> 'post' AND t.amount_fen <> p.amount_fen)
        OR (t.step = 'post' AND p.expires_at <= t.created_at)
        OR (t.step = 'expire' AND (p.expires_at IS NULL OR p.expires_at > t.created_at))
        OR t.business_date < p.business_date
    ) ORDER BY t.id LIMIT 1
    """,
    """
    SELECT max(t.id), 'the pending transfer that it ends was ended before' FROM core_transfer t
    WHERE t.pending_id IS NOT NULL GROUP BY t.pending_id HAVING count(*) > 1 ORDER BY 1 LIMIT 1
    """,
    """
    SELECT t.id, 'it does not fit the transfer that it reverses' FROM core_transfer t
    LEFT JOIN core_transfer o ON o.id = t.reverses_id
    WHERE t.reverses_id IS NOT NULL AND (
        o.id IS NULL OR o.step NOT IN ('direct', 'post') OR o.id > t.id
        OR (o.debit_id, o.credit_id, o.amount_fen, o.code) IS DISTINCT FROM
           (t.credit_id, t.debit_id, t.amount_fen, t.code)
        OR t.actor_id IS NULL OR t.actor_id = o.actor_id
    ) ORDER BY t.id LIMIT 1
    """,
    """
    SELECT max(t.id), 'the transfer that it reverses was reversed before' FROM core_transfer t
    WHERE t.reverses_id IS NOT NULL GROUP BY t.reverses_id HAVING count(*) > 1 ORDER BY 1 LIMIT 1
    """,
    """
    SELECT t.id, 'it was booked into a month that was closed' FROM core_transfer t
    JOIN core_account a ON a.id IN (t.debit_id, t.credit_id)
    JOIN core_closedmonth m ON m.book_id = a.book_id AND t.business_date < m.month + INTERVAL '1 month'
    WHERE t.id > m.last_transfer ORDER BY t.id LIMIT 1
    """,
)


def verify_ledger(*, expected_head: str | None = None) -> Verdict:
    """Ask everything of the ledger again and return the verdict, with the first row that does not fit of each check.

    Looked at, all as of one moment: the fingerprint and the rules of each transfer; the replay of all transfers, account by
    account, against limits and the sums that accounts hold; the chain (with ``expected_head``, a head exported earlier, also
    whether it still passes through it); and that the database's own guards are there and on.
    """
    with transaction.atomic():
        if not connection.savepoint_ids:
            with connection.cursor() as cursor:
                # One picture of all tables, while others go on booking.
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        verdict = Verdict()
        verdict.findings += _broken_rules()
        verdict.findings += _replay(verdict)
        verdict.findings += _broken_chain(verdict, expected_head)
        verdict.findings += _missing_guards()
    return verdict


def _broken_rules() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        for rule in _RULES:
            cursor.execute(rule)
            for row, why in cursor.fetchall():
                yield Finding("transfer", row, why)


@dataclass
class _Folded:
    """What the transfers of an account add up to so far."""

    sums: list[int]
    xid: int = 0
    last: int = 0


def _replay(verdict: Verdict) -> Iterator[Finding]:
    """Fold all transfers by number; yield the first that leaves an account below its limit, and the first account whose
    own sums say something else.
    """
    accounts: dict[int, tuple[str, bool, tuple[int, ...]]] = {
        row[0]: (row[1], row[2], row[3:])
        for row in Account.objects.order_by("pk").values_list("pk", "normal", "may_go_below_zero", *BALANCES)
    }
    folded = {key: _Folded([0, 0, 0, 0]) for key in accounts}
    passed: int | None = None
    pending: dict[int, int] = {}
    rows = Transfer.objects.order_by("pk").values_list(
        "pk", "step", "debit_id", "credit_id", "amount_fen", "pending_id", "xid"
    )
    for pk, step, debit, credit, amount, ended, xid in rows.iterator(chunk_size=5000):
        verdict.transfers += 1
        if step in MOVES:
            verdict.debits_fen += amount
            verdict.credits_fen += amount
        if step == Step.PENDING:
            pending[pk] = amount
        for key, place in ((debit, 0), (credit, 1)):
            fold = folded.get(key)
            if fold is None:
                continue  # said by the rules already
            # What one transaction wrote stood together: the limit is looked at where the next one begins.
            if passed is None and fold.xid != xid and _is_below(accounts[key], fold.sums):
                passed = fold.last
            fold.xid, fold.last = xid, pk
            if step in MOVES:
                fold.sums[place] += amount
            if step == Step.PENDING:
                fold.sums[2 + place] += amount
            elif step in ENDS:
                fold.sums[2 + place] -= pending.get(ended, 0)
        if step in ENDS:
            pending.pop(ended, None)
    if passed is None:
        ends = (fold.last for key, fold in folded.items() if _is_below(accounts[key], fold.sums))
        passed = min(ends, default=None)
    if passed is not None:
        yield Finding("transfer", passed, "it takes an account below its limit")
    verdict.accounts = len(accounts)
    for key, (_normal, _may, held) in accounts.items():
        if tuple(folded[key].sums) != held:
            yield Finding(
                "account", key, f"it holds {list(held)}, its transfers add up to {folded[key].sums}"
            )
            break


def _is_below(account: tuple[str, bool, tuple[int, ...]], sums: list[int]) -> bool:
    normal, may_go_below, _held = account
    if may_go_below:
        return False
    debits, credits, debits_pending, credits_pending = sums
    if normal == Side.DEBIT:
        return debits < credits + credits_pending
    return credits < debits + debits_pending


def _broken_chain(verdict: Verdict, expected_head: str | None) -> Iterator[Finding]:
    rows = Transfer.objects.only("id", "digest")
    passed = expected_head in (None, GENESIS)
    verdict.unsealed = unsealed(TransferSeal, Transfer.objects.all(), sealed_by="transfer_id").count()
    for position, (seal, row) in enumerate(links(TransferSeal, rows, sealed_by="transfer_id"), start=1):
        if seal.position != position:
            yield Finding("seal", position, "this link of the chain is missing")
            return
        if row is None:
            yield Finding("transfer", seal.transfer_id, "it was sealed and is gone")
            return
        if seal.digest != link_digest(verdict.head, position, row.pk, row.digest):
            yield Finding("transfer", row.pk, "it or its seal was changed after it was sealed")
            return
        verdict.sealed, verdict.head = position, seal.digest
        passed = passed or seal.digest == expected_head
    if not passed:
        yield Finding("chain", None, "it does not contain the expected head")


_GUARDS: Final = """
    SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = ANY(%s::regclass[])
"""
_CHECKS: Final = "SELECT conname FROM pg_constraint WHERE convalidated AND conrelid = ANY(%s::regclass[])"
_INDEXES: Final = """
    SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indisunique AND indisvalid AND indrelid = ANY(%s::regclass[])
"""


def _missing_guards() -> Iterator[Finding]:
    """Yield each trigger and constraint of the ledger's tables that is gone or switched off."""
    models = [model for model in apps.get_app_config("core").get_models() if _is_of_ledger(model)]
    tables = [f'"{model._meta.db_table}"' for model in models]
    with connection.cursor() as cursor:
        cursor.execute(_GUARDS, [tables])
        # A trigger that fires only where the session replicates is off for everybody else.
        on = {name for name, enabled in cursor.fetchall() if enabled in ("O", "A")}
        cursor.execute(_CHECKS, [tables])
        there = {name for (name,) in cursor.fetchall()}
        cursor.execute(_INDEXES, [tables])
        there |= {name for (name,) in cursor.fetchall()}
    for model in models:
        for trigger in getattr(model._meta, "triggers", []):
            if trigger.get_pgid(model) not in on:
                yield Finding("guard", trigger.name, "this trigger is gone or switched off")
        for constraint in model._meta.constraints:
            if constraint.name not in there:
                yield Finding("guard", constraint.name, "this constraint is gone or not enforced")


def _is_of_ledger(model: type[Any]) -> bool:
    return model.__module__.startswith("park_portal.core.ledger.")
