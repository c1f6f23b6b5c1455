"""The text of a file, page by page or sheet by sheet, as far as a program can read it. No Django here.

For looking something up in what was sent, never for showing it. A scanned page is a picture: it has no text, and is
counted in ``unread``, so that a person looks at it.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from xml.parsers import expat

from lxml import etree
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from park_portal.core.documents import formats
from park_portal.core.documents.formats import Format

PAGES_MAX: Final = 500
CHARACTERS_MAX: Final = 2_000_000
PART_MAX: Final = 64 << 20


@dataclass(frozen=True)
class Part:
    """One part of a file: ``kind`` is page, slide, sheet, margin, notes, comments, file or text; ``name`` its number or name."""

    kind: str
    name: str
    text: str


@dataclass
class Reading:
    """What could be read of a file; ``unread`` counts the parts without any text, all of them where nothing is."""

    parts: list[Part] = field(default_factory=list)
    unread: int = 0


def read_text(content: bytes, format_: Format) -> Reading:
    """Return the text of ``content``, a file of ``format_``; of what cannot be read, ``unread`` is at least one."""
    reading, left = Reading(), CHARACTERS_MAX
    try:
        for part in _parts(content, format_):
            if not part.text.strip():
                reading.unread += part.kind == "page"
                continue
            reading.parts.append(Part(part.kind, part.name, part.text[:left]))
            left -= len(part.text)
            if left <= 0:
                reading.unread += 1
                break
    except (
        PyPdfError, zipfile.BadZipFile, zlib.error, etree.XMLSyntaxError, expat.ExpatError, ValueError, KeyError,
        TypeError, IndexError, AttributeError, RecursionError, OSError,
    ):  # fmt: skip
        # Parsers of other people's files raise what they please; each means that a person must look.
        reading.unread += 1
    if not reading.parts:
        reading.unread = max(reading.unread, 1)
    return reading


def _parts(content: bytes, format_: Format) -> Iterator[Part]:
    if format_ is formats.PDF:
        yield from _pages(content)
    elif format_ is formats.TEXT:
        encoding = formats.charset_of(io.BytesIO(content)) or "utf-8"
        yield Part("text", "", content.decode(encoding, "replace"))
    elif format_ in (formats.DOCX, formats.XLSX, formats.PPTX):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from {formats.DOCX: _document, formats.XLSX: _workbook, formats.PPTX: _slides}[format_](
                archive
            )
    elif format_ is formats.ZIP:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                inner = archive.read(entry)
                found = formats.sniff(io.BytesIO(inner)) if inner else None
                if found is None or found is formats.ZIP:
                    yield Part("page", entry.filename, "")
                    continue
                inside = read_text(inner, found)
                yield Part("file", entry.filename, "\n".join(part.text for part in inside.parts))
                for _number in range(inside.unread):
                    yield Part("page", entry.filename, "")


def _pages(content: bytes) -> Iterator[Part]:
    reader = PdfReader(io.BytesIO(content), strict=False)
    if reader.is_encrypted:
        reader.decrypt("")
    for number, page in enumerate(reader.pages, 1):
        if number > PAGES_MAX:
            yield Part("page", str(number), "")
            return
        yield Part("page", str(number), page.extract_text())


def _tree(archive: zipfile.ZipFile, name: str) -> Any:
    if archive.getinfo(name).file_size > PART_MAX:
        raise ValueError(f"{name} is too large")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    return etree.fromstring(archive.read(name), parser)


def _lines(root: Any, *, paragraph: str, text: str = "t") -> str:
    """Return the text of every ``paragraph``, a line each; runs within one are joined, however they are formatted."""
    return "\n".join(
        "".join(one.text or "" for one in row.iter(f"{{*}}{text}")) for row in root.iter(f"{{*}}{paragraph}")
    )


_WORD_PARTS: Final = (
    ("document", "text"),
    ("header", "margin"),
    ("footer", "margin"),
    ("footnotes", "notes"),
    ("endnotes", "notes"),
    ("comments.", "comments"),
)


def _document(archive: zipfile.ZipFile) -> Iterator[Part]:
    for name in sorted(archive.namelist()):
        if not name.startswith("word/") or not name.endswith(".xml") or name.count("/") > 1:
            continue
        kind = next((kind for begin, kind in _WORD_PARTS if name.startswith(f"word/{begin}")), "")
        if kind:
            yield Part(kind, "", _lines(_tree(archive, name), paragraph="p"))


def _slides(archive: zipfile.ZipFile) -> Iterator[Part]:
    for kind, folder in (("slide", "ppt/slides/slide"), ("notes", "ppt/notesSlides/notesSlide")):
        numbers = [
            int(name[len(folder) : -4])
            for name in archive.namelist()
            if name.startswith(folder) and name.endswith(".xml") and name[len(folder) : -4].isdecimal()
        ]
        for number in sorted(numbers):
            yield Part(kind, str(number), _lines(_tree(archive, f"{folder}{number}.xml"), paragraph="p"))


def _workbook(archive: zipfile.ZipFile) -> Iterator[Part]:
    """Yield each sheet; texts stand in one table for all of them, and a cell names its line."""
    names = archive.namelist()
    shared: list[str] = []
    if "xl/sharedStrings.xml" in names:
        root = _tree(archive, "xl/sharedStrings.xml")
        shared = ["".join(one.text or "" for one in row.iter("{*}t")) for row in root.iter("{*}si")]
    titles = [row.get("name", "") for row in _tree(archive, "xl/workbook.xml").iter("{*}sheet")]
    sheets = sorted(
        (name for name in names if name.startswith("xl/worksheets/sheet") and name.endswith(".xml")),
        key=lambda name: (len(name), name),
    )
    for place, name in enumerate(sheets):
        cells = []
        for cell in _tree(archive, name).iter("{*}c"):
            value = cell.find("{*}v")
            if cell.get("t") == "s" and value is not None and (value.text or "").isdecimal():
                cells.append(shared[int(value.text)])
            elif cell.get("t") in ("inlineStr", "str"):
                cells.append("".join(one.text or "" for one in cell.iter("{*}t", "{*}v")))
        title = titles[place] if place < len(titles) else str(place + 1)
        yield Part("sheet", title, "\n".join([title, *cells]))
    for name in names:
        if name.startswith("xl/") and name.endswith(".xml") and "comment" in name.lower():
            root = _tree(archive, name)
            old, threaded = (
                _lines(root, paragraph="comment"),
                _lines(root, paragraph="threadedComment", text="text"),
            )
            yield Part("comments", "", f"{old}\n{threaded}")
