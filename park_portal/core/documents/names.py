"""File names as people may have them: no path, no control or direction characters, not too long."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 120

_FORBIDDEN = re.compile(r'[<>:"|?*]')
_BLANKS = re.compile(r"\s+")


def clean_name(name: str, *, extension: str, fallback: str = "document") -> str:
    """Return ``name`` fit for a disk and a header, ending in ``.extension``.

    Directions, folders, control and invisible characters are dropped, so that ``报告\\u202efdp.exe`` reads
    as what it is. A name that holds nothing else becomes ``fallback``; one longer than ``LONGEST`` is cut
    before its ending.
    """
    text = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    text = "".join(
        " " if c in "\t\r\n" else c for c in text if c in "\t\r\n" or unicodedata.category(c)[0] != "C"
    )
    text = _BLANKS.sub(" ", _FORBIDDEN.sub("_", text)).strip(" ").rstrip(" .")
    stem, dot, ending = text.rpartition(".")
    if not dot or ending.lower() != extension:
        stem = text
    stem = stem.strip(" .")[: LONGEST - len(extension) - 1].strip(" .") or fallback
    return f"{stem}.{extension}"


def ending_of(name: str) -> str:
    """Return the lower-case ending of ``name`` without its point; empty when there is none."""
    stem, dot, ending = name.rpartition(".")
    return ending.strip().lower() if dot and stem else ""
