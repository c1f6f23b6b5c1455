"""An attempt to break every rule that the database keeps: constraints, unique columns, triggers.

    attempts()["document_not_empty"]()      raises, and the error names the rule (`refused_by`)
    drop("document_not_empty")              now the attempt passes

Each attempt breaks one rule and no other, straight at the database: services and forms would refuse earlier. Rules are
known by the name that their model gives them; a unique column and a whole number without sign by the name that PostgreSQL
gives theirs. Whatever can be said of many models alike is in `generated`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pgtrigger
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction

from tests.laws.violations.rows import row, update

Breach = Callable[[], object]
# Makes rows that are in order and returns each way to break the rule, by what it does: "update: closes earlier".
Prepare = Callable[[], dict[str, Breach]]

APPS = ("core", "incubator", "funding")


@dataclass(frozen=True)
class Attempt:
    """One rule with the ways to break it, and the rules that would still keep it if it were gone."""

    name: str
    prepare: Prepare
    behind: tuple[str, ...] = ()

    def breaches(self) -> dict[str, Breach]:
        """Make the rows and return the ways; what the database would look at on commit it looks at from now on."""
        found = self.prepare()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        return found

    def __call__(self) -> None:
        """Do what is forbidden, inside a transaction; the rows that were made first stay in it."""
        for breach in self.breaches().values():
            undone(breach)


def undone(breach: Breach) -> None:
    """Do what is forbidden and take it back; raises what the database says."""
    with transaction.atomic():
        breach()
        transaction.set_rollback(True)


_attempts: dict[str, Attempt] = {}


def breaks(name: str, *, behind: tuple[str, ...] = ()) -> Callable[[Prepare], Prepare]:
    """Register how the rule of this name is broken; ``behind`` names what refuses the same without it."""

    def register(prepare: Prepare) -> Prepare:
        if name in _attempts:
            raise ValueError(f"{name} is broken twice")
        _attempts[name] = Attempt(name, prepare, behind)
        return prepare

    return register


_effects: dict[str, Callable[[], bool]] = {}


def does(name: str) -> Callable[[Callable[[], bool]], Callable[[], bool]]:
    """Register what tells whether a trigger that refuses nothing does its work: true with it, false without."""

    def register(works: Callable[[], bool]) -> Callable[[], bool]:
        _effects[name] = works
        return works

    return register


def effects() -> dict[str, Callable[[], bool]]:
    """Return what tells of each trigger that refuses nothing whether it is there."""
    attempts()
    return dict(_effects)


@functools.cache
def attempts() -> dict[str, Attempt]:
    """Return every attempt by the name of the rule it breaks."""
    for room in APPS:
        import_module(f"{__name__}.{room}")
    from tests.laws.violations import generated  # stands on the functions above

    return {**generated.attempts(), **_attempts}


def changed(label: str, made: dict[str, Any] | None = None, **forbidden: Any) -> Prepare:
    """Return the attempt that gives a row of this model values it must not have; of a function, what it says of the row."""

    def prepare() -> dict[str, Breach]:
        obj = row(label, **(made or {}))
        values = {key: value(obj) if callable(value) else value for key, value in forbidden.items()}
        return {"update": lambda: update(obj, **values)}

    return prepare


def repeated(label: str, *fields: str, **both: Any) -> Prepare:
    """Return the attempt that makes a second row with the same values in these fields; both rows have the others."""

    def prepare() -> dict[str, Breach]:
        first = row(label, **both)
        same = {field: getattr(first, field) for field in fields}
        return {"insert": lambda: row(label, **{**both, **same})}

    return prepare


def park_models() -> Iterator[type[models.Model]]:
    """Yield the models of the three storeys, with the tables that Django makes between two of them."""
    for room in APPS:
        yield from apps.get_app_config(room).get_models(include_auto_created=True)


def triggers() -> dict[str, tuple[type[models.Model], pgtrigger.Trigger]]:
    """Return every trigger with its model, by name."""
    return {
        trigger.name: (model, trigger)
        for model in park_models()
        for trigger in getattr(model._meta, "triggers", [])
    }


@functools.cache
def _trigger_names() -> dict[str, str]:
    return {trigger.get_pgid(model): name for name, (model, trigger) in triggers().items()}


@functools.cache
def _check_names() -> set[str]:
    return {rule.name for model in park_models() for rule in model._meta.constraints}


_FUNCTION = re.compile(r"\b(pgtrigger_\w+)\(\)")


def refused_by(error: DatabaseError) -> str:
    """Return the name of the rule that the database refused by; what it said, when that was none of them."""
    refusal = error.__cause__.diag
    # A check may be looked at by what a trigger does: it is the check that refuses then.
    if refusal.constraint_name in _check_names():
        return refusal.constraint_name
    if function := _FUNCTION.search(refusal.context or ""):
        return _trigger_names().get(function[1], function[1])
    return refusal.constraint_name or str(error)


_KEPT = r"""
    SELECT conname, format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname)
        FROM pg_constraint WHERE contype IN ('c', 'u', 'x') AND conrelid = ANY(%(tables)s::regclass[])
    UNION ALL
    SELECT relname, format('DROP INDEX %%s', indexrelid::regclass)
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE indisunique AND indrelid = ANY(%(tables)s::regclass[])
            AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)
    UNION ALL
    SELECT tgname, format('DROP TRIGGER %%I ON %%s', tgname, tgrelid::regclass)
        FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = ANY(%(tables)s::regclass[]) AND tgname NOT LIKE 'apart\_%%'
"""


def in_database() -> dict[str, str]:
    """Return the rules that the database keeps for the park's tables, each with the statement that drops it.

    Primary keys, foreign keys and NOT NULL are left out, and triggers that refuse nothing: those that suspend reviews
    (`apart_…`) are tried in tests/funding/reviews/test_apart.py.
    """
    tables = sorted({f'"{model._meta.db_table}"' for model in park_models()})
    with connection.cursor() as cursor:
        cursor.execute(_KEPT, {"tables": tables})
        return {_trigger_names().get(name, name): statement for name, statement in cursor.fetchall()}


def drop(name: str) -> None:
    """Take the rule of this name out of the database; ``KeyError`` when the database has none."""
    statement = in_database()[name]
    with connection.cursor() as cursor:
        cursor.execute(statement)
