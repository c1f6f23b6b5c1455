"""What `make` sees to before anything runs: which Python, and that it keeps what it compiles."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from park_portal.local import ROOT


@pytest.fixture
def machine(tmp_path: Path):
    """Puts Pythons on a machine: how long each takes, or None for one that is too old or lacks venv."""

    def put(**pythons: int | None) -> str:
        for name, time in pythons.items():
            path = tmp_path / name
            path.write_text(
                f"#!/bin/sh\ncase $2 in *ensurepip*) exit {int(time is None)};; esac\necho {time}\n"
            )
            path.chmod(0o755)
        return subprocess.run(
            ["/bin/sh", "park_portal/choose_python.sh"],
            cwd=ROOT, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=True,
        ).stdout.strip().removeprefix(f"{tmp_path}/")  # fmt: skip

    return put


# Shorter than any real Python takes, so that those of the machine that runs the test never win.
def test_the_first_python_is_taken_unless_another_is_much_faster(machine):
    assert machine(**{"python3": 20, "python3.12": 19}) == "python3"
    assert machine(**{"python3": 20, "python3.12": 10, "python3.11": 15}) == "python3.12"


def test_a_python_that_is_too_old_is_not_taken(machine):
    assert machine(**{"python3": None, "python3.12": 20}) == "python3.12"


def test_python_keeps_what_it_compiled_even_where_it_is_told_not_to():
    """Each start of a process would otherwise compile the portal anew."""
    seen = subprocess.run(
        ["make", "--no-print-directory", "--eval", "seen: ; @env", "seen"],
        cwd=ROOT, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "PATH=" in seen
    assert "PYTHONDONTWRITEBYTECODE" not in seen
