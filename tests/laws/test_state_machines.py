"""Every illegal transition of every state machine is refused: by the service, and by the database without it."""

import pgtrigger
import pytest
from django.db import DatabaseError, connection, models, transaction

from park_portal.core.errors import Forbidden, IllegalTransition
from park_portal.core.workflow import SYSTEM, Machine, advance, machines
from tests.factories import make
from tests.personas import person

pytestmark = pytest.mark.django_db

MACHINES = [pytest.param(model, machine, id=machine.name) for model, machine in machines()]
STATES = [
    pytest.param(model, machine, state, id=f"{machine.name}-{state}")
    for model, machine in machines()
    for state in machine.states.values
]


def row_in(model: type[models.Model], machine: Machine, state: str) -> models.Model:
    """A row in this state, put there behind the triggers' back and in spite of what else the state asks for."""
    row = make(model._meta.label)
    assert getattr(row, machine.field) == machine.initial, "a factory makes rows in their first state"
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for constraint in model._meta.constraints:
            if isinstance(constraint, models.CheckConstraint):  # Until the test's transaction is rolled back.
                name = connection.ops.quote_name(constraint.name)
                cursor.execute(
                    f"ALTER TABLE {connection.ops.quote_name(model._meta.db_table)} DROP CONSTRAINT {name}"
                )
    with pgtrigger.ignore():
        model._base_manager.filter(pk=row.pk).update(**{machine.field: state})
    return model._base_manager.get(pk=row.pk)


def test_there_are_machines_to_test():
    assert MACHINES != []


@pytest.mark.parametrize(("model", "machine"), MACHINES)
def test_table_makes_sense(model, machine):
    states = set(machine.states.values)
    assert machine.initial in states
    assert {source for transition in machine.transitions for source in transition.sources} <= states
    assert {transition.target for transition in machine.transitions} <= states
    names = [transition.name for transition in machine.transitions]
    assert len(names) == len(set(names))
    reached, edges = {machine.initial}, machine.pairs()
    while more := {target for source, target in edges if source in reached} - reached:
        reached |= more
    assert reached == states, "states that nothing leads to"


@pytest.mark.parametrize(("model", "machine", "state"), STATES)
def test_database_refuses_what_is_not_in_the_table(model, machine, state):
    row = row_in(model, machine, state)
    allowed = {target for source, target in machine.pairs() if source == state}
    for target in set(machine.states.values) - allowed - {state}:
        # A row that may never change again refuses with its own words.
        refusal = "illegal transition|Cannot update"
        with pytest.raises(DatabaseError, match=refusal), transaction.atomic():
            model._base_manager.filter(pk=row.pk).update(**{machine.field: target})
        assert model._base_manager.values_list(machine.field, flat=True).get(pk=row.pk) == state


@pytest.mark.parametrize(("model", "machine", "state"), STATES)
def test_service_refuses_what_is_not_in_the_table(model, machine, state):
    row = row_in(model, machine, state)
    for transition in machine.transitions:
        if state in transition.sources:
            continue
        with pytest.raises(IllegalTransition):
            advance(row, transition.name, actor=SYSTEM)
        assert model._base_manager.values_list(machine.field, flat=True).get(pk=row.pk) == state


@pytest.mark.parametrize(("model", "machine", "state"), STATES)
def test_service_asks_the_rule_of_each_transition(model, machine, state):
    row = row_in(model, machine, state)
    stranger = person("stranger")
    for transition in machine.transitions:
        if state not in transition.sources:
            continue
        with pytest.raises(Forbidden):
            advance(row, transition.name, actor=stranger)
        assert model._base_manager.values_list(machine.field, flat=True).get(pk=row.pk) == state


@pytest.mark.parametrize(("model", "machine"), MACHINES)
def test_database_refuses_birth_in_a_later_state(model, machine):
    row = make(model._meta.label)
    for state in set(machine.states.values) - {machine.initial}:
        setattr(row, machine.field, state)
        row.pk = None
        with pytest.raises(DatabaseError, match="cannot begin"), transaction.atomic():
            model._base_manager.bulk_create([row])
