"""How urgent what waits for a person is: over, due today, due within the next seven days; days begin in Shanghai."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import django_filters
from django.db import models
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from park_portal.core.calendar.working_days import SHANGHAI


class When(models.TextChoices):
    OVER = "over", pgettext_lazy("due", "overdue")
    TODAY = "today", pgettext_lazy("due", "today")
    WEEK = "week", pgettext_lazy("due", "in the next 7 days")


def spans(now: datetime) -> dict[str, tuple[datetime | None, datetime]]:
    """Return each ``When`` as (from, until): from is part of it, until is not; the first has no beginning."""
    midnight = datetime.combine(now.astimezone(SHANGHAI).date(), time(), SHANGHAI)
    tomorrow = midnight + timedelta(days=1)
    return {
        When.OVER: (None, now),
        When.TODAY: (now, tomorrow),
        When.WEEK: (tomorrow, tomorrow + timedelta(days=7)),
    }


def when(due: datetime, now: datetime) -> str | None:
    """Return the ``When`` of one moment; None for what is due later."""
    for name, (start, end) in spans(now).items():
        if due < end and (start is None or due >= start):
            return str(name)
    return None


def _within(field: str, name: str, now: datetime) -> models.Q:
    start, end = spans(now)[name]
    found = models.Q(**{f"{field}__lt": end})
    return found if start is None else found & models.Q(**{f"{field}__gte": start})


@dataclass(frozen=True)
class Due:
    """How many things are over, due today and due within the next seven days."""

    over: int = 0
    today: int = 0
    week: int = 0

    @classmethod
    def of(cls, moments: Iterable[datetime], now: datetime) -> Due:
        """Count ``moments``."""
        found = [when(moment, now) for moment in moments]
        return cls(**{name: found.count(name) for name in When.values})

    @classmethod
    def among(cls, rows: models.QuerySet[Any], shown: int, field: str = "due_at") -> tuple[list[Any], Due]:
        """Return the first ``shown`` of ``rows``, earliest first, and the count of all of them, in one query."""
        now = timezone.now()
        counts = {
            f"due_{name}": models.Window(models.Count("pk", filter=_within(field, name, now)))
            for name in When.values
        }
        found = list(rows.annotate(**counts).order_by(field, "pk")[:shown])
        if not found:
            return found, cls()
        return found, cls(**{name: getattr(found[0], f"due_{name}") for name in When.values})


class DueFilter(django_filters.ChoiceFilter):
    """Narrows a list to what is over, due today or due within the next seven days."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("choices", When.choices)
        super().__init__(*args, **kwargs)

    def filter(self, qs: Any, value: Any) -> Any:
        return qs.filter(_within(self.field_name, value, timezone.now())) if value in When.values else qs
