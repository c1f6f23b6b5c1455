"""Money: whole fen in the database, ``Decimal`` yuan at the edge, never a float."""

from __future__ import annotations

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from park_portal.core.errors import DomainError

FEN_PER_YUAN = 100
FEN_PER_WAN = 1_000_000
# 100 billion yuan: more than any fund of the park, far below what a bigint in fen can hold.
MAX_FEN = 100_000_000_000 * FEN_PER_YUAN


def yuan_to_fen(amount: Decimal | int | str) -> int:
    """Return ``amount`` yuan in fen, half a fen rounded up."""
    return int((Decimal(amount) * FEN_PER_YUAN).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def wan_to_fen(amount: Decimal | int | str) -> int:
    """Return ``amount`` 万元 (ten thousand yuan) in fen, half a fen rounded up."""
    return int((Decimal(amount) * FEN_PER_WAN).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def fen_to_yuan(fen: int) -> Decimal:
    """Return ``fen`` as yuan with two decimals."""
    return (Decimal(fen) / FEN_PER_YUAN).quantize(Decimal("0.01"))


def format_yuan(fen: int | None) -> str:
    """Return ``¥1,234,567.00``; an empty string for no amount."""
    if fen is None:
        return ""
    sign = "-" if fen < 0 else ""
    return f"{sign}¥{abs(fen_to_yuan(fen)):,.2f}"


def format_wan(fen: int | None) -> str:
    """Return ``123.46 万元`` (``¥1,234,567`` reads better in English: there it is ``¥1.2346 m``)."""
    if fen is None:
        return ""
    if (get_language() or "zh-hans").startswith("zh"):
        wan = (Decimal(fen) / FEN_PER_WAN).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
        return f"{_trim(f'{wan:,.2f}')} 万元"
    million = (Decimal(fen) / (FEN_PER_WAN * 100)).quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)
    return f"¥{_trim(f'{million:,.4f}')} m"


def _trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


_NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")
# A fen is the sixth decimal of 万元.
MOST_DECIMALS: Final = 6
MOST_DIGITS: Final = 15


def parse_money(text: str, *, unit: str = "yuan") -> int:
    """Return the fen that ``text`` means.

    ``unit`` is ``yuan`` or ``wan`` (万元) and is what a bare number is in; ``¥``, ``元``, ``万元``, blanks, thousands
    separators and full-width digits are understood. Raises ``DomainError`` for anything else, a negative amount, one
    beyond ``MAX_FEN`` or one with more than six decimals.
    """
    typed_in = unit
    cleaned = unicodedata.normalize("NFKC", str(text)).strip().replace(" ", "").replace(",", "")
    cleaned = cleaned.lstrip("¥").removeprefix("RMB").removeprefix("CNY")
    for suffix, named in (("万元", "wan"), ("万", "wan"), ("元", "yuan")):
        if cleaned.endswith(suffix):
            cleaned, unit = cleaned[: -len(suffix)], named
            break
    match = _NUMBER.fullmatch(cleaned)
    if match is None:
        if typed_in == "wan":
            raise DomainError(_("Enter an amount in 10,000 yuan, such as 120.5."), code="money")
        raise DomainError(_("Enter an amount such as 1234567.00."), code="money")
    sign, digits, decimals = match.groups()
    if sign and (digits + (decimals or "")).strip("0"):
        raise DomainError(_("An amount cannot be negative."), code="money_negative")
    if len(digits.lstrip("0")) > MOST_DIGITS:
        raise DomainError(_("This amount is larger than any fund of the park."), code="money_too_large")
    if decimals and len(decimals) > MOST_DECIMALS:
        raise DomainError(
            _("Enter at most %(count)s decimals: there is nothing smaller than a fen.")
            % {"count": MOST_DECIMALS if unit == "wan" else 2},
            code="money_decimals",
        )
    fen = wan_to_fen(cleaned) if unit == "wan" else yuan_to_fen(cleaned)
    if fen > MAX_FEN:
        raise DomainError(_("This amount is larger than any fund of the park."), code="money_too_large")
    return fen


class MoneyField(models.BigIntegerField):
    """An amount of RMB in whole fen."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
