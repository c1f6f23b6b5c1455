"""Counting in Chinese working days, without Django and without a database.

The published calendar (statutory holidays, and the working weekends that the State Council moves, 调休) comes
from the ``holidays`` package; ``special`` holds the dates on which the park's own table says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

SHANGHAI = ZoneInfo("Asia/Shanghai")
LAST_SECOND = time(23, 59, 59)
SATURDAY = 5
# The years of which the ``holidays`` package knows anything; it works out lunar days up to 2100.
FIRST_YEAR, LAST_YEAR = 1949, 2100
FURTHEST = (
    5000  # working days; some twenty years, beyond every term that a law or a contract of the park knows
)


@lru_cache(maxsize=LAST_YEAR - FIRST_YEAR + 1)
def published(year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Return the weekdays off and the weekend days worked in ``year``, as published."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return frozenset(), frozenset()
    # A notice reaches over New Year (29 December 2018 was worked for 2019): the neighbours belong to it.
    china = holidays.country_holidays("CN", years=range(year - 1, year + 2))
    off = frozenset(day for day in china if day.year == year and day.weekday() < SATURDAY)
    worked = frozenset(day for day in china.weekend_workdays if day.year == year)
    return off - worked, worked


@dataclass(frozen=True)
class WorkingCalendar:
    """The published calendar with the park's own dates (date → worked or not) laid over it."""

    special: Mapping[date, bool] = field(default_factory=dict)

    def is_working_day(self, day: date) -> bool:
        """Return whether people work on ``day`` (a date, or the Shanghai date of an aware datetime)."""
        day = local_date(day)
        found = self.special.get(day)
        return _as_published(day) if found is None else found

    def shift(self, day: date, count: int) -> date:
        """Return the ``count``-th working day after ``day``, or before it when ``count`` is negative.

        ``day`` itself is not counted (Civil Code Art 201). A count of 0 gives ``day``, or the next
        working day when it is none (Art 203). Raises ``ValueError`` beyond ``FURTHEST``.
        """
        if abs(count) > FURTHEST:
            raise ValueError(f"{count} working days is further than the calendar reaches")
        step = timedelta(days=-1 if count < 0 else 1)
        if count == 0:
            while not self.is_working_day(day):
                day += step
            return day
        left = abs(count)
        while left:
            day += step
            if self.is_working_day(day):
                left -= 1
        return day

    def between(self, start: date, end: date) -> int:
        """Return the working days after ``start`` up to and including ``end``; negative when ``end`` is
        earlier.

        Counted in whole weeks, corrected by the days that differ from them: a far end costs no more than a near one.
        """
        start, end = local_date(start), local_date(end)
        if end < start:
            return -self.between(end, start)
        weeks, rest = divmod((end - start).days, 7)
        count = weeks * SATURDAY
        count += sum((start.weekday() + n) % 7 < SATURDAY for n in range(1, rest + 1))
        for year in range(max(start.year, FIRST_YEAR), min(end.year, LAST_YEAR) + 1):
            off, worked = published(year)
            count += sum(start < day <= end for day in worked) - sum(start < day <= end for day in off)
        for day, working in self.special.items():
            if start < day <= end:
                count += working - _as_published(day)
        return count

    def deadline(self, start: date, working_days: int) -> datetime:
        """Return 24:00 (23:59:59, Shanghai) of the ``working_days``-th working day after ``start``."""
        day = self.shift(local_date(start), working_days)
        return datetime.combine(day, LAST_SECOND, tzinfo=SHANGHAI)

    def arrangement_known(self, year: int) -> bool:
        """Return whether the moved days of ``year`` are in the calendar (the notice comes in November)."""
        return bool(published(year)[1]) or any(
            worked and day.year == year and day.weekday() >= SATURDAY for day, worked in self.special.items()
        )


def _as_published(day: date) -> bool:
    """Return whether ``day`` is worked, whatever the park's own table says."""
    off, worked = published(day.year)
    return day in worked if day.weekday() >= SATURDAY else day not in off


def local_date(value: date) -> date:
    """Return the date in Shanghai of a date or an aware datetime; ``ValueError`` for a naive one."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone has no date")
        return value.astimezone(SHANGHAI).date()
    return value
