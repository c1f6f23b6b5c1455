"""How a row is shown, put together once: each column is a function from the row to what stands in the answer.

A serializer takes longer to be made than a page of rows takes to be read: it looks at every column of its model. So a
thread makes one of each kind and keeps it, and what a column needs is decided then, not anew for every row.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from operator import attrgetter
from typing import Any, Final

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from rest_framework import serializers
from rest_framework.fields import SkipField
from rest_framework.relations import PKOnlyObject

# A column that is not in the answer for this row.
LEFT_OUT: Final = object()

_own = threading.local()


def serializer_of(kind: type[serializers.BaseSerializer[Any]]) -> Any:
    """Return this thread's serializer of ``kind``, for showing alone: what is sent is read by one of its own."""
    made: dict[Any, Any] = _own.__dict__.setdefault("serializers", {})
    if kind not in made:
        made[kind] = kind()
    return made[kind]


def shown(
    kind: type[serializers.BaseSerializer[Any]],
    row: Any,
    context: Mapping[str, Any],
    only: frozenset[str] | None = None,
) -> dict[str, Any]:
    """Return ``row`` as a serializer of ``kind`` shows it in ``context``, of its fields those in ``only``."""
    serializer = serializer_of(kind)
    before = serializer.__dict__.get("_context", {}), getattr(serializer, "only", None)
    serializer._context, serializer.only = context, only
    try:
        found: dict[str, Any] = serializer.to_representation(row)
    finally:
        serializer._context, serializer.only = before
    # One that is of no model knows nothing of ``only``.
    return found if only is None else {name: value for name, value in found.items() if name in only}


def reader_of(field: Any, model: type[models.Model]) -> Callable[[Any], Any]:
    """Return the function from a row of ``model`` to what ``field`` shows of it, or ``LEFT_OUT``.

    What is a column or property of the row, or a column of one that it points to, is read from there; everything else
    as the field itself does it. A moment is returned as it is, to be written in the caller's time zone.
    """
    kind, show = type(field), field.to_representation
    if kind is serializers.PrimaryKeyRelatedField and field.pk_field is None:
        column = _column(model, field.source)
        return attrgetter(column.attname) if column and column.is_relation else _by_itself(field)
    if kind is serializers.SlugRelatedField and "__" not in field.slug_field:
        column = _column(model, field.source)
        return _if_any(attrgetter(field.source), show) if column and column.is_relation else _by_itself(field)
    if kind.get_attribute is not serializers.Field.get_attribute:
        return _by_itself(field)
    if kind is serializers.DateTimeField and not hasattr(field, "format") and not hasattr(field, "timezone"):
        show = None
    other, _dot, source = field.source.rpartition(".")
    if not other:
        column = _column(model, source)
        own = isinstance(getattr(model, source, None), property) or (column and not column.is_relation)
        return _if_any(attrgetter(source), show) if own else _by_itself(field)
    link = _column(model, other)
    if link is None or not link.is_relation or field.default is not None:
        return _by_itself(field)
    column = _column(link.related_model, source)
    if column is None or column.is_relation:
        return _by_itself(field)
    return _if_any(attrgetter(other), _if_any(attrgetter(source), show))


def _column(model: Any, name: str) -> models.Field[Any, Any] | None:
    """Return the model's own column of that name: no property, nothing that points to it, no table between."""
    try:
        found = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return found if isinstance(found, models.Field) and found.column is not None else None


def _if_any(get: Callable[[Any], Any], show: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    """Return the function that shows what ``get`` finds, and None where it finds nothing."""
    if show is None:
        return get
    return lambda row: None if (value := get(row)) is None else show(value)


def moment(value: datetime, zone: tzinfo) -> str:
    """Return a moment as answers write it."""
    written = value.astimezone(zone).isoformat()
    return f"{written[:-6]}Z" if written.endswith("+00:00") else written


def _by_itself(field: Any) -> Callable[[Any], Any]:
    """As the field does it by itself: see ``Serializer.to_representation``."""

    def read(row: Any) -> Any:
        try:
            value = field.get_attribute(row)
        except SkipField:
            return LEFT_OUT
        if (value.pk if isinstance(value, PKOnlyObject) else value) is None:
            return None
        return field.to_representation(value)

    return read
