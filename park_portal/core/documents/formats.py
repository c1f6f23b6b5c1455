"""What a file is, told from its bytes: a table of signatures, and for a zip what ``archives`` finds in it.

No Django here, and nothing is ever unpacked to the disk.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from park_portal.core.documents import archives
from park_portal.core.documents.archives import Locked, Macros

TEXT_SAMPLE: Final = 1 << 20
DIRECTORY_SECTORS_MAX: Final = 4096


@dataclass(frozen=True)
class Format:
    """One kind of file the portal knows: its name, media type and the endings it may have."""

    name: str
    mime: str
    extensions: tuple[str, ...]


PDF = Format("PDF", "application/pdf", ("pdf",))
DOCX = Format("Word", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ("docx",))
XLSX = Format("Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ("xlsx",))
PPTX = Format(
    "PowerPoint", "application/vnd.openxmlformats-officedocument.presentationml.presentation", ("pptx",)
)
DOC = Format("Word 97", "application/msword", ("doc",))
XLS = Format("Excel 97", "application/vnd.ms-excel", ("xls",))
PPT = Format("PowerPoint 97", "application/vnd.ms-powerpoint", ("ppt",))
PNG = Format("PNG", "image/png", ("png",))
JPEG = Format("JPEG", "image/jpeg", ("jpg", "jpeg"))
WEBP = Format("WebP", "image/webp", ("webp",))
ZIP = Format("ZIP", "application/zip", ("zip",))
TEXT = Format("Text", "text/plain", ("txt", "csv", "md"))

FORMATS: Final = (PDF, DOCX, XLSX, PPTX, DOC, XLS, PPT, PNG, JPEG, WEBP, ZIP, TEXT)
BY_NAME: Final = {extension: format_ for format_ in FORMATS for extension in format_.extensions}

IMAGES: Final = frozenset({PNG, JPEG, WEBP})
OFFICE: Final = frozenset({DOCX, XLSX, PPTX, DOC, XLS, PPT})
SPREADSHEETS: Final = frozenset({XLSX})
DEFAULT: Final = frozenset({PDF, PNG, JPEG}) | OFFICE

_OFFICE_PARTS: Final = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml": DOCX,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml": XLSX,
    "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml": PPTX,
    "application/vnd.openxmlformats-officedocument.presentationml.slideshow.main+xml": PPTX,
}
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_STREAMS: Final = {"WordDocument": DOC, "Workbook": XLS, "Book": XLS, "PowerPoint Document": PPT}
_OLE_FREE: Final = 0xFFFFFFFA  # sector numbers from here on are marks, not sectors
# Where Word 97 and Excel 97 keep macros. PowerPoint 97 hides its own inside its one stream, beyond this table.
_OLE_MACROS: Final = frozenset({"VBA", "_VBA_PROJECT", "_VBA_PROJECT_CUR", "Macros"})
_OLE_LOCKED: Final = "EncryptedPackage"

# What a browser or another program would take for something that runs (https://mimesniff.spec.whatwg.org, 7.1, and a
# few more): nothing of it is plain text, whatever its ending says.
_NO_TEXT = re.compile(
    rb"(?:\xef\xbb\xbf)?[\t\n\f\r ]*(?:"
    rb"<(?:!doctype|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|svg|math|object|embed|img|form|"
    rb"meta|link|base|frameset|xml)[\s/>]"
    rb"|<!--|<\?xml|<\?php|<%|GIF8[79]a|%!PS|%PDF-|\{\\rtf|MIME-Version:)",
    re.IGNORECASE,
)


def sniff(file: BinaryIO) -> Format | None:
    """Return what ``file`` (seekable) is by its content, or ``None``; leaves it at its beginning.

    Raises what ``archives.inspect`` raises: ``Bomb``, ``Locked``, ``BadNames``, ``Macros``, ``Reaches``. A web page, a
    drawing in SVG or a script is none of the known formats, even where text may be sent.
    """
    file.seek(0)
    try:
        return _sniff(file)
    finally:
        file.seek(0)


def _sniff(file: BinaryIO) -> Format | None:
    head = file.read(64)
    if head.startswith(b"%PDF-"):
        return PDF
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    if head.startswith(b"PK\x03\x04"):
        return _archive(file)
    if head.startswith(_OLE):
        return _compound(file)
    return TEXT if head and _is_text(file) else None


def _archive(file: BinaryIO) -> Format | None:
    declared = archives.inspect(file)
    if declared is None:
        return None
    if not declared:
        return ZIP
    found = {format_ for name, format_ in _OFFICE_PARTS.items() if name in declared}
    return found.pop() if len(found) == 1 else None


def _compound(file: BinaryIO) -> Format | None:
    """Return which of the old Office formats an OLE compound file is, by the names in its directory.

    Raises ``Locked`` for a new Office file with a password, which is kept in an old one, and ``Macros``.
    """
    names = set(names_in_compound(file))
    if _OLE_LOCKED in names:
        raise Locked
    found = {_OLE_STREAMS[name] for name in names if name in _OLE_STREAMS}
    if found and names & _OLE_MACROS:
        raise Macros
    return found.pop() if len(found) == 1 else None


def names_in_compound(file: BinaryIO, most: int = DIRECTORY_SECTORS_MAX) -> Iterator[str]:
    """Yield the names of the streams of an OLE compound file: those in the first ``most`` sectors of its directory."""
    file.seek(0)
    header = file.read(512)
    if len(header) < 512:
        return
    (shift,) = struct.unpack_from("<H", header, 30)
    if shift not in (9, 12):
        return
    size = 1 << shift
    sector = struct.unpack_from("<I", header, 48)[0]
    tables = struct.unpack_from("<109I", header, 76)
    for _step in range(most):
        if sector >= _OLE_FREE:
            return
        file.seek((sector + 1) * size)
        block = file.read(size)
        for start in range(0, len(block) - 127, 128):
            length = struct.unpack_from("<H", block, start + 64)[0]
            if 2 < length <= 64:
                yield block[start : start + length - 2].decode("utf-16-le", "replace")
        table, place = divmod(sector, size // 4)
        if table >= len(tables) or tables[table] >= _OLE_FREE:
            return
        file.seek((tables[table] + 1) * size + place * 4)
        next_sector = file.read(4)
        if len(next_sector) < 4:
            return
        sector = struct.unpack("<I", next_sector)[0]


def _is_text(file: BinaryIO) -> bool:
    file.seek(0)
    return not _NO_TEXT.match(file.read(TEXT_SAMPLE)) and charset_of(file) is not None


def charset_of(file: BinaryIO) -> str | None:
    """Return whether the beginning of ``file`` is UTF-8 or GB 18030 text; ``None`` for neither, or control characters."""
    file.seek(0)
    sample = file.read(TEXT_SAMPLE)
    if b"\x00" in sample:
        return None
    for encoding in ("utf-8", "gb18030"):
        for cut in range(4):  # the sample may end inside a character
            try:
                text = sample[: len(sample) - cut].decode(encoding)
            except UnicodeDecodeError:
                continue
            strange = any(ord(character) < 32 and character not in "\t\r\n\f" for character in text)
            return None if strange else encoding
    return None
