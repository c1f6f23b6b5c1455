"""The run itself; `python -m tests.mutants` starts it, with the names of some mutants or with none for all."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import TypeVar

import pytest
from django.db import connection, transaction

from park_portal.local import ROOT
from tests.laws.test_constraints import refusal
from tests.laws.violations import attempts, drop, effects
from tests.mutants import mutations
from tests.policy import table
from tests.policy.asking import Asker, Case, undone
from tests.policy.cases import all_cases
from tests.policy.roles import ROLES
from tests.policy.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(0)]

T = TypeVar("T")
Cell = tuple[Case, str, str, str]  # with the role and what the table says
# What is left of the suite when the table has not noticed: no browser, no processes, and not the table again.
REST = ["tests", "--ignore=tests/e2e", "--ignore=tests/policy", "--ignore=tests/chaos", "-m", "not e2e"]


def test_every_guard_is_missed(world: World) -> None:
    wanted = os.environ.get("PARK_MUTANTS", "").split()
    guards = [name for name in mutations.names() if not wanted or name.startswith(tuple(wanted))]
    constraints = [
        name
        for name in sorted([*attempts(), *effects()])
        if not wanted or f"database:{name}".startswith(tuple(wanted))
    ]
    begun, survivors = time.monotonic(), []
    tally: Counter[str] = Counter()
    for name in constraints:
        tally["database"] += 1
        if not _is_missed(name):
            survivors.append(f"database:{name}")
    cells, passed_by = _cells_by_guard(world) if guards else {}, []
    for name in guards:
        kind = name.partition(":")[0]
        tally[kind] += 1
        killer = _first_difference(world, name, _all_of(cells, name))
        say(f"{name}: {'survives the table' if killer is None else killer}")
        if killer is None:
            passed_by.append(name)
    survivors += [name for name in passed_by if not _rest_goes_red(name)]
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
        if name in effects():
            drop(name)
            missed = not effects()[name]()
        else:
            breaches = attempts()[name].breaches()
            drop(name)
            missed = any(refusal(breach) != name for breach in breaches.values())
        transaction.set_rollback(True)
    return missed


def _cells_by_guard(world: World) -> dict[str, list[Cell]]:
    """Ask the whole table once, as it stands, and note which cells each guard has a part in."""
    found: dict[str, list[Cell]] = defaultdict(list)
    held, wrong = table.read(), []
    asker = Asker(world, held)
    for case in all_cases():
        for method in case.methods:
            for role, wanted in zip(ROLES, held[case.name, method, case.whose], strict=True):
                touched = {f"door:{case.route}"} if role == "anonymous" else set()
                with undone(), mutations.watched(touched.add):
                    answered = asker.ask(case, method, role)
                if answered != wanted:
                    wrong.append(f"{case.key} {method} {role}")  # It would kill everything.
                    continue
                for name in touched:
                    found[name].append((case, method, role, wanted))
    say(f"Not as the table says, and left out: {wrong}" if wrong else "Everything is as the table says.")
    return {name: sorted(cells, key=lambda cell: _far(name, cell)) for name, cells in found.items()}


def _all_of(found: dict[str, list[T]], name: str) -> list[T]:
    """Return what was found for a guard, and for the one that is taken away with it."""
    return found.get(name, []) + found.get(mutations.BESIDE.get(name, ""), [])


def _far(name: str, cell: Cell) -> tuple[int, bool]:
    """Return how late to try a cell: what a guard is called is mostly where it stands, and most rules are of acts.

    A right to see one kind of record is asked by the menu of each page of the staff.
    """
    case, method, _role, _wanted = cell
    words = re.split(r"[^a-z]+", name.partition(":")[2])
    return -sum(word in case.route for word in words if len(word) > 2), method == "GET"


def _first_difference(world: World, name: str, cells: list[Cell]) -> str | None:
    """Return the first cell that answers otherwise without the guard; None when none does."""
    asker = Asker(world, table.read())
    for case, method, role, wanted in cells:
        with undone(), mutations.without(name):
            try:
                answered = asker.ask(case, method, role)
            except Exception as error:  # the page cannot do without the guard: somebody would notice
                answered = type(error).__name__
        if answered != wanted:
            return f"{case.key} {method} {role}: {answered} instead of {wanted}"
    return None


@functools.cache
def _tests_by_guard() -> dict[str, list[str]]:
    """Run the rest of the suite once, as it is, and note in which tests each guard has a part."""
    with tempfile.TemporaryDirectory(prefix="park-guards-") as folder:
        run = _run(*REST, PARK_GUARDS=folder)
        if run.returncode:
            raise RuntimeError(
                f"the tests are not green as they are:\n{run.stdout[-4000:]}{run.stderr[-2000:]}"
            )
        found: dict[str, list[str]] = defaultdict(list)
        for path in Path(folder).glob("*.json"):
            for name, tests in json.loads(path.read_text()).items():
                found[name] += tests
    return found


def _rest_goes_red(name: str) -> bool:
    """Return whether a test outside of the table fails without the guard, of those that it has a part in."""
    tests = _all_of(_tests_by_guard(), name)
    if not tests:
        say(f"{name}: it has a part in no other test")
        return False
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
        wanted.write("\n".join(tests))
        wanted.flush()
        files = sorted({test.partition("::")[0] for test in tests})
        run = _run("-x", *files, PARK_MUTANT=name, PARK_GUARDS_TESTS=wanted.name)
    last = " ".join(run.stdout.strip().splitlines()[-1:])
    say(f"{name}: {last}")
    # Ended at the first that failed, several processes call themselves interrupted.
    red = bool(re.search(r"\b\d+ (failed|error)", last))
    if run.returncode != 0 and not red:
        raise RuntimeError(
            f"the tests could not be run without {name}:\n{run.stdout[-2000:]}{run.stderr[-2000:]}"
        )
    return red


def _run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.mutants.watching", "-n", "2"]
    return subprocess.run(
        [*command, "--dist", "loadgroup", *arguments],
        env={**os.environ, "PARK_TEST_DB": "test_mutant", **more},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
