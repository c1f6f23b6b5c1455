"""Turning what stands in a cell into a value: each parser returns it or raises ValidationError with the reason."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Choices
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from park_portal.core.errors import DomainError
from park_portal.core.imports.workbook import FormulaWithoutValue
from park_portal.core.money import parse_money

EARLIEST = datetime.date(1949, 10, 1)
LATEST = datetime.date(2100, 12, 31)
EXCEL_EPOCH = datetime.date(1899, 12, 30)
EXCEL_ERRORS = ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!")

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_LEVEL = re.compile(r"[一二三四五]级[:：]\s*(.*?)\s*(?=[,，;；、]?\s*[一二三四五]级[:：]|$)")
_SEPARATORS = re.compile(r"\s*[,，;；、|\n]\s*")
_YEAR_MONTH = re.compile(r"^(\d{4})[-/.年]?(0?[1-9]|1[0-2])月?$")
_YEAR_MONTH_DAY = re.compile(
    r"^(\d{4})(?:[-/.年]?)(\d{1,2})(?:[-/.月]?)(\d{1,2})日?(?:[T ]\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?)?$"
)


@dataclass(frozen=True)
class Cell:
    """Where a value stands and how it is to be read: `unit` of money, and the options of the whole import."""

    unit: str | None
    options: Mapping[str, Any]


Parser = Callable[[Any, Cell], Any]


def is_empty(value: Any) -> bool:
    """True for a cell with nothing in it, or only blanks."""
    return value is None or (isinstance(value, str) and not value.strip("\0 \t\r\n\u3000\ufeff"))


def plain_text(value: Any) -> str:
    """Returns the text of a cell as people see it: whole numbers without `.0`, no control characters.

    Raises ValidationError for a formula that was never calculated and for Excel's own error values.
    """
    if isinstance(value, FormulaWithoutValue):
        raise ValidationError(
            _(
                "This cell holds a formula that was never calculated. Open the file in Excel and save it again."
            ),
            code="formula",
        )
    if isinstance(value, str) and value.strip() in EXCEL_ERRORS:
        raise ValidationError(
            _("Excel reports an error in this cell: %(value)s."), code="excel", params={"value": value}
        )
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, datetime.datetime):
        value = value.date() if value.time() == datetime.time(0) else value
    return _CONTROL.sub("", str(value)).strip("\u3000\ufeff \t\r\n")


def parse_text(value: Any, cell: Cell) -> str:
    """Returns one line of text."""
    return re.sub(r"\s+", " ", plain_text(value))


def parse_long_text(value: Any, cell: Cell) -> str:
    """Returns text with its line breaks."""
    return plain_text(value).replace("\r\n", "\n").replace("\r", "\n")


def parse_identifier(value: Any, cell: Cell) -> str:
    """Returns a number that is a name, such as a grant number, character for character as it was issued."""
    if isinstance(value, bool):
        raise ValidationError(_("“%(value)s” is not a number."), code="identifier", params={"value": value})
    if isinstance(value, float) and (not value.is_integer() or abs(value) >= 1e15):
        raise ValidationError(
            _("Excel has rounded this number (%(value)s). Format the column as text and type it again."),
            code="rounded",
            params={"value": value},
        )
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", plain_text(value)))
    if re.match(r"^\d(\.\d+)?E\+\d+$", text, re.IGNORECASE):
        raise ValidationError(
            _("Excel has rounded this number (%(value)s). Format the column as text and type it again."),
            code="rounded",
            params={"value": text},
        )
    return text[:-2] if re.match(r"^\d+\.0$", text) else text


def parse_date(value: Any, cell: Cell) -> datetime.date:
    """Returns the day; a month without a day (202001, 2020年1月) means its first."""
    return _day(value, end=False)


def parse_end_date(value: Any, cell: Cell) -> datetime.date:
    """Returns the day; a month without a day means its last."""
    return _day(value, end=True)


def _day(value: Any, *, end: bool) -> datetime.date:
    wrong = ValidationError(
        _("“%(value)s” is not a date. Write it as 2026-03-31, 20260331 or 202603."),
        code="date",
        params={"value": str(value)[:40]},
    )
    if isinstance(value, bool):
        raise wrong
    if isinstance(value, datetime.time):
        day = EXCEL_EPOCH  # What Excel shows as a date, it holds as the zeroth day.
    elif isinstance(value, datetime.datetime):
        day = value.date()
    elif isinstance(value, datetime.date):
        day = value
    else:
        text = unicodedata.normalize("NFKC", plain_text(value))
        try:
            day = _day_of_text(text, end=end, number=not isinstance(value, str))
        except ValueError as error:
            raise wrong from error
    if not EARLIEST <= day <= LATEST:
        raise ValidationError(
            _(
                "The date %(value)s cannot be right. In Excel this happens when a cell holds only 0 or a time."
            ),
            code="date_range",
            params={"value": day.isoformat()},
        )
    return day


def _day_of_text(text: str, *, end: bool, number: bool) -> datetime.date:
    if text.isdigit() and len(text) not in (6, 8) and not (number and len(text) <= 5):
        raise ValueError(text)
    if (found := _YEAR_MONTH.match(text)) and len(text) >= 6:
        year, month = int(found[1]), int(found[2])
        if not end:
            return datetime.date(year, month, 1)
        following = datetime.date(year + month // 12, month % 12 + 1, 1)
        return following - datetime.timedelta(days=1)
    if number and re.match(r"^\d{1,5}$", text):
        # Excel keeps a date as the number of days since its epoch; the cell lost its date format.
        return EXCEL_EPOCH + datetime.timedelta(days=int(text))
    # Six digits are a month or nothing: 202013 must not be read as 3 January 2020.
    if not (text.isdigit() and len(text) == 6) and (found := _YEAR_MONTH_DAY.match(text)):
        return datetime.date(int(found[1]), int(found[2]), int(found[3]))
    raise ValueError(text)


def parse_amount(value: Any, cell: Cell) -> int:
    """Returns an amount of money in fen; a bare number is in the unit chosen for the file, else in the heading's."""
    if isinstance(value, bool):
        raise ValidationError(_("“%(value)s” is not an amount."), code="money", params={"value": value})
    unit = cell.options.get("unit") or cell.unit
    if not unit:
        raise ValidationError(
            _("The heading does not say whether this is 元 or 万元. Choose the unit above."), code="unit"
        )
    # repr gives the shortest decimal that Excel's binary number stands for: 86.5, not 86.4999….
    text = format(Decimal(repr(value)), "f") if isinstance(value, float) else plain_text(value)
    if re.match(r"^-?\d+\.\d{7,}$", text):
        text = format(round(Decimal(text), 6), "f")
    try:
        return parse_money(text, unit=unit)
    except DomainError as error:
        if error.code != "money":
            raise ValidationError(error.message, code=error.code) from error  # type: ignore[arg-type] # a lazy text
        raise ValidationError(
            _("“%(value)s” is not an amount."), code="money", params={"value": str(value)[:40]}
        ) from error


def parse_integer(value: Any, cell: Cell) -> int:
    """Returns a whole number; its range is checked with the record."""
    text = (
        unicodedata.normalize("NFKC", plain_text(value))
        .upper()
        .removeprefix("TRL")
        .removesuffix("级")
        .removesuffix("年")
    )
    if isinstance(value, bool) or not re.match(r"^\s*-?\d{1,9}\s*$", text):
        raise ValidationError(
            _("“%(value)s” is not a whole number."), code="integer", params={"value": str(value)[:40]}
        )
    return int(text)


def parse_list(value: Any, cell: Cell) -> list[str]:
    """Returns the words of a list, in their order and each once, whatever separates them."""
    words = (re.sub(r"\s+", " ", word) for word in _SEPARATORS.split(plain_text(value)))
    return list(dict.fromkeys(word for word in words if word))


def parse_levels(value: Any, cell: Cell) -> list[str]:
    """Returns the levels of 一级:C05,二级:C0501,三级:C050101, widest first; a plain list is taken as it stands."""
    text = plain_text(value)
    levels = [level for level in _LEVEL.findall(text) if level] if "级" in text else []
    return levels or parse_list(text, cell)


def parse_email_address(value: Any, cell: Cell) -> str:
    text = unicodedata.normalize("NFKC", plain_text(value)).removeprefix("mailto:")
    validate_email(text)
    return text


def parse_website(value: Any, cell: Cell) -> str:
    text = unicodedata.normalize("NFKC", plain_text(value))
    return text if "://" in text else f"https://{text}"


def _join(choices: type[Choices]) -> str:
    return ", ".join(str(label) for label in choices.labels)


_lazy_join = lazy(_join, str)


def choice_parser(choices: type[Choices], aliases: Mapping[Any, tuple[str, ...]] | None = None) -> Parser:
    """Returns a parser for a closed list: the value itself, its label in either language, or another word for it."""

    def parse(value: Any, cell: Cell) -> str:
        text = unicodedata.normalize("NFKC", plain_text(value)).casefold().replace(" ", "")
        for choice in choices:
            words = {str(choice.value), *(aliases or {}).get(choice.value, ())}
            for language in ("zh-hans", "en"):
                with override(language):
                    words.add(str(choice.label))
            if text in {word.casefold().replace(" ", "") for word in words}:
                return str(choice.value)
        raise ValidationError(
            _("“%(value)s” is none of: %(allowed)s."),
            code="choice",
            params={"value": str(value)[:40], "allowed": _lazy_join(choices)},
        )

    return parse


_YES = {"true", "yes", "y", "1", "是", "已结题", "结题", "完成", "√"}
_NO = {"false", "no", "n", "0", "否", "未结题", "在研", "未完成", "×"}


def parse_boolean(value: Any, cell: Cell) -> bool:
    """Returns yes or no, as Excel's own values or as words in either language."""
    text = unicodedata.normalize("NFKC", plain_text(value)).casefold()
    if text in _YES or text in _NO:
        return text in _YES
    raise ValidationError(
        _("“%(value)s” is neither yes nor no."), code="boolean", params={"value": str(value)[:40]}
    )
