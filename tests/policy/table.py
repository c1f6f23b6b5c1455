"""Reads and writes `table.txt`, a line for each route, method and row, a column for each role."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.policy.asking import MEANS
from tests.policy.roles import ROLES

FILE: Final = Path(__file__).with_name("table.txt")
Line = tuple[str, str, str]  # route (with the act in brackets), method, whose row
HEAD: Final = "# Who may do what; tests/policy/__init__.py says how to read and to extend it.\n#\n"


def read() -> dict[Line, list[str]]:
    """Return the outcomes of each line, in the order of ``ROLES``."""
    lines: dict[Line, list[str]] = {}
    if not FILE.exists():
        return lines
    for text in FILE.read_text().splitlines():
        if not text or text.startswith("#"):
            continue
        route, method, whose, *outcomes = text.split()
        if len(outcomes) != len(ROLES):
            raise ValueError(f"{route} {method} {whose}: {len(outcomes)} columns of {len(ROLES)}")
        if (route, method, whose) in lines:
            raise ValueError(f"{route} {method} {whose} is there twice")
        lines[route, method, whose] = outcomes
    return lines


def write(lines: dict[Line, list[str]]) -> None:
    """Write the table anew, sorted, its columns under each other."""
    rows = [("# route", "how", "whose", *(role[:8] for role in ROLES))]
    rows += [(*line, *outcomes) for line, outcomes in sorted(lines.items())]
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    body = [" ".join(one.ljust(width) for one, width in zip(row, wide, strict=True)).rstrip() for row in rows]
    means = "".join(f"#   {letters}  {meaning}\n" for letters, meaning in MEANS.items())
    FILE.write_text(f"{HEAD}{means}#\n" + "\n".join(body) + "\n")
