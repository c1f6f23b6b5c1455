"""Keyset pages: the next page begins after the last row seen, so page 400 costs what page 1 costs."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from django.core.exceptions import FieldDoesNotExist, FieldError, ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.sql.where import WhereNode

from park_portal.core.relations import among

M = TypeVar("M", bound=models.Model)


@dataclass(frozen=True)
class Page(Generic[M]):
    """One page of rows with the cursors of its neighbours (None where there is none)."""

    rows: list[M]
    before: str | None
    after: str | None
    lost: bool = False  # a cursor was given that could not be read: these are the first rows


def keyset_page(
    rows: models.QuerySet[M], order: Sequence[str], *, size: int, after: str = "", before: str = ""
) -> Page[M]:
    """Return ``size`` rows of ``rows`` in ``order`` (names, ``-`` for descending) around a cursor, in one query.

    The primary key is added to make the order total; empty values come last in either direction. A cursor that
    cannot be read counts as none.
    """
    names = [*order, "pk"] if "pk" not in {name.lstrip("-") for name in order} else list(order)
    if len(names) > 1 and names[-1] == "pk" and order and order[0].startswith("-"):
        names[-1] = "-pk"
    values = _read(before or after, len(names))
    back = bool(before) and values is not None
    always = {name for name in names if _never_empty(rows.model, name.lstrip("-"))}
    if values is not None:
        try:
            rows = rows.filter(_beyond(names, values, always, back=back))
        except (
            TypeError,
            ValueError,
            ValidationError,
            FieldError,
        ):  # a cursor of another list, or one made up
            values, back = None, False
    rows = rows.order_by(*[_direction(name, back, name in always) for name in names])
    found = list(_first(rows, size + 1))
    more, found = len(found) > size, found[:size]
    if back:
        found.reverse()
    first = _write(found[0], names) if found else None
    last = _write(found[-1], names) if found else None
    has_before = more if back else values is not None and bool(found)
    has_after = bool(found) if back else more
    lost = bool(before or after) and values is None
    return Page(found, first if has_before else None, last if has_after else None, lost)


def _first(rows: models.QuerySet[M], number: int) -> models.QuerySet[M]:
    """Return the first ``number`` rows, picked by key alone: what is joined is joined for them, not for all that was
    sorted.
    """
    if not rows.query.select_related or rows.query.distinct or rows.query.combinator:
        return rows[:number]
    picked = rows.all()
    # What was asked of the rows is asked where the keys are picked. Asked twice, it made PostgreSQL join all that match.
    picked.query.where = WhereNode()
    return picked.filter(among("pk", rows.values("pk")[:number]))


def _never_empty(model: type[models.Model], path: str) -> bool:
    """Return whether the column always has a value; of what is annotated nobody knows."""
    for part in path.split("__"):
        if part == "pk":
            return True
        try:
            field = model._meta.get_field(part)
        except FieldDoesNotExist:
            return False
        if not isinstance(field, models.Field) or field.null:
            return False
        if field.related_model is not None and not isinstance(field.related_model, str):
            model = field.related_model
    return True


def _direction(name: str, back: bool, always: bool) -> Any:
    """Return the ordering of one column; reading backwards turns everything round, the empty values too.

    A column that is never empty is ordered plainly, as its index is.
    """
    field, down = F(name.lstrip("-")), name.startswith("-") != back
    if always:
        return field.desc() if down else field.asc()
    if back:
        return field.desc(nulls_first=True) if down else field.asc(nulls_first=True)
    return field.desc(nulls_last=True) if down else field.asc(nulls_last=True)


def _beyond(names: Sequence[str], values: Sequence[Any], always: set[str], *, back: bool) -> Q:
    """Return the condition: the row comes after (before, when ``back``) the row with these values."""
    condition, equal = Q(pk__in=[]), Q()
    for name, value in zip(names, values, strict=True):
        field, down = name.lstrip("-"), name.startswith("-")
        if value is None:
            # Empty values come last: nothing is after them, everything is before.
            step = Q(**{f"{field}__isnull": False}) if back else Q(pk__in=[])
        else:
            step = Q(**{f"{field}__{'lt' if down != back else 'gt'}": value})
            if not back and name not in always:
                step |= Q(**{f"{field}__isnull": True})
        condition |= equal & step
        equal &= Q(**{f"{field}__isnull": True}) if value is None else Q(**{field: value})
    first, value = names[0], values[0]
    if first in always and value is not None:
        # Says the same once more in the form that lets PostgreSQL begin at the right place of the index.
        condition &= Q(**{f"{first.lstrip('-')}__{'lte' if first.startswith('-') != back else 'gte'}": value})
    return condition


def _write(row: models.Model, names: Sequence[str]) -> str:
    values = []
    for name in names:
        value: Any = row
        for part in name.lstrip("-").split("__"):
            value = getattr(value, part, None)
        values.append(value if value is None or isinstance(value, int | str) else str(value))
    return base64.urlsafe_b64encode(json.dumps(values, ensure_ascii=False).encode()).decode().rstrip("=")


def _read(cursor: str, count: int) -> list[Any] | None:
    if not cursor or len(cursor) > 2000:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):  # neither base64 nor JSON, or brackets without end
        return None
    if not isinstance(values, list) or len(values) != count:
        return None
    return values if all(_is_readable(value) for value in values) else None


def _is_readable(value: Any) -> bool:
    """Return whether the database can compare with ``value``: no half characters, no moment outside of time."""
    if not isinstance(value, str):
        return value is None or type(value) is int
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    try:
        datetime.fromisoformat(value).astimezone(UTC)
    except OverflowError:
        return False
    except ValueError:
        return "\x00" not in value  # a text, not a moment
    return True
