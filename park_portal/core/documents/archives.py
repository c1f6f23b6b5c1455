"""A zip looked into before anybody unpacks it: how much it holds, how its entries are called, what they would do.

No Django here. An Office file is a zip, too. What is decided, and why:

* A password is refused: reviewers have none, and nobody could say what is inside.
* Names that lead out of the folder, symbolic links, one name twice: refused. No honest program writes them; the
  programs of those who download are fooled by them.
* Every entry must hold exactly what the directory says, each byte of the file belong to one entry at most, and both
  of an entry's headers agree: else one program sees another archive than the next.
* Archives within archives are looked into, as deep as honest files go (a table in a document in a zip), with one
  budget for all of them.
* Macros are refused: VBA and the older sheets of macros. Embedded objects stay: formulas are such.
* What an Office file would fetch from another address when it is opened is refused (templates, pictures, linked
  sheets): it can run there what it likes, and tells the applicant when and where a blind reviewer reads. Links that a
  person clicks stay, and so do paths on the writer's own disk, which Word writes by itself.
"""

from __future__ import annotations

import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, BinaryIO, Final, cast
from urllib.parse import unquote
from xml.parsers import expat

UNPACKED_MAX: Final = 1 << 30  # what an honest presentation full of pictures comes to, with room
RATIO_MAX: Final = 200  # deflate cannot do much better on text; a bomb starts at a thousand
SMALL: Final = 32 << 20  # below this unpacked size no ratio is dangerous
ENTRIES_MAX: Final = 20_000
DEPTH_MAX: Final = 3
PART_MAX: Final = 4 << 20  # of a part that is read: types, relations with thousands of links
PARTS_MAX: Final = 16 << 20  # of all of them
CHUNK: Final = 1 << 18

_CONTENT_TYPES: Final = "[Content_Types].xml"
_MAGIC: Final = b"PK\x03\x04"
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_UTF8_NAMES: Final = 0x800
_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
_DRIVE = re.compile(r"^[A-Za-z]:")
_MACRO_TYPES: Final = ("macroenabled", "vbaproject", "macrosheet", "vbadata")
_MACRO_PARTS = re.compile(r"(^|/)(vbaproject[^/]*\.bin|vbadata\.xml)$|(^|/)macrosheets/", re.IGNORECASE)
# Addresses of other machines: with a scheme that fetches or starts something, or \\machine\share in any spelling.
_ELSEWHERE = re.compile(
    r"^\s*(?:(?!file:|mailto:)[a-z][a-z0-9+.-]+:|[\\/]{2}|file:[\\/]{2}(?![\\/]|localhost[\\/]|[a-z]:)|file:[\\/]{4,})",
    re.IGNORECASE,
)
_CLICKED: Final = "/hyperlink"


class Harmful(ValueError):
    """The file would harm whoever opens it."""


class Bomb(Harmful):
    """The archive would unpack to far more than it is."""


class Locked(Harmful):
    """The file can be opened with a password only."""


class BadNames(Harmful):
    """An entry would be written outside the folder, or over another one."""


class Macros(Harmful):
    """The Office file brings programs along."""


class Reaches(Harmful):
    """The Office file would fetch something from elsewhere when it is opened; its argument is the address."""


class _Damaged(ValueError):
    """The archive is not what it says, or packed by a method nobody needs."""


@dataclass
class _Budget:
    """What all the archives in one file may come to together."""

    packed: int
    unpacked: int = 0
    entries: int = 0
    parts: int = 0

    def take(self, entries: list[zipfile.ZipInfo]) -> None:
        self.entries += len(entries)
        self.unpacked += sum(entry.file_size for entry in entries)
        if (
            self.entries > ENTRIES_MAX
            or self.unpacked > UNPACKED_MAX
            or (self.unpacked > SMALL and self.unpacked > RATIO_MAX * max(self.packed, 1))
        ):
            raise Bomb


def inspect(file: BinaryIO) -> set[str] | None:
    """Return the types of the parts that an Office file declares, nothing for another zip, ``None`` for a damaged one.

    Raises ``Bomb``, ``Locked``, ``BadNames``, ``Macros`` and ``Reaches``.
    """
    try:
        return _inspect(file, _Budget(_length(file)), depth=1)
    except Harmful:
        raise
    except (
        ValueError,
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        OSError,
        EOFError,
        zlib.error,
        struct.error,
        expat.ExpatError,
    ):
        return None


def _inspect(file: BinaryIO, budget: _Budget, *, depth: int) -> set[str]:
    if depth > DEPTH_MAX:
        raise Bomb
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
    budget.take(entries)
    _check_names(entries)
    # Entries that share their bytes make much out of little.
    if sum(entry.compress_size for entry in entries) > _length(file):
        raise Bomb
    is_office = any(entry.orig_filename == _CONTENT_TYPES for entry in entries)
    types: set[str] = set()
    for entry in entries:
        kept: bytearray | None = None
        if is_office and (entry.filename == _CONTENT_TYPES or entry.filename.lower().endswith(".rels")):
            kept = bytearray()
        _read(file, entry, budget, kept, depth=depth)
        if kept is None:
            continue
        if entry.filename == _CONTENT_TYPES:
            types = {row.get("ContentType", "") for _tag, row in _elements(bytes(kept))} - {""}
        else:
            _check_relations(bytes(kept))
    if is_office:
        if any(word in type_.lower() for type_ in types for word in _MACRO_TYPES):
            raise Macros
        if any(_MACRO_PARTS.search(entry.filename) for entry in entries):
            raise Macros
        if not types:
            raise _Damaged
    return types


def _check_names(entries: list[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise Locked
        # The name as it stands in the file: the library's is cut at a NUL.
        name = entry.orig_filename.replace("\\", "/")
        mode = entry.external_attr >> 16
        if (
            not name
            or name.startswith("/")
            or _DRIVE.match(name)
            or any(ord(character) < 32 or ord(character) == 127 for character in name)
            or ".." in name.split("/")
            or (stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR))
            or name.lower() in seen
        ):
            raise BadNames
        seen.add(name.lower())


def _read(
    file: BinaryIO, entry: zipfile.ZipInfo, budget: _Budget, kept: bytearray | None, *, depth: int
) -> None:
    """Go through one entry without keeping it, but into ``kept``; look into it where it is an archive itself."""
    if kept is not None:
        budget.parts += entry.file_size
        if entry.file_size > PART_MAX or budget.parts > PARTS_MAX:
            raise Bomb
    nested: IO[bytes] | None = None
    head = b""
    size = check = 0
    try:
        for chunk in _unpacked(file, entry):
            size += len(chunk)
            check = zlib.crc32(chunk, check)
            if size > entry.file_size:
                raise Bomb
            if kept is not None:
                kept += chunk
            if nested is not None:
                nested.write(chunk)
            elif len(head) < len(_MAGIC):
                head += chunk
                if head.startswith(_MAGIC):
                    nested = tempfile.SpooledTemporaryFile(max_size=1 << 20)  # noqa: SIM115 - closed below
                    nested.write(head)
        if size != entry.file_size or check != entry.CRC:
            raise _Damaged
        if nested is not None:
            nested.seek(0)
            # What begins like an archive and is none, nobody can unpack either.
            with suppress(zipfile.BadZipFile):
                _inspect(cast(BinaryIO, nested), budget, depth=depth + 1)
    finally:
        if nested is not None:
            nested.close()


def _unpacked(file: BinaryIO, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield what an entry really holds, whatever the directory says of its size, a chunk at a time."""
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _Damaged
    file.seek(entry.header_offset)
    local = _LOCAL.unpack(file.read(_LOCAL.size))
    name = file.read(local[9])
    file.seek(local[10], 1)
    coding = "utf-8" if local[2] & _UTF8_NAMES else "cp437"
    if local[0] != _MAGIC or local[3] != entry.compress_type or name.decode(coding) != entry.orig_filename:
        raise _Damaged
    unpack = zlib.decompressobj(-15) if entry.compress_type == zipfile.ZIP_DEFLATED else None
    left = entry.compress_size
    while left:
        packed = file.read(min(CHUNK, left))
        if not packed:
            raise _Damaged
        left -= len(packed)
        if unpack is None:
            yield packed
            continue
        while packed:
            yield unpack.decompress(packed, CHUNK)
            if unpack.eof:
                if left or unpack.unused_data:
                    raise _Damaged
                return
            packed = unpack.unconsumed_tail
    if unpack is not None:
        while True:  # what was held back by the limit of a chunk
            rest = unpack.decompress(b"", CHUNK)
            if not rest:
                break
            yield rest
        if not unpack.eof:
            raise _Damaged


def _check_relations(part: bytes) -> None:
    for tag, row in _elements(part):
        target = row.get("Target", "")
        if (
            tag == "Relationship"
            and row.get("TargetMode", "").lower() == "external"
            and not row.get("Type", "").lower().endswith(_CLICKED)
            and _ELSEWHERE.match(unquote(target))
        ):
            raise Reaches(target)


def _elements(part: bytes) -> list[tuple[str, dict[str, str]]]:
    """Return name and attributes of every element of an XML part. One with a document type of its own is damaged: no
    Office program writes any, and entities are what bombs are made of.
    """
    found: list[tuple[str, dict[str, str]]] = []
    parser = expat.ParserCreate(namespace_separator=" ")

    def begin(name: str, row: dict[str, str]) -> None:
        found.append((name.rpartition(" ")[2], row))

    def refuse(*_args: object) -> None:
        raise _Damaged

    parser.StartElementHandler = begin
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(part, True)
    return found


def _length(file: BinaryIO) -> int:
    file.seek(0, 2)
    length = file.tell()
    file.seek(0)
    return length
