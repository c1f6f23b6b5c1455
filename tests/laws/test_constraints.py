"""Every rule that the database keeps refuses what breaks it, by its own name, and nothing else would."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError, IntegrityError

from tests.laws.violations import (
    attempts,
    drop,
    effects,
    in_database,
    park_models,
    refused_by,
    triggers,
    undone,
)

pytestmark = pytest.mark.django_db


def refusal(breach: Callable[[], object]) -> str | None:
    """The name of the rule that refuses, None when nothing does; either way the database is as before."""
    try:
        undone(breach)
    except DatabaseError as error:
        return refused_by(error)
    return None


def test_every_rule_of_the_database_has_its_attempt_and_no_other_has():
    assert sorted([*attempts(), *effects()]) == sorted(in_database())


def test_every_rule_of_the_models_is_in_the_database():
    declared = [
        rule.name
        for model in park_models()
        if not model._meta.proxy
        for rule in (*model._meta.constraints, *getattr(model._meta, "triggers", []))
    ]
    assert len(declared) == len(set(declared)), "an attempt knows its rule by name alone"
    assert {*declared, *triggers()} - set(in_database()) == set()


def test_attempt_raises_until_its_rule_is_dropped():
    attempt = attempts()["administrator_stands_alone"]
    with pytest.raises(IntegrityError) as refused:
        attempt()
    assert refused_by(refused.value) == "administrator_stands_alone"
    drop("administrator_stands_alone")
    attempt()
    with pytest.raises(KeyError):
        drop("administrator_stands_alone")


@pytest.mark.parametrize("name", sorted(attempts()))
def test_database_refuses(name):
    attempt = attempts()[name]
    breaches = attempt.breaches()
    if name in triggers():
        _model, trigger = triggers()[name]
        watched = {str(operation).split()[0].lower() for operation in trigger.operation}
        assert {what.partition(":")[0] for what in breaches} == watched, "each operation is tried"
    assert {what: refusal(breach) for what, breach in breaches.items()} == dict.fromkeys(breaches, name)

    drop(name)
    if attempt.behind:
        assert None not in {refusal(breach) for breach in breaches.values()}, "nothing stands behind it"
        for other in attempt.behind:
            drop(other)
    assert {what: refusal(breach) for what, breach in breaches.items()} == dict.fromkeys(breaches)


@pytest.mark.parametrize("name", sorted(effects()))
def test_what_refuses_nothing_does_its_work(name):
    works = effects()[name]
    assert works()
    drop(name)
    assert not works()
