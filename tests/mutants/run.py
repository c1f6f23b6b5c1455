"""The run itself; `python -m tests.mutants` starts it, with the names of some mutants or with none for all."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter, defaultdict

import pytest
from django.db import connection, transaction

from tests.laws.test_constraints import refusal
from tests.laws.violations import attempts, drop
from tests.mutants import mutations
from tests.policy import table
from tests.policy.asking import Asker, Case, undone
from tests.policy.cases import all_cases
from tests.policy.roles import ROLES
from tests.policy.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(0)]

Line = tuple[Case, str]
# What is left of the suite when the table has not noticed: no browser, no processes, and not the table again.
REST = ["tests", "--ignore=tests/e2e", "--ignore=tests/policy", "--ignore=tests/chaos", "-m", "not e2e"]


def test_every_guard_is_missed(world: World) -> None:
    wanted = os.environ.get("PARK_MUTANTS", "").split()
    guards = [name for name in mutations.names() if not wanted or name.startswith(tuple(wanted))]
    constraints = [
        name for name in sorted(attempts()) if not wanted or f"database:{name}".startswith(tuple(wanted))
    ]
    begun, survivors = time.monotonic(), []
    tally: Counter[str] = Counter()
    for name in constraints:
        tally["database"] += 1
        if not _is_missed(name):
            survivors.append(f"database:{name}")
    lines = _lines_by_guard(world) if guards else {}
    for name in guards:
        kind = name.partition(":")[0]
        tally[kind] += 1
        killer = _first_difference(world, name, lines.get(name, []))
        say(f"{name}: {'survives the table' if killer is None else killer}")
        if killer is None and not _rest_goes_red(name):
            survivors.append(name)
    total = sum(tally.values())
    say(", ".join(f"{kind} {count}" for kind, count in sorted(tally.items())))
    say(f"killed={total - len(survivors)} total={total} seconds={time.monotonic() - begun:.0f}")
    assert survivors == []


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _is_missed(name: str) -> bool:
    """Return whether the attempt's test goes red once the rule is dropped: nothing refuses, or not by this name."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # What the park's rows still owe at the end of their transaction would stand in the way.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        breaches = attempts()[name].breaches()
        drop(name)
        missed = any(refusal(breach) != name for breach in breaches.values())
        transaction.set_rollback(True)
    return missed


def _lines_by_guard(world: World) -> dict[str, list[Line]]:
    """Ask the whole table once, as it stands, and note which lines come past which guard."""
    found: dict[str, dict[Line, None]] = defaultdict(dict)
    held, wrong = table.read(), []
    asker = Asker(world, held)
    for case in all_cases():
        for method in case.methods:
            touched: set[str] = {f"door:{case.route}"}
            with mutations.watched(touched.add):
                answered = asker.line(case, method)
            if answered != held.get((case.name, method, case.whose)):
                wrong.append(f"{case.key} {method}")  # What is wrong as it is would kill everything.
                continue
            for name in touched:
                found[name].setdefault((case, method))
    say(f"Not as the table says, and left out: {wrong}" if wrong else "Everything is as the table says.")
    # Writes first: most rules are of acts.
    return {name: sorted(lines, key=lambda line: line[1] == "GET") for name, lines in found.items()}


def _first_difference(world: World, name: str, lines: list[Line]) -> str | None:
    """Return the first cell that answers otherwise without the guard; None when none does."""
    held = table.read()
    asker = Asker(world, held)
    for case, method in lines:
        wanted = dict(zip(ROLES, held[case.name, method, case.whose], strict=True))
        for role in sorted(ROLES, key=lambda role: wanted[role].startswith("ok")):
            with undone(), mutations.without(name):
                try:
                    answered = asker.ask(case, method, role)
                except Exception as error:  # the page cannot do without the guard: somebody would notice
                    answered = type(error).__name__
            if answered != wanted[role]:
                return f"{case.key} {method} {role}: {answered} instead of {wanted[role]}"
    return None


def _rest_goes_red(name: str) -> bool:
    """Return whether a test outside of the table fails without the guard: those of its storey are tried first."""
    storey = next((one for one in ("funding", "incubator") if f":{one}." in name), "core")
    return any(_goes_red(name, *paths) for paths in ([f"tests/{storey}"], REST))


def _goes_red(name: str, *paths: str) -> bool:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-n", "2", "--dist", "loadgroup", *paths],
        env={**os.environ, "PARK_MUTANT": name, "PARK_TEST_DB": "test_mutant"},
        capture_output=True,
        text=True,
        check=False,
    )
    say(f"{name}: {' '.join(paths[:1])}: {' '.join(run.stdout.strip().splitlines()[-1:])}")
    if run.returncode not in (0, 1):
        raise RuntimeError(
            f"the tests could not be run without {name}:\n{run.stdout[-2000:]}{run.stderr[-2000:]}"
        )
    return run.returncode == 1
