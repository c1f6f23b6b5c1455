"""Reading a bank's statement from Excel or CSV: every line that is not in order is named, and then nothing is taken.

Banks differ: money out and money in are two columns, or one with a direction; a balance may stand after each line; opening,
closing and totals may stand above or below. What is there has to add up.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from park_portal.core.errors import DomainError, Problem
from park_portal.core.imports.cells import Cell, is_empty, parse_amount, parse_date, parse_text, plain_text
from park_portal.core.imports.headers import Heading, Match, bare_heading, match_headings, normalise_heading
from park_portal.core.imports.workbook import Sheet, read_workbook
from park_portal.core.money import format_yuan

ALIASES: Final = {
    "on": (
        "交易日期",
        "日期",
        "记账日期",
        "入账日期",
        "交易时间",
        "date",
        "booking date",
        "transaction date",
    ),
    "out": (
        *("借方发生额", "借方金额", "借方", "支出", "支出金额", "付款金额", "转出金额"),
        *("debit", "debit amount", "paid out", "withdrawal", "withdrawals"),
    ),
    "in": (
        *("贷方发生额", "贷方金额", "贷方", "收入", "收入金额", "收款金额", "转入金额"),
        *("credit", "credit amount", "paid in", "deposit", "deposits"),
    ),
    "amount": ("金额", "交易金额", "发生额", "amount"),
    "direction": ("借贷标志", "借贷方向", "借贷", "收支", "收支方向", "方向", "direction"),
    "balance": ("余额", "账户余额", "当前余额", "balance"),
    "currency": ("币种", "币别", "货币", "currency"),
    "counterparty": (
        *("对方户名", "对方名称", "对方账户名称", "收款人", "收款人名称", "收付款人名称"),
        *("counterparty", "payee", "name"),
    ),
    "text": (
        *("摘要", "用途", "附言", "备注", "交易摘要", "交易附言", "purpose", "memo", "description"),
        *("remark", "details"),
    ),
    "reference": (
        *("流水号", "交易流水号", "银行流水号", "凭证号", "交易序号", "业务编号"),
        *("reference", "bank reference", "transaction number"),
    ),
}
_OPENING: Final = {"期初余额", "上期余额", "承前余额", "opening balance", "opening"}
_CLOSING: Final = {"期末余额", "本期余额", "closing balance", "closing"}
_TOTAL: Final = {"合计", "总计", "本期合计", "total", "totals"}
_OUT: Final = {"借", "借方", "支出", "付", "付款", "d", "dr", "debit", "out"}
_IN: Final = {"贷", "贷方", "收入", "收", "收款", "c", "cr", "credit", "in"}
_YUAN: Final = {"", "人民币", "rmb", "cny", "cny156", "156", "人民币元", "元"}


@dataclass(frozen=True)
class StatementRow:
    """One movement as the bank tells it; ``line`` is the number of the line in the file."""

    line: int
    on: date
    amount_fen: int
    is_incoming: bool
    counterparty: str
    text: str
    reference: str
    balance_fen: int | None


@dataclass
class Reading:
    """A statement whose lines are all in order and add up; opening and closing where the file tells them."""

    rows: list[StatementRow] = field(default_factory=list)
    opening: tuple[int, int] | None = None  # (line, fen)
    closing: tuple[int, int] | None = None

    @property
    def since(self) -> date:
        return min(row.on for row in self.rows)

    @property
    def until(self) -> date:
        return max(row.on for row in self.rows)


class _Wrong(Exception):
    """What is wrong with a line."""

    def __init__(self, said: Any) -> None:
        self.said = said
        super().__init__(str(said))


def read_statement(content: bytes, file_name: str = "") -> Reading:
    """Return what a bank's statement tells. Raises ``DomainError`` with a problem for each line that is not in order."""
    sheet, match = _sheet_of(read_workbook(content, file_name))
    found = Reading()
    problems: list[Problem] = []
    totals: list[tuple[int, dict[str, int]]] = []
    for place, (line, cells) in enumerate(sheet.rows):
        if place == match.row:
            continue
        try:
            word = _word_of(cells)
            if line in sheet.formulas or any(
                isinstance(cell, str) and cell.startswith("=") for cell in cells
            ):
                raise _Wrong(_("a cell holds a formula. Ask the bank for a file with values."))
            if word in _OPENING:
                found.opening = (line, _last_amount(cells))
            elif word in _CLOSING:
                found.closing = (line, _last_amount(cells))
            elif word in _TOTAL:
                totals.append((line, _total(cells, match)))
            elif place > match.row:
                found.rows.append(_row(line, cells, match))
        except _Wrong as wrong:
            problems.append(_problem(line, wrong.said))
    if not found.rows and not problems:
        raise DomainError(_("The file has no movements."), code="empty", field="file")
    if not problems:
        problems = [*_sums(found, totals), *_balances(found)]
    if problems:
        raise refusal(problems)
    return found


def refusal(problems: Sequence[Problem]) -> DomainError:
    """Return the error that names each line; the first in its own words."""
    return DomainError(
        _("Nothing was taken from the statement. %(problem)s") % {"problem": problems[0].message},
        code="statement",
        field="file",
        problems=problems,
    )


def _problem(line: int, said: Any) -> Problem:
    return Problem(_("Line %(line)s: %(problem)s") % {"line": line, "problem": said}, anchor=str(line))


def _sheet_of(sheets: Sequence[Sheet]) -> tuple[Sheet, Match]:
    for sheet in sheets:
        match = match_headings([cells for _line, cells in sheet.rows], ALIASES)
        if match is None:
            continue
        columns = match.columns.keys()
        if {"on", "reference"} <= columns and ({"out", "in"} <= columns or "amount" in columns):
            return sheet, match
    raise DomainError(
        _(
            "This is no bank statement: there has to be a row of headings with date, bank reference, and amount "
            "(paid out and paid in, or amount)."
        ),
        code="no_headings",
        field="file",
    )


def _word_of(cells: Sequence[Any]) -> str:
    """Return the first word of a line that could say what kind of line it is."""
    first = next((cell for cell in cells if not is_empty(cell)), "")
    known = _OPENING | _CLOSING | _TOTAL
    text = unicodedata.normalize("NFKC", str(first)).strip().strip(":").strip().lower()
    return next((word for word in known if text == word or bare_heading(text) == normalise_heading(word)), "")


def _cell(cells: Sequence[Any], heading: Heading | None) -> Any:
    return cells[heading.index] if heading is not None and heading.index < len(cells) else None


def _said(error: ValidationError) -> str:
    return " ".join(error.messages)


def fen_of(value: Any, unit: str = "yuan") -> int:
    """Return the fen of an amount in a cell. Raises ``ValidationError`` for what is none, is negative, or is not whole fen."""
    fen: int = parse_amount(value, Cell(unit, {}))
    if isinstance(value, float):
        # The shortest decimal that Excel's binary number stands for.
        text = format(round(Decimal(repr(value)), 6).normalize(), "f")
    else:
        text = unicodedata.normalize("NFKC", plain_text(value))
    decimals = re.search(r"\.([0-9]+)", text)
    most = 6 if unit == "wan" or "万" in text else 2
    if decimals and len(decimals[1].rstrip("0")) > most:
        raise ValidationError(_("%(amount)s is not a whole number of fen.") % {"amount": text[:40]})
    return fen


def _amount(cells: Sequence[Any], heading: Heading | None) -> int:
    value = _cell(cells, heading)
    if heading is None or is_empty(value) or plain_text(value) in ("-", "—", "--"):
        return 0
    try:
        return fen_of(value, heading.unit or "yuan")
    except ValidationError as error:
        raise _Wrong(_said(error)) from error


def _numbers(cells: Sequence[Any]) -> Iterator[int]:
    for cell in cells:
        if is_empty(cell):
            continue
        try:
            yield fen_of(cell)
        except ValidationError:
            continue


def _last_amount(cells: Sequence[Any]) -> int:
    found = list(_numbers(cells[1:]))
    if not found:
        raise _Wrong(_("the balance is missing."))
    return found[-1]


def _total(cells: Sequence[Any], match: Match) -> dict[str, int]:
    return {
        name: _amount(cells, heading)
        for name in ("out", "in", "amount")
        if (heading := match.heading(name)) and not is_empty(_cell(cells, heading))
    }


def _row(line: int, cells: Sequence[Any], match: Match) -> StatementRow:
    def text(name: str, most: int) -> str:
        try:
            words = [
                parse_text(value, Cell(None, {}))
                for heading in match.columns.get(name, [])
                if not is_empty(value := _cell(cells, heading))
            ]
        except ValidationError as error:
            raise _Wrong(_said(error)) from error
        return " ".join(words)[:most]

    currency = text("currency", 20).lower().replace(" ", "")
    if re.sub(r"[()（）]", "", currency) not in _YUAN:
        raise _Wrong(_("only RMB can be booked, not %(currency)s.") % {"currency": text("currency", 20)})
    value = _cell(cells, match.heading("on"))
    if is_empty(value):
        raise _Wrong(_("the date is missing."))
    try:
        on = parse_date(value, Cell(None, {}))
    except ValidationError as error:
        raise _Wrong(_said(error)) from error
    if on > timezone.localdate():
        raise _Wrong(_("the date %(day)s is in the future.") % {"day": on.isoformat()})
    amount, is_incoming = _moved(cells, match, text("direction", 10))
    reference = text("reference", 400)
    if len(reference) > 80:
        raise _Wrong(_("the bank reference has more than 80 characters."))
    if not reference and not is_incoming:
        raise _Wrong(_("the bank reference is missing."))
    balance = match.heading("balance")
    has_balance = balance is not None and not is_empty(_cell(cells, balance))
    return StatementRow(
        line,
        on,
        amount,
        is_incoming,
        text("counterparty", 200),
        text("text", 400),
        reference,
        _amount(cells, balance) if has_balance else None,
    )


def _moved(cells: Sequence[Any], match: Match, direction: str) -> tuple[int, bool]:
    """Return (amount, whether it came in) of a line."""
    if "amount" in match.columns and not {"out", "in"} <= match.columns.keys():
        amount, word = _amount(cells, match.heading("amount")), direction.lower()
        if word and word not in _OUT | _IN:
            raise _Wrong(_("“%(word)s” says neither paid out nor paid in.") % {"word": direction})
        is_incoming = word in _IN
    else:
        out, into = _amount(cells, match.heading("out")), _amount(cells, match.heading("in"))
        if out and into:
            raise _Wrong(_("there is an amount paid out and one paid in."))
        amount, is_incoming = out or into, bool(into)
    if not amount:
        raise _Wrong(_("an amount must be more than nothing."))
    return amount, is_incoming


def _sums(found: Reading, totals: Sequence[tuple[int, dict[str, int]]]) -> Iterator[Problem]:
    """Yield what does not add up in the totals that the file tells."""
    out = sum(row.amount_fen for row in found.rows if not row.is_incoming)
    into = sum(row.amount_fen for row in found.rows if row.is_incoming)
    for line, total in totals:
        for name, sum_fen in (("out", out), ("in", into), ("amount", out + into)):
            if name in total and total[name] != sum_fen:
                yield _problem(
                    line,
                    _("the total is %(told)s, and the lines add up to %(sum)s.")
                    % {"told": format_yuan(total[name]), "sum": format_yuan(sum_fen)},
                )
    if found.opening and found.closing and found.opening[1] + into - out != found.closing[1]:
        yield _problem(
            found.closing[0],
            _("opening %(opening)s and the movements make %(sum)s, and the closing balance is %(closing)s.")
            % {
                "opening": format_yuan(found.opening[1]),
                "sum": format_yuan(found.opening[1] + into - out),
                "closing": format_yuan(found.closing[1]),
            },
        )


def _balances(found: Reading) -> list[Problem]:
    """Return the first line whose balance is not the one before it and its movement; some banks tell the newest first."""
    forwards = _first_wrong(found.rows, found.opening)
    if not forwards or not _first_wrong(found.rows[::-1], found.opening):
        return []
    return forwards


def _first_wrong(rows: Sequence[StatementRow], opening: tuple[int, int] | None) -> list[Problem]:
    before = opening[1] if opening else None
    for row in rows:
        moved = row.amount_fen if row.is_incoming else -row.amount_fen
        if row.balance_fen is None:
            before = None if before is None else before + moved
            continue
        if before is not None and before + moved != row.balance_fen:
            return [
                _problem(
                    row.line,
                    _("after it the balance should be %(sum)s, and the file says %(told)s.")
                    % {"sum": format_yuan(before + moved), "told": format_yuan(row.balance_fen)},
                )
            ]
        before = row.balance_fen
    return []
