"""File names as people may have them: no path, no control or direction characters, not too long."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 120
LONGEST_BYTES: Final = 240  # a disk takes 255, and browsers write " (1)" behind a name they have

_FORBIDDEN = re.compile(r'[<>:"|?*]')
_BLANKS = re.compile(r"\s+")
# Windows takes these for devices, whatever ending they have.
_DEVICES = re.compile(
    r"(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE
)


def clean_name(name: str, *, extension: str, fallback: str = "document") -> str:
    """Return ``name`` fit for a disk and a header, ending in ``.extension``.

    Directions, folders, control and invisible characters are dropped, so that ``报告\\u202efdp.exe`` reads
    as what it is. A name that holds nothing else becomes ``fallback``; one longer than ``LONGEST`` characters or
    ``LONGEST_BYTES`` bytes is cut before its ending; one that Windows keeps for a device gets a ``_`` before it.
    """
    text = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    text = "".join(
        " " if c in "\t\r\n" else c for c in text if c in "\t\r\n" or unicodedata.category(c)[0] != "C"
    )
    text = _BLANKS.sub(" ", _FORBIDDEN.sub("_", text)).strip(" ").rstrip(" .")
    stem, dot, ending = text.rpartition(".")
    if not dot or ending.lower() != extension:
        stem = text
    stem = stem.strip(" .")
    if _DEVICES.match(stem):
        stem = f"_{stem}"
    stem = stem[: LONGEST - len(extension) - 1]
    stem = stem.encode()[: LONGEST_BYTES - len(extension) - 1].decode(errors="ignore").strip(" .")
    return f"{stem or fallback}.{extension}"


def ending_of(name: str) -> str:
    """Return the lower-case ending of ``name`` without its point; empty when there is none."""
    stem, dot, ending = name.rpartition(".")
    return ending.strip().lower() if dot and stem else ""
