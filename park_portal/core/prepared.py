"""Queries that every request asks, put together once a process.

Django puts the SQL of a query together each time anew, which for one row found by its key takes three times as long as
asking PostgreSQL. That is nothing to most pages; but nobody's page begins before it is known whose it is, and
a row that brings its call and its applicant with it has two hundred columns to be named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connection, models
from django.db.models.query import ModelIterable

M = TypeVar("M", bound=models.Model)


class Part(NamedTuple):
    """One model of a row: its class, its columns by name, their places in the row, and how an object is given it."""

    model: type[models.Model]
    names: list[str]
    places: list[int]
    key: int  # the place of the primary key
    give: Callable[[Any, Any], None] | None
    parts: list[Part]

    def build(self, row: Any) -> models.Model | None:
        """Return the object that a row of the answer tells of, with those selected beside it; None where there is none."""
        if row[self.key] is None:
            return None
        built = self.model.from_db(connection.alias, self.names, [row[place] for place in self.places])
        for part in self.parts:
            assert part.give is not None
            part.give(built, part.build(row))
        return built


class Made(NamedTuple):
    sql: str
    params: tuple[Any, ...]
    names: list[str | None]  # of the value at each place of the parameters; None where it is fixed
    converters: dict[int, Any]
    part: Part | None
    notes: dict[str, int]


class Prepared(Generic[M]):
    """A query of ``rows`` that is put together when first asked.

    ``rows`` takes the values by name and returns a query set. While the query is put together each value is a stand-in,
    given here: of the value's type, and equal to nothing else in the query. What comes out may depend on nothing but the
    values: not on the person's language, nor on the hour.
    """

    def __init__(self, rows: Callable[..., models.QuerySet[M, Any]], **stands: Any) -> None:
        self._rows = rows
        self._stands = stands
        self._made: Made | None = None

    def first(self, **values: Any) -> M | None:
        """Return the first row as an object, annotations included; None where there is none."""
        row = self.row(**values)
        if row is None:
            return None
        made = self._query()
        assert made.part is not None
        found: Any = made.part.build(row)
        for name, place in made.notes.items():
            setattr(found, name, row[place])
        return found

    def get(self, **values: Any) -> M:
        """Return the first row as an object; raise the model's ``DoesNotExist`` where there is none."""
        found = self.first(**values)
        if found is None:
            model: Any = self._rows(**values).model
            raise model.DoesNotExist(f"no {model._meta.object_name} of {values}")
        return found

    def row(self, **values: Any) -> Any:
        """Return the first row as its values; None where there is none."""
        made = self._query()
        given = [
            param if name is None else values[name]
            for param, name in zip(made.params, made.names, strict=True)
        ]
        with connection.cursor() as cursor:
            cursor.execute(made.sql, given)
            row = cursor.fetchone()
        if row is None or not made.converters:
            return row
        row = list(row)
        for place, (converters, expression) in made.converters.items():
            for convert in converters:
                row[place] = convert(row[place], expression, connection)
        return row

    def _query(self) -> Made:
        if self._made is None:
            self._made = self._put_together()
        return self._made

    def _put_together(self) -> Made:
        query = self._rows(**self._stands).query
        compiler = query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        names = [self._name_of(param) for param in params]
        if missing := set(self._stands) - set(names):
            raise ValueError(f"{sorted(missing)} cannot be found in {sql}")
        info = compiler.klass_info
        part = _part(compiler, info) if info else None
        converters = compiler.get_converters([column[0] for column in compiler.select])
        return Made(sql, tuple(params), names, converters, part, dict(compiler.annotation_col_map or {}))

    def _name_of(self, param: Any) -> str | None:
        return next(
            (name for name, stand in self._stands.items() if type(param) is type(stand) and param == stand),
            None,
        )


def the_one(rows: models.QuerySet[M, Any], **lookup: Any) -> M:
    """Return the one row of ``rows`` that fits, with what ``rows`` brings beside it; raise as ``QuerySet.get`` does.

    Who may see a row is asked with its key alone; the row itself, which is the same query whoever asks, is prepared.
    """
    asked: Any = rows.all()  # what is handed in may be a manager
    query = asked.query
    if (
        not isinstance(query.select_related, dict)
        or query.annotations
        or query.extra
        or query.deferred_loading != (frozenset(), True)
        or query.select_for_update
        or asked._known_related_objects
        or asked._iterable_class is not ModelIterable
    ):
        return asked.get(**lookup)
    key = asked.order_by().values_list("pk", flat=True).get(**lookup)
    found: M = _whole(rows.model, tuple(_paths(query.select_related))).get(pk=key)
    models.prefetch_related_objects([found], *asked._prefetch_related_lookups)
    return found


@cache
def _whole(model: type[M], beside: tuple[str, ...]) -> Prepared[M]:
    key: Any = model._meta.pk
    stand = key.to_python(
        "00000000-0000-4000-8000-000000000000" if key.get_internal_type() == "UUIDField" else -1
    )
    return Prepared(lambda pk: model._base_manager.select_related(*beside).filter(pk=pk).order_by(), pk=stand)


def _paths(beside: dict[str, Any]) -> Iterator[str]:
    for name, more in sorted(beside.items()):
        yield from (f"{name}__{path}" for path in _paths(more)) if more else (name,)


def _part(compiler: Any, info: dict[str, Any]) -> Part:
    places = info["select_fields"]
    names = [compiler.select[place][0].target.attname for place in places]
    key = places[names.index(info["model"]._meta.pk.attname)]
    return Part(info["model"], names, places, key, info.get("local_setter"), list(_beside(compiler, info)))


def _beside(compiler: Any, info: dict[str, Any]) -> Iterator[Part]:
    for one in info.get("related_klass_infos", ()):
        yield _part(compiler, one)
