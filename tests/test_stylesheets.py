"""Stylesheets: a rule that is never closed takes all that follow it along, and no browser says so."""

import re
from pathlib import Path

import pytest

SHEETS = sorted((Path(__file__).parent.parent / "static" / "css").glob("*.css"))


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_every_rule_is_closed_before_the_next_begins(sheet):
    plain = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
    open_rules: list[str] = []
    for part in re.findall(r"[^{}]*[{}]", plain):
        if part.endswith("}"):
            assert open_rules, f"closed and never opened: {part.strip()[:80]}"
            open_rules.pop()
            continue
        selector = part[:-1].rsplit(";", 1)[-1].strip()
        assert all(rule.startswith("@") for rule in open_rules), f"{open_rules[-1]} is open at {selector}"
        open_rules.append(selector)
    assert open_rules == []
