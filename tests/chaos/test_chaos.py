"""Fifty processes are killed; nothing is lost, nothing is done twice, and the portal is back within seconds."""

import os
import re
import subprocess
import sys

import pytest

from park_portal.local import ROOT
from tests.databases import template, url


@pytest.mark.xdist_group("chaos")
def test_nothing_is_lost_or_done_twice_whatever_is_killed():
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--kills", "50", "--small", "--template", url(template())],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.chaos.settings"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    result = dict(re.findall(r"(\w+)=([\d.]+)", done.stdout))
    assert (result["kills"], result["lost"], result["duplicated"]) == ("50", "0", "0"), said
    assert int(result["committed"]) > 400, said
