"""What is broken alike in every model: states, rows that are only ever added or never deleted, columns that are written
once, parents that do not belong together, choices, unique columns, numbers without sign."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pgtrigger
from django.db import connection, models
from django.utils import timezone

from park_portal.core.workflow import Machine, machines
from tests.factories import number, value_for
from tests.laws.violations import Attempt, Breach, park_models, repeated, triggers
from tests.laws.violations.rows import approval, delete, release, row, update

NOWHERE = "nowhere"


def attempts() -> dict[str, Attempt]:
    """Return the attempts by name. Those written by hand stand before them."""
    found = [*_states(), *_append_only(), *_kept(), *_read_only(), *_choices(), *_columns()]
    return {attempt.name: attempt for attempt in found}


def _states() -> list[Attempt]:
    found = []
    for model, machine in machines():
        legal, initial = (f"{machine.name}_{machine.field}_{kind}" for kind in ("legal", "initial"))
        found += [
            Attempt(legal, _moved(model, machine), BEHIND.get(legal, ())),
            Attempt(initial, _born_late(model, machine), BEHIND.get(initial, ())),
        ]
    return found


# A decision that is released never changes, and one that is not can only be released or be in no state at all.
# A request about data in no state at all has neither a time of answer nor none.
# A payment stands on its people and on the ledger, a batch on who released it.
BEHIND = {
    "disbursement_state_legal": (
        *("disbursement_has_its_people", "disbursement_stands_on_the_ledger"),
        "disbursement_paid_as_the_bank_says",
    ),
    "payment_batch_state_legal": ("payment_batch_released_by_somebody",),
    "payment_batch_state_initial": ("payment_batch_released_by_somebody",),
    "decision_state_legal": ("decision_released_has_time",),
    # However a deal is moved, the move has to be told.
    "deal_state_legal": ("deal_moves_with_a_reason",),
    "privacy_request_state_legal": ("data_request_answered_has_time",),
}

# What other rules ask of a row in a later state, by model.
BESIDE: dict[str, Callable[[str], dict[str, Any]]] = {
    "core.Job": lambda state: {"heartbeat_at": timezone.now()},
    "core.DataRequest": lambda state: {"answered_at": timezone.now()} if state in ("done", "refused") else {},
    "incubator.Organisation": lambda state: (
        {"merged_into": row("incubator.Organisation"), "uscc": None} if state == "merged" else {}
    ),
    "funding.Application": lambda state: {"number": f"X-{number()}", "submitted_at": timezone.now()},
    "funding.Decision": lambda state: {"released_at": timezone.now()} if state == "released" else {},
    "funding.NoticeLine": lambda state: {"ended_at": timezone.now() + timedelta(days=9)},
    "funding.AssignmentPlan": lambda state: {"confirmed_at": timezone.now()} if state == "confirmed" else {},
    "funding.Review": lambda state: {"opinion": "fund", "submitted_at": timezone.now()},
    "funding.AgendaItem": lambda state: (
        {"opinion": "fund", "summary": "x", "closed_at": timezone.now()} if state == "closed" else {}
    ),
    "funding.Agreement": lambda state: {"document": row("core.Document")} if state != "draft" else {},
    "funding.Amendment": lambda state: {"decided_by": row("core.User"), "decided_at": timezone.now()},
    "funding.Milestone": lambda state: {
        "technical_evidence": "x",
        "market_evidence": "x",
        "submitted_at": timezone.now(),
        "checked_at": timezone.now(),
    },
    "funding.Report": lambda state: {
        **dict.fromkeys(("progress", "technical_evidence", "market_evidence"), "x"),
        "trl_now": 4,
        "submitted_at": timezone.now(),
        "decided_at": timezone.now(),
    },
    "funding.Round": lambda state: {"closed_on": timezone.localdate()} if state == "closed" else {},
    "funding.DiligenceItem": lambda state: {"settled_at": timezone.now(), "note": "x"},
    "funding.Meeting": lambda state: signature() if state == "signed" else {},
}


def signature() -> dict[str, Any]:
    """What stands in a meeting whose minutes are signed."""
    minutes, person = row("core.Document"), row("core.User")
    return {"signed_by": person, "signed_at": timezone.now(), "signed_sha256": "0" * 64, "minutes": minutes}


# … and of the rows around it, by model.
AROUND: dict[str, Callable[[Any], object]] = {
    "funding.Application": lambda obj: _decided(obj),
    "funding.Agreement": lambda obj: planned(obj),
}


def planned(agreement: Any) -> Any:
    """Give an agreement one tranche and one budget category over all of it, and return it."""
    row("funding.Tranche", award=agreement.award, amount_fen=agreement.amount_fen)
    row("funding.BudgetCategory", award=agreement.award, amount_fen=agreement.amount_fen)
    return agreement


def _decided(application: Any) -> None:
    release(approval(application))
    for verdict in ("reserve", "decline"):
        release(row("funding.Decision", application=application, verdict=verdict))


def _in_state(model: type[models.Model], machine: Machine, state: str) -> dict[str, Any]:
    return {machine.field: state, **BESIDE.get(model._meta.label, lambda state: {})(state)}


def _moved(model: type[models.Model], machine: Machine) -> Callable[[], dict[str, Breach]]:
    """From the first state to wherever the table has no way; tests of the machines try every other pair."""
    refused = set(machine.states.values) - {machine.initial}
    refused -= {target for source, target in machine.pairs() if source == machine.initial}

    def prepare() -> dict[str, Breach]:
        obj = row(model._meta.label)
        AROUND.get(model._meta.label, lambda obj: None)(obj)

        def move(state: str) -> Breach:
            values = _in_state(model, machine, state)
            return lambda: update(obj, **values)

        return {f"update: to {state}": move(state) for state in [NOWHERE, *sorted(refused)]}

    return prepare


def _born_late(model: type[models.Model], machine: Machine) -> Callable[[], dict[str, Breach]]:
    def prepare() -> dict[str, Breach]:
        state = next(state for state in machine.states.values if state != machine.initial)
        values = _in_state(model, machine, state)
        return {f"insert: as {state}": lambda: row(model._meta.label, **values)}

    return prepare


def _append_only() -> list[Attempt]:
    found = []
    for name, (model, _trigger) in triggers().items():
        if name.endswith("_append_only"):
            found.append(Attempt(name, _written_over(model)))
        elif name.endswith("_no_truncate"):
            # Emptying a table empties those that hang on it, whose own guards may answer first.
            behind = tuple(
                other
                for other, (there, _trigger) in triggers().items()
                if other.endswith("_no_truncate") and there in _hanging_on(model)
            )
            found.append(Attempt(name, lambda model=model: {"truncate": lambda: _truncate(model)}, behind))
    return found


def _hanging_on(model: type[models.Model]) -> set[type[models.Model]]:
    """Return the models whose rows point at the model's, directly or through others."""
    found: set[type[models.Model]] = set()
    waiting = [model]
    while waiting:
        for relation in waiting.pop()._meta.get_fields(include_hidden=True):
            there = relation.related_model if relation.auto_created and not relation.concrete else None
            if there is not None and there not in found and there is not model:
                found.add(there)
                waiting.append(there)
    return found


# A column of words, of the models whose rows are only ever added.
WORDS = {
    "core.Entry": "object_label",
    "core.Seal": "digest",
    "core.Transfer": "memo",
    "core.TransferSeal": "digest",
    "funding.Version": "digest",
    "funding.Extension": "reason",
    "funding.Ballot": "comment",
    "funding.PanelComment": "text",
    "funding.Recusal": "reason",
    "funding.Calculation": "method",
    "funding.Signature": "name",
    "funding.BudgetShift": "reason",
    "funding.DealMove": "reason",
    "funding.Handover": "note",
    "funding.StatementLine": "text",
}
# … and of those without one, a column of another kind with its new value.
OTHERS: dict[str, dict[str, Any]] = {
    "core.ClosedMonth": {"closed_at": datetime(2025, 1, 1, tzinfo=UTC)},
    "funding.Attendance": {"noted_by": None},
    "funding.Conversion": {"shares": 999_999},
    "funding.PanelPledge": {"at": datetime(2020, 1, 1, tzinfo=UTC)},
    "funding.Turnout": {"round": 9},
}


def _written_over(model: type[models.Model]) -> Callable[[], dict[str, Breach]]:
    def prepare() -> dict[str, Breach]:
        obj = row(model._meta.label)
        label = model._meta.label
        values = OTHERS.get(label) or {WORDS[label]: "x"}
        return {"update": lambda: update(obj, **values), "delete": lambda: delete(obj)}

    return prepare


def _truncate(model: type[models.Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL park.allow_truncate = 'off'")  # On in databases of tests alone.
        cursor.execute(f'TRUNCATE "{model._meta.db_table}" CASCADE')


def _kept() -> list[Attempt]:
    return [
        Attempt(name, lambda model=model: _deleted(row(model._meta.label)))
        for name, (model, trigger) in triggers().items()
        if name.endswith("_is_kept") and not trigger.condition
    ]


def _deleted(obj: models.Model) -> dict[str, Breach]:
    return {"delete": lambda: delete(obj)}


def _read_only() -> list[Attempt]:
    return [
        Attempt(name, _rewritten(model, trigger.fields))
        for name, (model, trigger) in triggers().items()
        if isinstance(trigger, pgtrigger.ReadOnly) and trigger.fields
    ]


def _rewritten(model: type[models.Model], fields: list[str]) -> Callable[[], dict[str, Breach]]:
    def prepare() -> dict[str, Breach]:
        obj = row(model._meta.label)
        values = {name: _other(obj, model._meta.get_field(name)) for name in fields}
        return {
            f"update: {name}": lambda name=name, value=value: update(obj, **{name: value})
            for name, value in values.items()
        }

    return prepare


def _other(obj: models.Model, field: models.Field) -> Any:
    """A value that the row has not, nor, where it is not one of few, any other row."""
    if field.is_relation:
        return row(field.related_model._meta.label)
    if field.choices:
        return next(key for key, _label in field.flatchoices if key != getattr(obj, field.name))
    if isinstance(field, models.BooleanField):
        return not getattr(obj, field.name)
    return {"x": number()} if isinstance(field, models.JSONField) else value_for(field)


def _choices() -> list[Attempt]:
    """Checks that a column is one of its choices; those of arrays are written by hand."""
    found = []
    for model in park_models():
        for rule in model._meta.constraints:
            if rule.name.endswith("_known") and isinstance(rule, models.CheckConstraint):
                (field,) = {path.partition("__")[0] for path, _values in rule.condition.children}
                only_added = any(trigger.name.endswith("_append_only") for trigger in _triggers_of(model))
                found.append(Attempt(rule.name, _not_a_choice(model._meta.label, field, only_added)))
    return found


def _triggers_of(model: type[models.Model]) -> Iterable[Any]:
    return getattr(model._meta, "triggers", ())


def _not_a_choice(label: str, field: str, only_added: bool) -> Callable[[], dict[str, Breach]]:
    def prepare() -> dict[str, Breach]:
        if only_added:
            return {"insert": lambda: row(label, **{field: "x"})}
        obj = row(label)
        return {"update": lambda: update(obj, **{field: "x"})}

    return prepare


def _columns() -> list[Attempt]:
    found = []
    for model in park_models():
        if model._meta.proxy or model._meta.auto_created:
            continue
        label, table = model._meta.label, model._meta.db_table
        for field in model._meta.local_concrete_fields:
            if field.unique and not field.primary_key:
                found.append(Attempt(f"{table}_{field.column}_key", repeated(label, field.name)))
            if field.db_parameters(connection)["check"]:
                found.append(Attempt(f"{table}_{field.column}_check", below_zero(label, field.name)))
    return found


def below_zero(label: str, field: str) -> Callable[[], dict[str, Breach]]:
    return lambda: {"insert": lambda: row(label, **{field: -1})}
