"""What a file is, told from its bytes: a table of signatures, and a look into a zip's directory without
unpacking it.

No Django here. ``sniff`` reads a few kilobytes; the only entry of an Office file that is ever unpacked is its
``[Content_Types].xml``, and no more than ``CONTENT_TYPES_MAX`` bytes of it.
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

CONTENT_TYPES_MAX: Final = 1 << 20
UNPACKED_MAX: Final = 1 << 30  # what an honest presentation full of pictures comes to, with room
RATIO_MAX: Final = 200  # deflate cannot do much better on text; a bomb starts at a thousand
SMALL: Final = 32 << 20  # below this unpacked size no ratio is dangerous
ENTRIES_MAX: Final = 20_000
TEXT_SAMPLE: Final = 1 << 20


class Bomb(ValueError):
    """The archive would unpack to far more than it is."""


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
_CONTENT_TYPE = re.compile(r"""ContentType\s*=\s*["']([^"']+)["']""")
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_STREAMS: Final = {"WordDocument": DOC, "Workbook": XLS, "Book": XLS, "PowerPoint Document": PPT}
_OLE_FREE: Final = 0xFFFFFFFA  # sector numbers from here on are marks, not sectors


def sniff(file: BinaryIO) -> Format | None:
    """Return what ``file`` (seekable) is by its content, or ``None``; leaves it at its beginning.

    Raises ``Bomb`` for an archive that unpacks to far more than it is. An Office file with macros is none
    of the known formats.
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
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            packed = sum(entry.compress_size for entry in entries)
            unpacked = sum(entry.file_size for entry in entries)
            if (
                len(entries) > ENTRIES_MAX
                or unpacked > UNPACKED_MAX
                or (unpacked > SMALL and unpacked > RATIO_MAX * max(packed, 1))
            ):
                raise Bomb
            if "[Content_Types].xml" not in archive.namelist():
                return ZIP
            with archive.open("[Content_Types].xml") as part:
                types = part.read(CONTENT_TYPES_MAX + 1)
    except Bomb:
        raise
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        OSError,
        EOFError,
        ValueError,
        struct.error,
    ):
        return None  # damaged, encrypted or packed by a method nobody needs
    if len(types) > CONTENT_TYPES_MAX:
        raise Bomb
    declared = set(_CONTENT_TYPE.findall(types.decode("utf-8", "replace")))
    if any("macroEnabled" in name or "vbaProject" in name for name in declared):
        return None
    found = {format_ for name, format_ in _OFFICE_PARTS.items() if name in declared}
    return found.pop() if len(found) == 1 else None


def _compound(file: BinaryIO) -> Format | None:
    """Return which of the old Office formats an OLE compound file is, by the names in its directory."""
    found = {_OLE_STREAMS[name] for name in _directory(file) if name in _OLE_STREAMS}
    return found.pop() if len(found) == 1 else None


def _directory(file: BinaryIO, most: int = 64) -> Iterator[str]:
    """Yield the stream names in the first ``most`` sectors of the directory."""
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
    """Return whether the beginning is UTF-8 or GB 18030 text without control characters."""
    file.seek(0)
    sample = file.read(TEXT_SAMPLE)
    if b"\x00" in sample:
        return False
    for encoding in ("utf-8", "gb18030"):
        for cut in range(4):  # the sample may end inside a character
            try:
                text = sample[: len(sample) - cut].decode(encoding)
            except UnicodeDecodeError:
                continue
            return not any(ord(character) < 32 and character not in "\t\r\n\f" for character in text)
    return False
