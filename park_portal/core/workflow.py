"""State machines: one table per machine, one function that moves a row, one trigger that refuses the rest.

``states.py`` of a room declares the table; ``advance`` is the only code that assigns a state; the database trigger made
from the same table refuses any other change. Buttons, API actions, diagrams and the exhaustive tests read the table.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pgtrigger
import rules
from django.apps import apps
from django.db import models, transaction

from park_portal.core.audit.services import SYSTEM, Actor, System, entry_of, record, record_all
from park_portal.core.errors import Forbidden, IllegalTransition, Problem, Text
from park_portal.core.prepared import Prepared

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

M = TypeVar("M", bound=models.Model)

_AT_ONCE: Final = 1000

__all__ = [
    "SYSTEM",
    "Actor",
    "Machine",
    "System",
    "Transition",
    "advance",
    "advance_all",
    "machines",
    "may",
    "require",
]


@dataclass(frozen=True)
class Transition:
    """One legal move: from any of ``sources`` to ``target``, allowed to whom ``rule`` (a permission string) allows."""

    name: str
    sources: tuple[str, ...]
    target: str
    label: Text
    rule: str


@dataclass(frozen=True)
class Machine:
    """The whole table of one model's states."""

    name: str
    label: Text
    states: type[models.TextChoices]
    initial: str
    transitions: tuple[Transition, ...]
    field: str = "state"
    # The tone of a state whose name means something else in other rooms (``core/tones.py``).
    tones: Mapping[str, str] = dataclasses.field(default_factory=dict, compare=False)

    def get(self, name: str) -> Transition:
        """Return the transition called ``name``; ``KeyError`` when the table has none."""
        for transition in self.transitions:
            if transition.name == name:
                return transition
        raise KeyError(f"{self.name} has no transition {name!r}")

    def pairs(self) -> set[tuple[str, str]]:
        """Return every legal (source, target) pair."""
        return {(source, t.target) for t in self.transitions for source in t.sources}

    def available(self, obj: models.Model, user: Any) -> list[Transition]:
        """Return the transitions that ``user`` may make from the state ``obj`` is in."""
        state = getattr(obj, self.field)
        return [t for t in self.transitions if state in t.sources and may(user, t.rule, obj)]

    def triggers(self) -> list[pgtrigger.Trigger]:
        """Return the database triggers that keep the table: no illegal change, no birth in a later state."""
        column = self.field
        legal = ", ".join(f"('{a}', '{b}')" for a, b in sorted(self.pairs()))
        return [
            pgtrigger.Trigger(
                name=f"{self.name}_{column}_legal",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(f'OLD."{column}" IS DISTINCT FROM NEW."{column}"'),
                func=(
                    f'IF (OLD."{column}", NEW."{column}") NOT IN ({legal}) THEN '
                    f"RAISE EXCEPTION 'illegal transition of {self.name}: % to %', "
                    f'OLD."{column}", NEW."{column}" USING ERRCODE = \'check_violation\'; END IF; RETURN NEW;'
                ),
            ),
            pgtrigger.Trigger(
                name=f"{self.name}_{column}_initial",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=(
                    f"IF NEW.\"{column}\" <> '{self.initial}' THEN "
                    f"RAISE EXCEPTION '{self.name} cannot begin as %', NEW.\"{column}\" "
                    "USING ERRCODE = 'check_violation'; END IF; RETURN NEW;"
                ),
            ),
        ]


def machines() -> Iterator[tuple[type[models.Model], Machine]]:
    """Yield every model that has a state machine, with it."""
    for model in apps.get_models():
        machine = model.__dict__.get("machine")
        if isinstance(machine, Machine):
            yield model, machine


def may(actor: Actor | AnonymousUser, rule: str, obj: models.Model | None = None) -> bool:
    """Return whether ``actor`` passes the permission string ``rule`` on ``obj``; the system always does."""
    if isinstance(actor, System):
        return True
    return bool(actor.is_active and actor.has_perm(rule, obj))


def is_of_person(rule: str) -> bool:
    """Return whether ``rule`` is known to ask who the person is and nothing of the row."""
    if not rules.perm_exists(rule):
        return False
    predicate = rules.permissions.permissions[rule]
    return predicate.num_args < 2 and not predicate.var_args  # of those put together nobody knows


def require(actor: Actor | AnonymousUser, rule: str, obj: models.Model | None = None) -> None:
    """Raise ``Forbidden`` unless ``actor`` passes ``rule`` on ``obj``."""
    if not may(actor, rule, obj):
        raise Forbidden(rule=rule)


@cache
def _locked(model: type[M]) -> Prepared[M]:
    """Return what finds a row of ``model`` by its key and locks it."""
    rows = model._base_manager.select_for_update(of=("self",)).order_by()
    return Prepared(lambda pk: rows.filter(pk=pk), pk=-1)


def advance(
    obj: M,
    name: str,
    *,
    actor: Actor,
    changes: Mapping[str, Any] | None = None,
    reason: str = "",
    **facts: Any,
) -> M:
    """Make transition ``name`` on ``obj`` and return it, refreshed.

    Locks the row, checks source state and rule on what is stored (not on what the caller holds), writes the state with
    ``changes`` (other columns that belong to the move) in one UPDATE, and writes the audit entry with ``reason`` and
    ``facts``. Raises ``IllegalTransition`` or ``Forbidden``; then nothing is written.
    """
    machine: Machine = type(obj).machine  # type: ignore[attr-defined] # every model with states has one
    transition_ = machine.get(name)
    with transaction.atomic():
        locked = _locked(type(obj)).get(pk=obj.pk)
        source = getattr(locked, machine.field)
        if source not in transition_.sources:
            raise IllegalTransition(state=source, transition=name)
        require(actor, transition_.rule, locked)
        values = {machine.field: transition_.target, **(changes or {})}
        before = {key: getattr(locked, _column(locked, key)) for key in values}
        for key, value in values.items():
            setattr(locked, key, value)
        locked.save(update_fields=[*values])
        after = {key: getattr(locked, _column(locked, key)) for key in values}
        record(
            f"{machine.name}.{name}", locked, actor=actor, before=before, after=after, reason=reason, **facts
        )
    for key in values:
        column = _column(locked, key)
        setattr(obj, column, getattr(locked, column))
    return obj


def advance_all(
    rows: Collection[M],
    name: str,
    *,
    actor: Actor,
    changes: Mapping[str, Any] | None = None,
    each: Mapping[Any, Mapping[str, Any]] | None = None,
    reason: str = "",
    **facts: Any,
) -> list[M]:
    """Make transition ``name`` on all ``rows`` of one model, or on none; return them, refreshed, by key.

    As ``advance`` for each, in a few statements for ten thousand rows: they are locked in the order of their keys, looked
    at, written with ``changes`` (the same columns for all) and ``each`` (by key, what is every row's own), and each leaves
    its audit entry. Raises ``IllegalTransition`` or ``Forbidden``
    with a problem for each row that cannot be moved; then nothing is written.
    """
    if not rows:
        return []
    model = type(next(iter(rows)))
    machine: Machine = model.machine  # type: ignore[attr-defined] # every model with states has one
    transition_ = machine.get(name)
    values = {machine.field: transition_.target, **(changes or {})}
    with transaction.atomic():
        locked = list(
            model._base_manager.select_for_update(of=("self",))
            .filter(pk__in=[row.pk for row in rows])
            .order_by("pk")
        )
        astray = [row for row in locked if getattr(row, machine.field) not in transition_.sources]
        if astray or len(locked) < len({row.pk for row in rows}):
            raise IllegalTransition(
                transition=name, problems=[Problem(str(row), anchor=str(row.pk)) for row in astray]
            )
        # A rule that asks nothing of the row is asked once.
        asked = locked[:1] if is_of_person(transition_.rule) else locked
        for row in asked:
            require(actor, transition_.rule, row)
        entries = []
        for row in locked:
            own = {**values, **(each[row.pk] if each else {})}
            before = {key: getattr(row, _column(row, key)) for key in own}
            for key, value in own.items():
                setattr(row, key, value)
            after = {key: getattr(row, _column(row, key)) for key in own}
            entries.append(
                entry_of(
                    f"{machine.name}.{name}",
                    row,
                    actor=actor,
                    before=before,
                    after=after,
                    reason=reason,
                    **facts,
                )
            )
        if each:
            columns = {*values, *(key for own in each.values() for key in own)}
            model._base_manager.bulk_update(locked, sorted(columns), batch_size=_AT_ONCE)
        else:
            model._base_manager.filter(pk__in=[row.pk for row in locked]).update(**values)
        record_all(entries)
    return locked


def _column(obj: models.Model, key: str) -> str:
    """Return the attribute that holds the stored value of a field: ``stage_id`` for ``stage``."""
    return str(getattr(obj._meta.get_field(key), "attname", key))
