"""What the cleaning of several kinds of files shares."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Final

# The reasons are codes; the rooms that show them say them in words.
REASONS: Final = ("damaged", "locked", "old_format", "attachments", "nested", "media", "too_large")


class CannotClean(ValueError):
    """The file may still say who made it; ``reason`` is one of ``REASONS``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of ``files`` in their order, every entry of one and the same moment."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return out.getvalue()


# Segments of a JPEG that say how it looks: JFIF, ICC profile, Adobe's colour transform. All other APPn and the comment
# hold what a camera or a program wrote beside the picture (Exif, XMP, IPTC with the author's name).
_SEGMENTS_KEPT: Final = frozenset({0xE0, 0xE2, 0xEE})
_PNG_DROPPED: Final = frozenset({b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"})
_PNG_HEAD: Final = b"\x89PNG\r\n\x1a\n"


def bare_jpeg(content: bytes) -> bytes:
    """Return a JPEG without Exif, XMP, IPTC and comments, its pixels untouched. Raises ``CannotClean``."""
    if not content.startswith(b"\xff\xd8"):
        raise CannotClean("damaged")
    out, place = bytearray(b"\xff\xd8"), 2
    while place + 4 <= len(content):
        if content[place] != 0xFF:
            raise CannotClean("damaged")
        marker = content[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker == 0xDA:  # from here on the picture itself, to its end and no further
            end = content.rfind(b"\xff\xd9")
            return bytes(out + content[place : end + 2 if end > place else len(content)])
        (length,) = struct.unpack_from(">H", content, place + 2)
        kept = marker in _SEGMENTS_KEPT or not (0xE0 <= marker <= 0xEF or marker == 0xFE)
        if kept:
            out += content[place : place + 2 + length]
        place += 2 + length
    raise CannotClean("damaged")


def bare_jp2(content: bytes) -> bytes:
    """Return a JPEG 2000 without its boxes of XML and of programs' own; a bare code stream is returned as it is."""
    if content.startswith(b"\xff\x4f"):
        return content
    out, place = bytearray(), 0
    while place + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        if length == 1 and place + 16 <= len(content):
            (length,) = struct.unpack_from(">Q", content, place + 8)
        size = length or len(content) - place
        if size < 8:
            raise CannotClean("damaged")
        if kind not in (b"xml ", b"uuid", b"uinf"):
            out += content[place : place + size]
        place += size
    return bytes(out)


def bare_png(content: bytes) -> bytes:
    """Return a PNG without its texts, Exif and time, its pixels untouched. Raises ``CannotClean``."""
    if not content.startswith(_PNG_HEAD):
        raise CannotClean("damaged")
    out, place = bytearray(_PNG_HEAD), len(_PNG_HEAD)
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        kind = content[place + 4 : place + 8]
        if kind not in _PNG_DROPPED:
            out += content[place : place + 12 + length]
        place += 12 + length
        if kind == b"IEND":
            return bytes(out)
    raise CannotClean("damaged")


def bare_gif(content: bytes) -> bytes:
    """Return a GIF without comments and the notes of programs, but for how often it is played."""
    if content[:6] not in (b"GIF87a", b"GIF89a") or len(content) < 13:
        raise CannotClean("damaged")

    def palette(flags: int) -> int:
        return 3 << ((flags & 7) + 1) if flags & 0x80 else 0

    def blocks(place: int) -> int:
        while content[place]:
            place += 1 + content[place]
        return place + 1

    place = 13 + palette(content[10])
    out = bytearray(content[:place])
    try:
        while content[place] != 0x3B:
            begin = place
            if content[place] == 0x2C:
                place = blocks(place + 11 + palette(content[place + 9]))
                kept = True
            elif content[place] == 0x21:
                kept = content[place + 1] == 0xF9 or content[place + 3 : place + 11] == b"NETSCAPE"
                place = blocks(place + 2)
            else:
                raise CannotClean("damaged")
            if kept:
                out += content[begin:place]
    except IndexError:
        raise CannotClean("damaged") from None
    return bytes(out + b";")


def bare_emf(content: bytes) -> bytes:
    """Return an enhanced metafile whose description (program and title) is blank."""
    if len(content) < 88 or content[40:44] != b" EMF":
        raise CannotClean("damaged")
    count, offset = struct.unpack_from("<II", content, 60)
    if offset + 2 * count > len(content):
        raise CannotClean("damaged")
    return (
        content[:offset] + bytes(2 * count) + content[offset + 2 * count :] if count and offset else content
    )
