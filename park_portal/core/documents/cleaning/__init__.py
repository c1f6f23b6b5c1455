"""Files without what they say about who made them: the copies that reviewers get who must not know who applies.

No Django here. What one sees on the page or the sheet stays; what stands beside it (authors, companies, programs, paths
on the writer's disk, who commented and who changed what) goes. What cannot be cleaned for certain is refused with
``CannotClean``, never passed on as it is.
"""

from __future__ import annotations

import io
import zipfile
from typing import Final

from park_portal.core.documents import archives, formats
from park_portal.core.documents.cleaning.office import clean_office
from park_portal.core.documents.cleaning.parts import CannotClean, packed
from park_portal.core.documents.cleaning.pdf import clean_pdf
from park_portal.core.documents.formats import Format
from park_portal.core.documents.images import Damaged, Flood, Moving, redraw

__all__ = ["REVISION", "CannotClean", "clean"]

# Goes up when more is taken out than before: copies made by an earlier one are made anew.
REVISION: Final = 1
DEPTH_MAX: Final = 3
_OLD: Final = frozenset({formats.DOC, formats.XLS, formats.PPT})


def clean(content: bytes, format_: Format, *, depth: int = 1) -> bytes:
    """Return ``content``, a file of ``format_``, without what tells who made it.

    The same content gives the same bytes. Raises ``CannotClean`` with the reason.
    """
    if format_ is formats.PDF:
        return clean_pdf(content)
    if format_ in formats.IMAGES:
        return _picture(content, format_)
    if format_ is formats.TEXT:
        return content
    if format_ in _OLD:
        # Word 97 keeps the names of those who saved it last, and where, among its formatting.
        raise CannotClean("old_format")
    if format_ is formats.ZIP:
        return _archive(content, depth=depth)
    return clean_office(content, lambda inner: _inner(inner, depth=depth + 1))


def _picture(content: bytes, format_: Format) -> bytes:
    try:
        return redraw(io.BytesIO(content), format_)
    except (Damaged, Flood, Moving):
        raise CannotClean("damaged") from None


def _inner(content: bytes, *, depth: int) -> tuple[bytes, Format]:
    """Return the cleaned content of a file within a file, and what it is."""
    if depth > DEPTH_MAX:
        raise CannotClean("nested")
    try:
        found = formats.sniff(io.BytesIO(content))
    except archives.Harmful:
        raise CannotClean("nested") from None
    if found is None:
        raise CannotClean("nested")
    return clean(content, found, depth=depth), found


def _archive(content: bytes, *, depth: int) -> bytes:
    """Clean every file of a zip; their names and folders, which may name people, become numbers."""
    files: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            if entry.is_dir():
                continue
            cleaned, found = _inner(archive.read(entry), depth=depth + 1)
            files[f"file-{len(files) + 1}.{found.extensions[0]}"] = cleaned
    return packed(files)
