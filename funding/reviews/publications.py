"""Reads lists of publications as reference managers write them, BibTeX or RIS: no Django, no database."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

_RIS: Final = re.compile(r"^TY {1,2}- ", re.MULTILINE)
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_DOI: Final = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi:)\s*", re.IGNORECASE)
_LINES: Final = re.compile(r"\s+")


@dataclass(frozen=True)
class Found:
    """One publication of a list; what it lacks is empty."""

    title: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    source: str = ""
    doi: str = ""
    abstract: str = ""


def doi_of(typed: str) -> str:
    """Return a DOI without the address of the resolver before it."""
    return _DOI.sub("", typed.strip())


def read_list(text: str) -> tuple[list[Found], int]:
    """Return the publications of ``text`` in its order, and how many entries could not be read.

    RIS is known by its first line of an entry, ``TY  - ``; anything else is read as BibTeX. Entries without a title
    count as not readable.
    """
    found, unread = _ris(text) if _RIS.search(text) else _bibtex(text)
    titled = [one for one in found if one.title]
    return titled, unread + len(found) - len(titled)


def _bibtex(text: str) -> tuple[list[Found], int]:
    import bibtexparser  # A tenth of a second, with the tables of LaTeX's accents: only who pastes a list waits.
    from bibtexparser import middlewares
    from bibtexparser.model import DuplicateBlockKeyBlock, Entry

    library = bibtexparser.parse_string(
        text,
        append_middleware=[
            middlewares.LatexDecodingMiddleware(),
            middlewares.SeparateCoAuthors(),
            middlewares.SplitNameParts(),
            middlewares.MergeNameParts("first"),
        ],
    )
    # Two entries under one key are two entries; the parser hands the second over as a mistake.
    repeated = [
        block.ignore_error_block
        for block in library.failed_blocks
        if isinstance(block, DuplicateBlockKeyBlock) and isinstance(block.ignore_error_block, Entry)
    ]
    found = []
    for entry in [*library.entries, *repeated]:
        values: dict[str, Any] = {field.key.lower(): field.value for field in entry.fields}
        names = values.get("author") or []
        found.append(
            _found(
                title=values.get("title"),
                authors=[names] if isinstance(names, str) else names,
                year=values.get("year") or values.get("date"),
                source=values.get("journal") or values.get("booktitle") or values.get("publisher"),
                doi=values.get("doi"),
                abstract=values.get("abstract"),
            )
        )
    return found, len(library.failed_blocks) - len(repeated)


def _ris(text: str) -> tuple[list[Found], int]:
    import rispy

    found = []
    for entry in rispy.loads(text):
        names = entry.get("authors") or entry.get("first_authors") or []
        found.append(
            _found(
                title=entry.get("title") or entry.get("primary_title"),
                authors=[_first_name_first(name) for name in names],
                year=entry.get("year") or entry.get("publication_year") or entry.get("date"),
                source=entry.get("journal_name") or entry.get("secondary_title") or entry.get("publisher"),
                doi=entry.get("doi"),
                abstract=entry.get("abstract") or entry.get("notes_abstract"),
            )
        )
    return found, 0


def _first_name_first(name: str) -> str:
    """Return “Liang, Suxin” as it is printed: “Suxin Liang”."""
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}" if comma and first.strip() else name


def _found(*, title: Any, authors: Iterable[Any], year: Any, source: Any, doi: Any, abstract: Any) -> Found:
    years = _YEAR.search(str(year or ""))
    return Found(
        title=_line(title),
        authors=tuple(name for name in map(_line, authors) if name),
        year=int(years.group()) if years else None,
        source=_line(source),
        doi=doi_of(_line(doi)),
        abstract=_line(abstract),
    )


def _line(value: Any) -> str:
    """Return a text on one line, without the braces that keep BibTeX from changing capitals."""
    return _LINES.sub(" ", str(value or "").replace("{", "").replace("}", "")).strip()
