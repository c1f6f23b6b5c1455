"""docs/security.md lists every requirement once, counts its own rows, and names tests and files that exist."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

from park_portal.core.accounts.passwords import WORDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
STATES = ("met", "partly", "not met", "does not apply")
NUMBER = re.compile(r"\d+\.\d+\.\d+")
CODE = re.compile(r"`([^`]+)`")
PATH = re.compile(
    r"(?:tests|park_portal|incubator|funding|docs|deploy|static|templates)/[\w./-]+|[\w.-]*requirements\.txt|\.dockerignore"
)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


TABLES = PAGE.partition("## The requirements")[2].partition("## What is not met")[0]
ROWS = [
    row for line in TABLES.splitlines() if line.startswith("| ") and NUMBER.fullmatch((row := cells(line))[0])
]


def state_of(row: list[str]) -> str:
    return row[3].strip("*")


@cache
def functions_of(path: str) -> frozenset[str]:
    """The tests of a file as pytest names them: `test_x`, `TestY::test_x`."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)}
    return frozenset(found)


def test_every_requirement_of_levels_1_and_2_has_one_row():
    lines = (ROOT / "tests/laws/asvs.txt").read_text().splitlines()
    wanted = [tuple(line.split()) for line in lines if not line.startswith("#")]
    assert len(wanted) == 253
    assert [(row[0], row[1]) for row in ROWS] == wanted


def test_each_row_says_its_state_how_and_what_shows_it():
    assert [(row[0], wrong) for row in ROWS if (wrong := wrong_with(row))] == []


def wrong_with(row: list[str]) -> str:
    number, _level, asks, _state, how, shown = row
    state, shows = state_of(row), CODE.findall(shown)
    if state not in STATES or len(asks) < 6 or len(how) < 5:
        return "state, question or answer"
    chapter = re.search(rf"^### V{number.split('.')[0]} .*?(?=^###|\Z)", TABLES, re.M | re.S)
    if chapter is None or f"| {number} | " not in chapter[0]:
        return "its chapter"
    if not shows:
        return "" if shown == "–" and state in ("does not apply", "not met") else "nothing shows it"
    by_test = any("::" in one for one in shows)
    return "" if by_test is not shown.startswith("by reading: ") else "how it is shown"


def test_every_test_that_it_names_exists():
    named = {one for one in CODE.findall(PAGE) if "::" in one}
    assert len(named) > 100
    assert [one for one in sorted(named) if not _exists(one)] == []


def _exists(name: str) -> bool:
    path, _colons, test = name.partition("::")
    return (ROOT / path).is_file() and test in functions_of(path)


def test_every_path_that_it_names_exists():
    named = {one for one in CODE.findall(PAGE) if PATH.fullmatch(one)}
    assert len(named) > 30
    assert [one for one in sorted(named) if not (ROOT / one).exists()] == []


def test_the_counts_are_those_of_the_rows():
    counted = Counter((row[0].split(".")[0], row[1], state_of(row)) for row in ROWS)
    table = PAGE.partition("## Counts")[2].partition("## ")[0]
    lines = [cells(line) for line in table.splitlines() if re.match(r"\| (V\d|\*\*all)", line)]
    said: set[tuple[str, str]] = set()
    for chapter, level, *numbers in lines:
        wanted = [
            sum(
                number
                for (of, at, state), number in counted.items()
                if state == wanted
                and (chapter == "**all**" or chapter.split()[0] == f"V{of}")
                and at in level
            )
            for wanted in STATES
        ]
        assert [int(number) for number in numbers] == [*wanted, sum(wanted)], (chapter, level)
        said.add((chapter.split()[0], level))
    assert said == {(f"V{of}", at) for of, at, _state in counted} | {
        ("**all**", level) for level in ("1", "2", "1 and 2")
    }


def test_what_is_not_met_is_told_in_words():
    told = PAGE.partition("## What is not met")[2].partition("## What the standard asks")[0]
    silent = [row[0] for row in ROWS if state_of(row) in ("partly", "not met") and not _told(row[0], told)]
    assert silent == []


def _told(number: str, text: str) -> bool:
    """Whether ``text`` names the number, by itself or within a range such as `12.3.1 to 12.3.4`."""
    if re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.]*\d)", text):
        return True
    section, _point, last = number.rpartition(".")
    return any(
        first.rpartition(".")[0] == section
        and int(first.rpartition(".")[2]) <= int(last) <= int(final.rpartition(".")[2])
        for first, final in re.findall(r"(\d+\.\d+\.\d+) to (\d+\.\d+\.\d+)", text)
    )


def test_the_words_that_make_no_password_are_listed():
    told = " ".join(PAGE.split()).partition("made of these words alone")[2].partition("): ")[2]
    assert told.partition(". They have no age")[0].split(", ") == list(WORDS)
