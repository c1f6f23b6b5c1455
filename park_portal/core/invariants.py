"""What several rooms have the database refuse: triggers and checks to be named in a model's ``Meta``.

    triggers = [
        Agrees(name="review_of_its_run", same={"run.application": "application"}),   parents of one row belong together
        pgtrigger.ReadOnly(name="review_identity_fixed", fields=["run", "application"]),   … and stay what they are
        kept("review"),                                                              never deleted
    ]
    constraints = [one_of("decision_verdict_known", "verdict", Verdict)]

Rows that are only ever added: ``core.audit.models.append_only``; states: ``Machine.triggers``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pgtrigger
from django.db import models

__all__ = ["Agrees", "kept", "one_of"]


class Agrees(pgtrigger.Trigger):
    """Refuses a row whose parents do not belong together.

    ``same`` maps one path to another: ``{"stage.call": "application.call"}``, each a column of the row or what is found
    from it along foreign keys. Where the first is empty there is nothing to compare. Looked at when the row is made; with
    ``watch`` (columns of the row) also when one of them changes; ``deferred``, at the end of the transaction instead, for
    rows that are moved together. Columns in ``same`` that are not watched should be read-only.
    """

    def __init__(
        self, *, name: str, same: Mapping[str, str], watch: tuple[str, ...] = (), deferred: bool = False
    ) -> None:
        self.same = dict(same)
        self.deferred = deferred
        super().__init__(
            name=name,
            when=pgtrigger.After if deferred else pgtrigger.Before,
            timing=pgtrigger.Deferred if deferred else None,
            operation=pgtrigger.Insert | pgtrigger.UpdateOf(*watch) if watch else pgtrigger.Insert,
        )

    def get_declare(self, model: models.Model) -> list[tuple[str, str]]:
        row = [("held", f'"{model._meta.db_table}"%ROWTYPE')] if self.deferred else []
        return [*row, ("one", "bigint"), ("other", "bigint")]

    def get_func(self, model: models.Model) -> str:
        row = "held" if self.deferred else "NEW"
        key = model._meta.pk.column
        # By the end of the transaction the row may be another than the one this is about, or none.
        lines = (
            [
                f'SELECT * INTO held FROM "{model._meta.db_table}" WHERE "{key}" = NEW."{key}";',
                "IF NOT FOUND THEN RETURN NULL; END IF;",
            ]
            if self.deferred
            else []
        )
        for one, other in self.same.items():
            lines += [
                f"one := {_value(model, one, row)};",
                f"IF one IS NOT NULL THEN other := {_value(model, other, row)};",
                "IF one IS DISTINCT FROM other THEN RAISE EXCEPTION",
                f"'%: {one} is not {other} (% and %)', TG_TABLE_NAME, one, other",
                f"USING ERRCODE = 'check_violation', CONSTRAINT = '{self.name}'; END IF; END IF;",
            ]
        return " ".join([*lines, "RETURN NULL;" if self.deferred else "RETURN NEW;"])


def _value(model: models.Model, path: str, row: str) -> str:
    """Return the SQL of the value at the end of ``path``, which begins at a column of ``row``."""
    first, *rest = path.split(".")
    field: Any = model._meta.get_field(first)
    sql = f'{row}."{field.column}"'
    for name in rest:
        there = field.related_model._meta
        field = there.get_field(name)
        sql = f'(SELECT "{field.column}" FROM "{there.db_table}" WHERE "{there.pk.column}" = {sql})'
    return sql


def kept(name: str) -> pgtrigger.Trigger:
    """Return the trigger that refuses to delete a row."""
    return pgtrigger.Protect(name=f"{name}_is_kept", operation=pgtrigger.Delete)


def one_of(
    name: str, field: str, choices: type[models.Choices], *, empty: bool = False
) -> models.CheckConstraint:
    """Return the check that a column holds one of the choices, or with ``empty`` an empty text."""
    values = [*choices.values, *([""] if empty and "" not in choices.values else [])]
    return models.CheckConstraint(name=name, condition=models.Q(**{f"{field}__in": values}))
