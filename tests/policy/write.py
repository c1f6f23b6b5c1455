"""Writes the lines that the table lacks, as they are answered now, and drops those of routes that are gone.

Run as `python -m tests.policy`; `python -m tests.policy applications: admin:core_job` writes anew what begins so.
"""

import os
import sys

import pytest

from tests.policy import table
from tests.policy.asking import Asker
from tests.policy.cases import all_cases

pytestmark = pytest.mark.django_db


def test_write(world):
    held, anew = table.read(), tuple(os.environ.get("PARK_POLICY_ANEW", "").split())
    asker, lines = Asker(world, held), {}
    for case in all_cases():
        for method in case.methods:
            line = (case.name, method, case.whose)
            if line in lines:
                raise ValueError(f"{line} is asked twice")
            known = None if anew and case.name.startswith(anew) else held.get(line)
            lines[line] = known or asker.line(case, method)
            if known is None:
                sys.stdout.write(" ".join((*line, *lines[line])) + "\n")
    table.write(lines)
