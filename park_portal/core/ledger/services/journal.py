"""The journal (凭证) that accounting software takes in: two lines a transfer, by the configured account codes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Q
from django.utils.translation import gettext as _

from park_portal.core.errors import DomainError, Problem
from park_portal.core.ledger.models import Account, AccountCode, Book, Transfer
from park_portal.core.ledger.registry import code_label, kind_label


@dataclass(frozen=True)
class JournalLine:
    """One line of a voucher; either ``debit_fen`` or ``credit_fen`` is zero."""

    day: date
    voucher: int
    summary: str
    code: str
    name: str
    debit_fen: int
    credit_fen: int
    transfer_id: int


@dataclass(frozen=True)
class Journal:
    """The lines of one book and month, and how many transfers stay out of it because both accounts have no code."""

    book: Book
    lines: list[JournalLine]
    left_out: int

    @property
    def debits_fen(self) -> int:
        return sum(line.debit_fen for line in self.lines)

    @property
    def credits_fen(self) -> int:
        return sum(line.credit_fen for line in self.lines)


def journal_of(book: Book, *, since: date, until: date) -> Journal:
    """Return the journal of ``book`` from ``since`` to ``until``, both days included; vouchers are numbered month by month.

    Transfers between accounts that have the same code, or none, move nothing in the accounting software and stay out. Raises
    ``DomainError`` with a problem for each kind of account that is in no map, or that has a code where the other side has none.
    """
    codes = {(row.kind, row.book_id): row for row in AccountCode.objects.all()}

    def code_of(account: Account) -> AccountCode | None:
        return codes.get((account.kind, account.book_id)) or codes.get((account.kind, None))

    lines: list[JournalLine] = []
    left_out, voucher, month = 0, 0, None
    problems: dict[str, Problem] = {}
    moves = (
        Transfer.objects.moving()
        .filter(Q(debit__book=book) | Q(credit__book=book), business_date__range=(since, until))
        .select_related("debit", "credit")
        .order_by("business_date", "id")
    )
    for transfer in moves:
        sides = [
            (account, code_of(account))
            for account in (transfer.debit, transfer.credit)
            # What leads to another book is the other book's other half.
            if account.book_id == book.pk
        ]
        for account, code in sides:
            if code is None:
                problems[account.kind] = Problem(
                    _("%(kind)s has no account code.") % {"kind": kind_label(account.kind)},
                    anchor=account.kind,
                )
        named = [(account, code) for account, code in sides if code is not None]
        if len(named) < len(sides):
            continue
        if len({code.code for _account, code in named}) == 1 and len(named) == 2:
            left_out += 1
            continue
        if any(not code.code for _account, code in named):
            kinds = " → ".join(str(kind_label(account.kind)) for account, _code in named)
            problems[kinds] = Problem(
                _("%(kinds)s: one side has an account code and the other has none.") % {"kinds": kinds},
                anchor=kinds,
            )
            continue
        if month != (transfer.business_date.year, transfer.business_date.month):
            month, voucher = (transfer.business_date.year, transfer.business_date.month), 0
        voucher += 1
        for account, code in named:
            is_debit = account.pk == transfer.debit_id
            lines.append(
                JournalLine(
                    transfer.business_date,
                    voucher,
                    _summary(transfer, account),
                    code.code,
                    code.name or str(kind_label(account.kind)),
                    transfer.amount_fen if is_debit else 0,
                    0 if is_debit else transfer.amount_fen,
                    transfer.pk,
                )
            )
    if problems:
        raise DomainError(
            _("The journal is not complete: the map of account codes has gaps."),
            code="account_codes",
            problems=list(problems.values()),
        )
    return Journal(book, lines, left_out)


def _summary(transfer: Transfer, account: Account) -> str:
    parts = (str(code_label(transfer.code)), transfer.memo or account.label)
    return " ".join(part for part in parts if part)[:100]
