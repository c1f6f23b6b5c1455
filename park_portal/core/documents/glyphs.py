"""Which characters the font of our PDFs can draw: typst leaves out the others without a word."""

from __future__ import annotations

import struct
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from pathlib import Path
from typing import Final

# What is printed in the place of a character that the font lacks: an empty box, as people know it from elsewhere.
MISSING: Final = "\u25a1"
# Joiners, variation selectors and marks only change the character before them; without it they are nothing.
_SILENT: Final = frozenset({"Cf", "Mn", "Me", "Cc", "Zl", "Zp"})


@lru_cache(maxsize=4)
def _ranges(font: Path) -> tuple[list[int], list[int]]:
    """Return the first and the last characters of the ranges that the font (.otf, .ttf or .ttc) covers, in order.

    Read from the table ``cmap``, format 12: OpenType specification 1.9.1, "cmap".
    """
    data = font.read_bytes()
    start = struct.unpack_from(">I", data, 12)[0] if data[:4] == b"ttcf" else 0
    for number in range(struct.unpack_from(">H", data, start + 4)[0]):
        tag, _sum, table, _length = struct.unpack_from(">4sIII", data, start + 12 + 16 * number)
        if tag == b"cmap":
            break
    else:
        raise ValueError(f"{font} has no table cmap")
    for number in range(struct.unpack_from(">H", data, table + 2)[0]):
        _platform, _encoding, offset = struct.unpack_from(">HHI", data, table + 4 + 8 * number)
        place = table + offset
        if struct.unpack_from(">H", data, place)[0] == 12:
            count = struct.unpack_from(">I", data, place + 12)[0]
            groups = [struct.unpack_from(">II", data, place + 16 + 12 * group) for group in range(count)]
            return [first for first, _last in groups], [last for _first, last in groups]
    raise ValueError(f"{font} has no map of all characters")


def printable(text: str, font: Path) -> str:
    """Return ``text`` with an empty box for each character that the font cannot draw."""
    if text.isascii():
        return text
    firsts, lasts = _ranges(font)
    drawn: list[str] = []
    for char in text:
        code = ord(char)
        place = bisect_right(firsts, code) - 1
        if code < 128 or (place >= 0 and code <= lasts[place]):
            drawn.append(char)
        elif unicodedata.category(char) not in _SILENT:
            drawn.append(MISSING)
    return "".join(drawn)
