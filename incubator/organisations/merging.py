"""What is moved when two records of one organisation become one; rooms above add what needs more than a new owner."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import pgtrigger
from django.db import models

from park_portal.core.relations import pointing_to

if TYPE_CHECKING:
    from incubator.organisations.models import Organisation

# Called with (the record that goes, the record that stays); returns how many rows it moved.
Mover = Callable[["Organisation", "Organisation"], int]

MOVERS: Final[dict[tuple[str, str], Mover]] = {}


def merges(model: str, field: str) -> Callable[[Mover], Mover]:
    """Registers how the rows of `model` ("app.Model") that point to an organisation by `field` move in a merge.

    Needed only where giving the row its new organisation is not enough: whatever is not registered is simply moved.
    """

    def register(mover: Mover) -> Mover:
        MOVERS[model.lower(), field] = mover
        return mover

    return register


def moves_only_by_merge(name: str, field: str = "organisation") -> pgtrigger.Trigger:
    """Returns the trigger by which a row leaves its organisation only for the one that it was merged into."""
    column = f"{field}_id"
    return pgtrigger.Trigger(
        name=f"{name}_moves_only_by_merge",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition(f'OLD."{column}" IS DISTINCT FROM NEW."{column}"'),
        func=(
            "IF NOT EXISTS (SELECT 1 FROM incubator_organisation o "
            f'WHERE o.id = OLD."{column}" AND o.merged_into_id = NEW."{column}") THEN '
            f"RAISE EXCEPTION '% % stays with its organisation', TG_TABLE_NAME, OLD.id "
            f"USING ERRCODE = 'check_violation', CONSTRAINT = '{name}_moves_only_by_merge'; END IF; RETURN NEW;"
        ),
    )


def move_rows(loser: Organisation, survivor: Organisation) -> dict[str, int]:
    """Moves every row that points to `loser` and returns how many of each model were moved."""
    moved: dict[str, int] = {}
    for model, key in pointing_to(type(loser)):
        mover = MOVERS.get((model._meta.label_lower, key.name))
        count = mover(loser, survivor) if mover else _repoint(model, key.name, loser, survivor)
        if count:
            label = model._meta.label_lower
            moved[label] = moved.get(label, 0) + count
    return moved


def _repoint(model: type[models.Model], field: str, loser: Organisation, survivor: Organisation) -> int:
    return model._base_manager.filter(**{field: loser}).update(**{field: survivor})
