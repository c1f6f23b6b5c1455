"""Matching the headings of a sheet to known columns: pure, without Django."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_BRACKETS = re.compile(r"[(\[【〔].*?[)\]】〕]")
_NOISE = re.compile(r"[\W_]+")
_UNITS = (
    ("万元", "wan"),
    ("万", "wan"),
    ("10kcny", "wan"),
    ("元", "yuan"),
    ("cny", "yuan"),
    ("rmb", "yuan"),
    ("yuan", "yuan"),
)
# A heading row may stand below a banner and a note, hardly deeper.
SEARCHED_ROWS = 10


@dataclass(frozen=True)
class Heading:
    """One cell of the heading row: its place (0-based), its text and the unit of money it names, if any."""

    index: int
    text: str
    unit: str | None = None

    @property
    def letter(self) -> str:
        """Returns the column as Excel names it: A, B, … AA."""
        number, letters = self.index + 1, ""
        while number:
            number, rest = divmod(number - 1, 26)
            letters = chr(65 + rest) + letters
        return letters


@dataclass
class Match:
    """What became of a sheet's headings; `columns` holds the headings found for each field, in sheet order."""

    row: int
    columns: dict[str, list[Heading]] = field(default_factory=dict)
    unknown: list[Heading] = field(default_factory=list)

    def heading(self, name: str) -> Heading | None:
        found = self.columns.get(name)
        return found[0] if found else None


def normalise_heading(text: object) -> str:
    """Returns a heading in half-width lower case without spaces, underscores, punctuation and required marks."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", str(text or "")).lower())


def bare_heading(text: object) -> str:
    """Returns the normalised heading without what stands in brackets: 金额(万元) is 金额."""
    return normalise_heading(_BRACKETS.sub("", unicodedata.normalize("NFKC", str(text or ""))))


def unit_of(text: object) -> str | None:
    """Returns `wan` or `yuan` if the heading names its unit of money in brackets or at its end, else None."""
    plain = unicodedata.normalize("NFKC", str(text or "")).lower().replace(" ", "")
    inside = "".join(_BRACKETS.findall(plain))
    for word, unit in _UNITS:
        if word in inside or plain.endswith(word) or plain.endswith(word + ")"):
            return unit
    return None


def match_headings(rows: Sequence[Sequence[object]], aliases: Mapping[str, Sequence[str]]) -> Match | None:
    """Returns the best heading row among the first rows and what its headings mean, or None if none says anything.

    `aliases` lists for each field the headings it is known by; case, width, spaces and punctuation do not matter. The
    row that names the most fields wins, the upper one of equals.
    """
    known = {normalise_heading(alias): name for name, words in aliases.items() for alias in words}
    best: Match | None = None
    for number, row in enumerate(rows[:SEARCHED_ROWS]):
        found = Match(row=number)
        for index, cell in enumerate(row):
            text = "" if cell is None else str(cell).strip()
            name = known.get(normalise_heading(text)) or known.get(bare_heading(text))
            heading = Heading(index, text, unit_of(text))
            if name:
                found.columns.setdefault(name, []).append(heading)
            else:
                found.unknown.append(heading)
        if found.columns and (best is None or len(found.columns) > len(best.columns)):
            best = found
    return best
