"""Questions with one value: texts, numbers, money, dates, readiness levels, consent."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, override

from funding.calls.questions.base import (
    QuestionType,
    Settings,
    check_texts,
    count_characters,
    half_width,
    in_language,
    in_order,
    is_key,
    tidy,
    whole,
)
from funding.calls.states import QuestionKind
from incubator.projects.states import ReadinessLevel
from park_portal.core.errors import DomainError, Problem, Text
from park_portal.core.money import FEN_PER_WAN, FEN_PER_YUAN, MAX_FEN, format_yuan, parse_money

_NUMBER: Final = re.compile(r"^[+-]?\d{1,15}(\.\d{1,6})?$")
_ANY_NUMBER: Final = re.compile(r"^[+-]?(\d+)(?:\.(\d+))?$")
MOST_DECIMALS: Final = 6
EARLIEST_YEAR: Final = 1900
LATEST_YEAR: Final = 2200
_DATE: Final = re.compile(r"^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?$")


class TextType(QuestionType):
    """Text with limits in characters; what is over the limit is kept in the draft and named on submission."""

    hard_limit: int
    redactable = True
    defaults = {"min_chars": 0, "max_chars": 200}

    def clean(self, raw: Any, settings: Settings) -> str | None:
        if raw is None:
            return None
        text = tidy(raw)
        limit = max(self.hard_limit, 2 * self.setting(settings, "max_chars"))
        if len(text) > limit and count_characters(text) > limit:
            raise DomainError(
                _("This text has %(count)s characters, more than can be stored. Shorten it and save again.")
                % {"count": f"{count_characters(text):,}"},
                code="too_long",
            )
        return text or None

    def redacted(self, value: Any, settings: Settings, black_out: Callable[[str], str]) -> Any:
        return black_out(value) if isinstance(value, str) else value

    def check(self, value: Any, settings: Settings) -> list[Text]:
        count = count_characters(value)
        low, high = self.setting(settings, "min_chars"), self.setting(settings, "max_chars")
        if count > high:
            message = ngettext_lazy(
                "One character too many: the limit is %(high)s.",
                "%(over)s characters too many: the limit is %(high)s.",
                "over",
            )
            return [message % {"over": count - high, "high": high}]
        if count < low:
            return [
                _("Write at least %(low)s characters; there are %(count)s now.")
                % {"low": low, "count": count}
            ]
        return []

    def widget(self, raw: Any, settings: Settings) -> dict[str, Any]:
        return {
            "count": count_characters(str(raw or "")),
            "min_chars": self.setting(settings, "min_chars"),
            "max_chars": self.setting(settings, "max_chars"),
        }

    def check_settings(self, settings: Settings) -> list[Problem]:
        return [
            *whole(settings, "min_chars", 0, self.hard_limit, _("fewest characters")),
            *whole(settings, "max_chars", 1, self.hard_limit, _("most characters")),
            *in_order(settings, "min_chars", "max_chars"),
        ]


class ShortText(TextType):
    kind = QuestionKind.SHORT_TEXT
    hard_limit = 500

    def clean(self, raw: Any, settings: Settings) -> str | None:
        text = super().clean(raw, settings)
        return " ".join(text.split()) if text else None


class LongText(TextType):
    kind = QuestionKind.LONG_TEXT
    hard_limit = 20_000
    defaults = {"min_chars": 0, "max_chars": 2000, "rows": 8}

    def widget(self, raw: Any, settings: Settings) -> dict[str, Any]:
        return {**super().widget(raw, settings), "rows": self.setting(settings, "rows")}

    def check_settings(self, settings: Settings) -> list[Problem]:
        return [*super().check_settings(settings), *whole(settings, "rows", 2, 40, _("height in lines"))]


def parse_number(raw: Any, *, decimals: int) -> Decimal:
    """Return the number that was typed; raise ``DomainError`` for anything else or too many decimals."""
    text = half_width(tidy(raw)).replace(",", "").replace(" ", "")
    match = _ANY_NUMBER.match(text)
    if match is None:
        if decimals == 0:
            raise DomainError(_("Enter a whole number such as 12."), code="number")
        raise DomainError(_("Enter a number such as 12 or 12.5."), code="number")
    if len(match[1].lstrip("0")) > 15:
        raise DomainError(_("This number is too large."), code="number")
    idle = (match[2] or "").rstrip("0")
    number = Decimal(text) if len(idle) <= MOST_DECIMALS else None
    if number is None or number != round(number, decimals):
        if decimals == 0:
            raise DomainError(_("Enter a whole number."), code="number")
        raise DomainError(_("At most %(count)s decimals.") % {"count": decimals}, code="number")
    return number


def is_number(value: Any) -> bool:
    """Return whether a setting is a number."""
    return not isinstance(value, bool) and bool(_NUMBER.match(str(value)))


def plain(number: Decimal) -> str:
    """Return the number without exponent or idle zeros."""
    return f"{number.normalize():f}" if number else "0"


def too_small(low: str) -> Text:
    return _("Enter at least %(low)s.") % {"low": low}


def too_large(high: str) -> Text:
    return _("Enter at most %(high)s.") % {"high": high}


class Number(QuestionType):
    """A number, kept as text so that it stays exact."""

    kind = QuestionKind.NUMBER
    defaults = {"min": None, "max": None, "decimals": 0, "unit": None}

    def clean(self, raw: Any, settings: Settings) -> str | None:
        if raw is None or str(raw).strip() == "":
            return None
        return plain(parse_number(raw, decimals=self.setting(settings, "decimals")))

    def check(self, value: Any, settings: Settings) -> list[Text]:
        low, high = settings.get("min"), settings.get("max")
        if low is not None and Decimal(value) < Decimal(str(low)):
            return [too_small(str(low))]
        if high is not None and Decimal(value) > Decimal(str(high)):
            return [too_large(str(high))]
        return []

    def text(self, value: Any, settings: Settings, language: str) -> str:
        if value is None:
            return ""
        return f"{value} {in_language(settings.get('unit'), language)}".strip()

    def widget(self, raw: Any, settings: Settings) -> dict[str, Any]:
        return {"unit": in_language(settings.get("unit"))}

    def check_settings(self, settings: Settings) -> list[Problem]:
        found = whole(settings, "decimals", 0, 6, _("decimals"))
        limits: dict[str, Decimal] = {}
        for name in ("min", "max"):
            if settings.get(name) is None:
                continue
            if is_number(settings[name]):
                limits[name] = Decimal(str(settings[name]))
            else:
                found.append(Problem(_("A limit must be a number."), field=name))
        if len(limits) == 2 and limits["min"] > limits["max"]:
            found.append(Problem(_("The lower limit lies above the upper one."), field="min"))
        if settings.get("unit"):
            found += check_texts(settings["unit"], _("unit"), "unit")
        return found


class Money(QuestionType):
    """An amount of RMB, kept in fen; typed in yuan or in 万元, as the question says."""

    kind = QuestionKind.MONEY
    defaults = {"unit": "wan", "min_fen": None, "max_fen": None}

    def clean(self, raw: Any, settings: Settings) -> int | None:
        if raw is None or str(raw).strip() == "":
            return None
        return parse_money(half_width(tidy(raw)), unit=self.setting(settings, "unit"))

    def check(self, value: Any, settings: Settings) -> list[Text]:
        low, high = settings.get("min_fen"), settings.get("max_fen")
        if low is not None and value < low:
            return [too_small(format_yuan(low))]
        if high is not None and value > high:
            return [too_large(format_yuan(high))]
        return []

    def text(self, value: Any, settings: Settings, language: str) -> str:
        return money_text(value, self.setting(settings, "unit"), language)

    def raw(self, value: Any, settings: Settings) -> str:
        return "" if value is None else money_raw(value, self.setting(settings, "unit"))

    def widget(self, raw: Any, settings: Settings) -> dict[str, Any]:
        return {"unit": self.setting(settings, "unit")}

    def check_settings(self, settings: Settings) -> list[Problem]:
        found = []
        if settings["unit"] not in ("yuan", "wan"):
            found.append(Problem(_("Amounts are typed in yuan or in 10,000 yuan."), field="unit"))
        found += whole(settings, "min_fen", 0, MAX_FEN, _("smallest amount"))
        found += whole(settings, "max_fen", 0, MAX_FEN, _("largest amount"))
        return found + in_order(settings, "min_fen", "max_fen")


def money_raw(fen: int, unit: str) -> str:
    """Return the amount as it stands in an input field of that unit."""
    return plain(Decimal(fen) / (FEN_PER_WAN if unit == "wan" else FEN_PER_YUAN))


def money_text(fen: int | None, unit: str, language: str) -> str:
    """Return the amount as it is shown: 万元 with what it is in yuan, or yuan alone."""
    if fen is None:
        return ""
    if unit == "wan" and language.startswith("zh"):
        return f"{Decimal(money_raw(fen, 'wan')):,} 万元（{format_yuan(fen)}）"
    return format_yuan(fen)


class Date(QuestionType):
    kind = QuestionKind.DATE
    # A date (YYYY-MM-DD) or "today".
    defaults = {"earliest": None, "latest": None}

    def clean(self, raw: Any, settings: Settings) -> str | None:
        if raw is None or str(raw).strip() == "":
            return None
        return parse_date(raw).isoformat()

    def check(self, value: Any, settings: Settings) -> list[Text]:
        day = date.fromisoformat(value)
        earliest, latest = self._limit(settings, "earliest"), self._limit(settings, "latest")
        if earliest and day < earliest:
            return [_("The date is too early: not before %(day)s.") % {"day": earliest.isoformat()}]
        if latest and day > latest:
            return [_("The date is too late: not after %(day)s.") % {"day": latest.isoformat()}]
        return []

    @staticmethod
    def _limit(settings: Settings, name: str) -> date | None:
        value = settings.get(name)
        if not value:
            return None
        return timezone.localdate() if value == "today" else date.fromisoformat(value)

    def text(self, value: Any, settings: Settings, language: str) -> str:
        return date_text(value)

    def widget(self, raw: Any, settings: Settings) -> dict[str, Any]:
        return {"earliest": self._limit(settings, "earliest"), "latest": self._limit(settings, "latest")}

    def check_settings(self, settings: Settings) -> list[Problem]:
        found = []
        for name in ("earliest", "latest"):
            value = settings.get(name)
            if value and value != "today":
                try:
                    date.fromisoformat(str(value))
                except ValueError:
                    found.append(Problem(_("Enter a date such as 2026-03-31, or “today”."), field=name))
        return found


def parse_date(raw: Any) -> date:
    """Return the date that was typed; raise ``DomainError`` for anything else or a year that makes no sense."""
    match = _DATE.match(half_width(tidy(raw)))
    if match:
        try:
            day = date(*map(int, match.groups()))
        except ValueError:
            pass
        else:
            if EARLIEST_YEAR <= day.year <= LATEST_YEAR:
                return day
            raise DomainError(
                _("The year must lie between %(low)s and %(high)s.")
                % {"low": EARLIEST_YEAR, "high": LATEST_YEAR},
                code="date",
            )
    raise DomainError(_("Enter a date such as 2026-03-31."), code="date")


def date_text(value: str | None) -> str:
    """Return a day as the portal writes days in either language: 2026-03-31."""
    return date.fromisoformat(value).isoformat() if value else ""


def _level(value: int, language: str) -> str:
    """Return the name of a level in ``language``; empty for the reader's."""
    if not language:
        return str(ReadinessLevel(value).label)
    with override(language):
        return str(ReadinessLevel(value).label)


class Trl(QuestionType):
    """Technology readiness, level 1 to 9."""

    kind = QuestionKind.TRL
    grouped = True
    # ``not_below`` is the key of another question of this kind: who aims at a level aims no lower than they stand.
    defaults = {"min": 1, "max": 9, "not_below": None}

    def clean(self, raw: Any, settings: Settings) -> int | None:
        if raw is None or str(raw).strip() == "":
            return None
        text = half_width(tidy(raw)).upper().removeprefix("TRL").strip()
        if not (text.isascii() and text.isdigit() and len(text) == 1 and int(text) in ReadinessLevel.values):
            raise DomainError(_("Choose a level from 1 to 9."), code="trl")
        return int(text)

    def check(self, value: Any, settings: Settings) -> list[Text]:
        low, high = self.setting(settings, "min"), self.setting(settings, "max")
        if not low <= value <= high:
            return [_("This call takes levels %(low)s to %(high)s.") % {"low": low, "high": high}]
        return []

    def text(self, value: Any, settings: Settings, language: str) -> str:
        return "" if value is None else f"TRL {value} · {_level(value, language)}"

    def widget(self, raw: Any, settings: Settings) -> dict[str, Any]:
        low, high = self.setting(settings, "min"), self.setting(settings, "max")
        return {
            "levels": [
                {"level": level, "label": str(label), "chosen": str(raw) == str(level)}
                for level, label in ReadinessLevel.choices
                if low <= level <= high or str(raw) == str(level)
            ]
        }

    def check_settings(self, settings: Settings) -> list[Problem]:
        return [
            *whole(settings, "min", 1, 9, _("lowest level")),
            *whole(settings, "max", 1, 9, _("highest level")),
            *in_order(settings, "min", "max"),
            *self._check_key(settings.get("not_below")),
        ]

    @staticmethod
    def _check_key(key: Any) -> list[Problem]:
        if not key or is_key(str(key)):
            return []
        message = _("“%(value)s” is not the key of a question.") % {"value": key}
        return [Problem(message, field="not_below")]


class Consent(QuestionType):
    """A statement to agree to; required means that nothing is submitted without it."""

    kind = QuestionKind.CONSENT
    grouped = True
    defaults = {"statement": None}

    def clean(self, raw: Any, settings: Settings) -> bool | None:
        if isinstance(raw, str) and raw.strip().lower() in ("on", "true", "1", "yes"):
            return True
        if raw is True:
            return True
        if raw in (None, False, "", "off", "false", "0", "no"):
            return None
        raise DomainError(_("Tick the box or leave it empty."), code="type")

    def missing(self) -> Text:
        return _("Read the statement and agree to it.")

    def text(self, value: Any, settings: Settings, language: str) -> str:
        with override(language):
            return str(_("Agreed")) if value else ""

    def widget(self, raw: Any, settings: Settings) -> dict[str, Any]:
        return {
            "statement": in_language(settings.get("statement")),
            "agreed": raw in (True, "on", "true", "1"),
        }

    def display(self, value: Any, settings: Settings) -> dict[str, Any]:
        return {"statement": in_language(settings.get("statement"))}

    def check_settings(self, settings: Settings) -> list[Problem]:
        return check_texts(settings.get("statement"), _("statement"), "statement")
