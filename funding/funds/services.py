"""Money of a fund: what partners promise and pay in, and what is allotted to years, tracks and purposes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.funds import accounts
from funding.funds.models import BudgetLine, Commitment, Fund
from park_portal.core.audit.services import Actor, record
from park_portal.core.checked import checked
from park_portal.core.documents.models import Document
from park_portal.core.errors import DomainError
from park_portal.core.ledger.models import Account, Book, Transfer
from park_portal.core.ledger.registry import AccountKind
from park_portal.core.ledger.services import (
    Balance,
    account_of,
    balances_on,
    make_book,
    post_transfer,
    sums_by_code,
)
from park_portal.core.ledger.states import Side
from park_portal.core.workflow import require

# Of codes that other rooms book in a fund's book.
AWARD_COMMITTED: Final = "award.committed"
AWARD_PAID: Final = ("award.pay",)


def book_of(fund: Fund, *, actor: Actor) -> Book:
    """Return the book of ``fund``; opens it with the first money."""
    if fund.book_id is None:
        with transaction.atomic():
            held = Fund.objects.select_for_update().get(pk=fund.pk)
            if held.book_id is None:
                held.book = make_book(
                    fund.code,
                    name_zh_hans=held.name_zh_hans or held.name,
                    name_en=held.name_en or "",
                    actor=actor,
                )
                held.save(update_fields=["book"])
            fund.book = held.book
    assert fund.book is not None
    return fund.book


def _account(fund: Fund, kind: AccountKind, actor: Actor) -> Account:
    return account_of(book_of(fund, actor=actor), kind)


def bank_of(fund: Fund, *, actor: Actor) -> Account:
    """Return the account that says what is on the fund's bank account."""
    return _account(fund, accounts.BANK, actor)


def account_of_line(line: BudgetLine, *, actor: Actor) -> Account:
    """Return the account of a budget line: what it holds is what nobody has been promised."""
    return account_of(book_of(line.fund, actor=actor), accounts.BUDGET, line, label=str(line))


# --- what comes in


def add_commitment(*, actor: Actor, document: Document | None = None, **values: Any) -> Commitment:
    """Put a partner's promise on record: it may be allotted from now on, and is owed until it is paid in."""
    require(actor, "funding.commit_to_fund")
    commitment = Commitment(document=document, **values)
    checked(commitment)
    with transaction.atomic():
        commitment.save(force_insert=True)
        fund = commitment.fund
        post_transfer(
            debit=_pledged(commitment, actor),
            credit=_account(fund, accounts.UNALLOTTED, actor),
            amount_fen=commitment.amount_fen,
            code=accounts.COMMIT,
            key=f"commitment/{commitment.pk}",
            about=commitment,
            actor=actor,
            memo=str(commitment.organisation)[:300],
            on=min(commitment.agreed_on, timezone.localdate()),
        )
        record("fund.commitment", commitment, actor=actor, after={"amount_fen": commitment.amount_fen})
    return commitment


def _pledged(commitment: Commitment, actor: Actor) -> Account:
    return account_of(
        book_of(commitment.fund, actor=actor),
        accounts.PLEDGED,
        commitment,
        label=str(commitment.organisation),
    )


def note_contribution(
    commitment: Commitment, *, actor: Actor, amount_fen: int, on: date, bank_reference: str
) -> Transfer:
    """Note that ``amount_fen`` fen of a commitment arrived at the bank on ``on``; the same reference counts once.

    Raises ``NotEnough`` when more would have come in than was promised.
    """
    require(actor, "funding.note_contribution", commitment)
    with transaction.atomic():
        paid = post_transfer(
            debit=bank_of(commitment.fund, actor=actor),
            credit=_pledged(commitment, actor),
            amount_fen=amount_fen,
            code=accounts.PAY_IN,
            key=f"contribution/{commitment.pk}/{bank_reference}"[:100],
            about=commitment,
            actor=actor,
            memo=f"{commitment.organisation} {bank_reference}"[:300],
            on=on,
        )
        record(
            "fund.contribution", commitment, actor=actor, after={"amount_fen": amount_fen}, transfer=paid.pk
        )
    return paid


# --- what it is meant for


def add_budget_line(*, actor: Actor, **values: Any) -> BudgetLine:
    """Open a budget line; it holds nothing until something is allotted to it."""
    require(actor, "funding.allot_budget")
    line = BudgetLine(**values)
    checked(line)
    with transaction.atomic():
        line.save(force_insert=True)
        account_of_line(line, actor=actor)
        record("budget.open", line, actor=actor, after={"line": str(line)})
    return line


def allot(
    line: BudgetLine, *, actor: Actor, amount_fen: int, reason: str, key: str = "", on: date | None = None
) -> Transfer:
    """Allot ``amount_fen`` fen of the fund to ``line``; raises ``NotEnough`` beyond what is not allotted yet."""
    return _move(
        None, line, code=accounts.ALLOT, amount_fen=amount_fen, reason=reason, key=key, on=on, actor=actor
    )


def return_allotment(
    line: BudgetLine, *, actor: Actor, amount_fen: int, reason: str, key: str = "", on: date | None = None
) -> Transfer:
    """Give ``amount_fen`` fen of ``line`` back to what is not allotted; raises ``NotEnough`` beyond what is free in it."""
    return _move(
        line, None, code=accounts.RETURN, amount_fen=amount_fen, reason=reason, key=key, on=on, actor=actor
    )


def shift_allotment(
    line: BudgetLine,
    *,
    actor: Actor,
    to: BudgetLine,
    amount_fen: int,
    reason: str,
    key: str = "",
    on: date | None = None,
) -> Transfer:
    """Move ``amount_fen`` fen from ``line`` to another line of the same fund; raises as ``return_allotment``."""
    if to.fund_id != line.fund_id:
        raise DomainError(_("Both budget lines must be of the same fund."), code="other_fund", field="to")
    if to.pk == line.pk:
        raise DomainError(_("Choose another budget line."), code="same_line", field="to")
    return _move(
        line, to, code=accounts.SHIFT, amount_fen=amount_fen, reason=reason, key=key, on=on, actor=actor
    )


def close_budget_year(fund: Fund, *, year: int, actor: Actor) -> list[Transfer]:
    """Return what is free in the lines of ``year`` to what is not allotted; what is held or promised stays where it is.

    A second call returns nothing more. Raises ``DomainError`` while the year goes on.
    """
    require(actor, "funding.allot_budget")
    if year >= timezone.localdate().year:
        raise DomainError(
            _("The year %(year)s is not over.") % {"year": year}, code="year_not_over", field="year"
        )
    done = []
    with transaction.atomic():
        for line in BudgetLine.objects.filter(fund=fund, year=year).order_by("pk"):
            account = account_of_line(line, actor=actor)
            account.refresh_from_db()
            if account.free_fen > 0:
                done.append(
                    return_allotment(
                        line,
                        actor=actor,
                        amount_fen=account.free_fen,
                        reason=_("close of %(year)s") % {"year": year},
                        key=f"close-{year}-{line.pk}-{account.debits_posted_fen}",
                    )
                )
    return done


def _move(
    source: BudgetLine | None,
    target: BudgetLine | None,
    *,
    code: Any,
    amount_fen: int,
    reason: str,
    key: str,
    on: date | None,
    actor: Actor,
) -> Transfer:
    line = target or source
    assert line is not None
    require(actor, "funding.allot_budget", line)
    unallotted = _account(line.fund, accounts.UNALLOTTED, actor)
    with transaction.atomic():
        moved = post_transfer(
            debit=account_of_line(source, actor=actor) if source else unallotted,
            credit=account_of_line(target, actor=actor) if target else unallotted,
            amount_fen=amount_fen,
            code=code,
            key=f"budget/{key or uuid.uuid4().hex}"[:100],
            about=line,
            actor=actor,
            memo=reason,
            on=on,
        )
        record(
            code.name, line, actor=actor, after={"amount_fen": amount_fen}, reason=reason, transfer=moved.pk
        )
    return moved


# --- how a fund stands


@dataclass(frozen=True)
class LineFigures:
    """One budget line at the end of a day, in fen: what was ever allotted, and what of it is what."""

    line: BudgetLine
    free_fen: int
    reserved_fen: int
    account: Account


@dataclass(frozen=True)
class FundFigures:
    """A fund at the end of a day, in fen.

    ``committed_fen`` is what awards under agreement are still owed, ``paid_fen`` what has left the bank for them.
    """

    on: date
    promised_fen: int
    paid_in_fen: int
    cash_fen: int
    unallotted_fen: int
    free_fen: int
    reserved_fen: int
    committed_fen: int
    paid_fen: int
    lines: list[LineFigures]

    @property
    def owed_fen(self) -> int:
        """What partners have promised and not paid in."""
        return self.promised_fen - self.paid_in_fen

    @property
    def rows(self) -> Mapping[str, int]:
        return {
            name: getattr(self, name)
            for name in (
                *("promised_fen", "paid_in_fen", "owed_fen", "cash_fen", "unallotted_fen"),
                *("free_fen", "reserved_fen", "committed_fen", "paid_fen"),
            )
        }


def figures_of(fund: Fund, on: date) -> FundFigures:
    """Return how ``fund`` stood at the end of ``on``, all of it added up from its transfers, in four queries."""
    held = list(Account.objects.filter(book_id=fund.book_id)) if fund.book_id else []
    balances = balances_on(held, on)
    codes = sums_by_code(Transfer.objects.filter(debit__book_id=fund.book_id), on) if fund.book_id else {}

    def total(kind: str) -> int:
        return sum(balances[account.pk].on_side(account.normal) for account in held if account.kind == kind)

    lines = {str(line.pk): line for line in BudgetLine.objects.filter(fund=fund).select_related("fund")}
    figures = [
        _line_figures(lines[account.subject_id], account, balances[account.pk])
        for account in held
        if account.kind == accounts.BUDGET.name and account.subject_id in lines
    ]
    figures.sort(key=lambda one: (-one.line.year, one.line.track, one.line.purpose))
    return FundFigures(
        on=on,
        promised_fen=codes.get(accounts.COMMIT.name, 0),
        paid_in_fen=codes.get(accounts.PAY_IN.name, 0),
        cash_fen=total(accounts.BANK.name),
        unallotted_fen=total(accounts.UNALLOTTED.name),
        free_fen=sum(one.free_fen for one in figures),
        reserved_fen=sum(one.reserved_fen for one in figures),
        committed_fen=total(AWARD_COMMITTED),
        paid_fen=sum(codes.get(code, 0) for code in AWARD_PAID),
        lines=figures,
    )


def _line_figures(line: BudgetLine, account: Account, balance: Balance) -> LineFigures:
    held = balance.held(Side.CREDIT)
    return LineFigures(line, balance.on_side(Side.CREDIT) - held, held, account)
