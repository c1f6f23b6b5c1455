"""Three runs of the simulator, and one on a ledger that has lost a guard: it must not be silent about that."""

import os
import re
import subprocess
import sys

import pytest

from park_portal.local import ROOT
from tests.databases import template


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    template()  # made once, whoever asks first
    return subprocess.run(
        [sys.executable, "-m", "tests.sim.ledger", *arguments],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "park_portal.settings"},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_ledger_holds_whatever_random_actors_do(seed):
    done = simulate("--seed", seed, "--events", "5000")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    result = dict(re.findall(r"(\w+)=(\d+)", done.stdout))
    assert (result["seed"], result["events"], result["violations"]) == (seed, "5000", "0"), said
    assert int(result["booked"]) > 1500, said
    assert int(result["died"]) > 100, said


def test_simulator_notices_a_ledger_without_its_limits():
    done = simulate("--seed", "1", "--events", "1000", "--without", "account_within_its_limit")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "it takes an account below its limit" in done.stdout
