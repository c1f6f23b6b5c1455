"""Working days and deadlines as the park counts them: the published calendar, corrected by ``SpecialDay``."""

from __future__ import annotations

from datetime import date, datetime
from typing import TypeVar

from django.db import transaction

from park_portal.core.audit.services import Actor, record
from park_portal.core.calendar.models import SpecialDay
from park_portal.core.calendar.working_days import SHANGHAI, WorkingCalendar

D = TypeVar("D", bound=date)

__all__ = [
    "WorkingCalendar",
    "add_working_days",
    "deadline",
    "is_working_day",
    "remove_special_day",
    "set_special_day",
    "working_calendar",
    "working_days_between",
]


def working_calendar() -> WorkingCalendar:
    """Return the calendar in force: one query, for who asks about many dates (pass it as ``calendar=``)."""
    return WorkingCalendar(dict(SpecialDay.objects.values_list("date", "working")))


def is_working_day(day: date, *, calendar: WorkingCalendar | None = None) -> bool:
    """Return whether ``day`` is worked in China and in the park."""
    return (calendar or working_calendar()).is_working_day(day)


def add_working_days(start: D, count: int, *, calendar: WorkingCalendar | None = None) -> D:
    """Return the ``count``-th working day after ``start`` (before, when negative); see
    ``WorkingCalendar.shift``.

    A datetime keeps its time of day in Shanghai and comes back aware; a date comes back as a date.
    """
    book = calendar or working_calendar()
    if isinstance(start, datetime):
        local = start.astimezone(SHANGHAI)
        return datetime.combine(book.shift(local.date(), count), local.timetz())  # type: ignore[return-value] # D is a datetime here
    return book.shift(start, count)  # type: ignore[return-value] # D is a date here


def working_days_between(start: date, end: date, *, calendar: WorkingCalendar | None = None) -> int:
    """Return the working days after ``start`` up to and including ``end``; negative when ``end`` is past."""
    return (calendar or working_calendar()).between(start, end)


def deadline(start: date, working_days: int, *, calendar: WorkingCalendar | None = None) -> datetime:
    """Return 23:59:59 (Asia/Shanghai) of the ``working_days``-th working day after ``start``."""
    return (calendar or working_calendar()).deadline(start, working_days)


@transaction.atomic
def set_special_day(day: date, *, working: bool, name: str, source: str = "", actor: Actor) -> SpecialDay:
    """Say that ``day`` is worked or not, whatever the published calendar says, and return the row."""
    values = {"working": working, "name": name, "source": source}
    old = SpecialDay.objects.select_for_update().filter(date=day).values(*values).first()
    row, _created = SpecialDay.objects.update_or_create(date=day, defaults=values)
    record("calendar.day_set", row, actor=actor, before=old, after=values)
    return row


@transaction.atomic
def remove_special_day(day: date, *, actor: Actor) -> None:
    """Let ``day`` follow the published calendar again; nothing happens when it already does."""
    row = SpecialDay.objects.select_for_update().filter(date=day).first()
    if row is None:
        return
    record(
        "calendar.day_removed",
        row,
        actor=actor,
        before={"date": str(day), "working": row.working, "name": row.name},
    )
    row.delete()
