"""What leaves a data room: pages as pictures, and copies, each with the viewer's name across it.

No Django models here. PDFium reads and draws, one page at a time and one thread at a time, as it asks for; the mark itself
is one page set by typst, laid over pages and pictures alike.
"""

from __future__ import annotations

import ctypes
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, Final

import pypdfium2 as pdfium
import pypdfium2.raw as raw
from PIL import Image

from park_portal.core.documents.pdf import render_pdf

MOST_PAGES: Final = 300
# Pixels of the longer side of a page as it is shown: a page of small print can be read, and no original is worth less.
SIDE: Final = 1600
MARK_SIDE: Final = 1000
QUALITY: Final = 82

_one_at_a_time = Lock()


class Unreadable(ValueError):
    """A PDF that cannot be drawn: locked, damaged, or of more pages than ``MOST_PAGES`` (``pages`` says how many)."""

    def __init__(self, why: str, pages: int = 0) -> None:
        super().__init__(why)
        self.why, self.pages = why, pages


@dataclass(frozen=True)
class Mark:
    """Whom something is shown to, and when: what stands across it."""

    name: str
    email: str
    at: str

    @property
    def text(self) -> str:
        return f"{self.name} · {self.email} · {self.at}"


@lru_cache(maxsize=64)
def overlay(mark: Mark) -> bytes:
    """Return the mark as a PDF of one square page; the pages of one minute share it."""
    return render_pdf("watermark", {"text": mark.text, "side": MARK_SIDE})


@contextmanager
def _opened(content: bytes) -> Iterator[Any]:
    """Open a PDF while nobody else uses PDFium; raises ``Unreadable``."""
    with _one_at_a_time:
        try:
            document = pdfium.PdfDocument(content)
        except pdfium.PdfiumError as error:
            locked = getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD
            raise Unreadable("locked" if locked else "damaged") from error
        try:
            yield document
        finally:
            document.close()


def count_pages(content: bytes) -> int:
    """Return how many pages a PDF has. Raises ``Unreadable`` where it has none that can be drawn, or too many."""
    with _opened(content) as document:
        pages = len(document)
        if pages > MOST_PAGES:
            raise Unreadable("long", pages)
        if not pages:
            raise Unreadable("damaged")
        try:
            document[0].get_size()
        except pdfium.PdfiumError as error:
            raise Unreadable("damaged") from error
    return pages


def page_picture(content: bytes, number: int, mark: Mark) -> bytes:
    """Return page ``number`` (from 1) of a PDF as a JPEG with the mark across it. Raises ``Unreadable``."""
    over = overlay(mark)
    with _opened(content) as document:
        try:
            page = document[number - 1]
            width, height = page.get_size()
            drawn = page.render(scale=SIDE / max(width, height, 1), may_draw_forms=False).to_pil()
        except pdfium.PdfiumError as error:
            raise Unreadable("damaged") from error
        return _jpeg(_under(drawn, over))


def marked_picture(content: bytes, mark: Mark, *, side: int | None = SIDE) -> bytes:
    """Return a picture as a JPEG with the mark across it, no longer on a side than ``side``."""
    over = overlay(mark)
    with Image.open(io.BytesIO(content)) as picture:
        drawn = picture.convert("RGBA")
    if side is not None:
        drawn.thumbnail((side, side))
    paper = Image.new("RGBA", drawn.size, "white")
    paper.alpha_composite(drawn)
    with _one_at_a_time:
        return _jpeg(_under(paper, over))


def marked_pdf(content: bytes, mark: Mark) -> bytes:
    """Return a copy of a PDF with the mark on every page, and without what is attached to it. Raises ``Unreadable``.

    Only pages are taken over: attached files, scripts and what else hangs on the document as a whole stay behind, and
    so do files pinned to a page, which no mark would reach.
    """
    over = overlay(mark)
    with _opened(content) as document:
        mark_page = pdfium.PdfDocument(over)
        copy = pdfium.PdfDocument.new()
        try:
            copy.import_pages(document)
            drawn = mark_page.page_as_xobject(0, copy)
            for page in copy:
                _drop_attached(page)
                left, bottom, right, top = page.get_bbox()
                scale = max(right - left, top - bottom) / MARK_SIDE
                # From the upper edge down, so that a wide page and a tall one both have it in their middle.
                matrix = pdfium.PdfMatrix().scale(scale, scale).translate(left, top - scale * MARK_SIDE)
                placed = drawn.as_pageobject()
                placed.set_matrix(matrix)
                page.insert_obj(placed)
                page.gen_content()
            out = io.BytesIO()
            copy.save(out)
        except pdfium.PdfiumError as error:
            raise Unreadable("damaged") from error
        finally:
            copy.close()
            mark_page.close()
    return out.getvalue()


def _drop_attached(page: Any) -> None:
    for place in reversed(range(raw.FPDFPage_GetAnnotCount(page))):
        note = raw.FPDFPage_GetAnnot(page, place)
        kind = raw.FPDFAnnot_GetSubtype(note)
        raw.FPDFPage_CloseAnnot(note)
        if kind in (raw.FPDF_ANNOT_FILEATTACHMENT, raw.FPDF_ANNOT_RICHMEDIA):
            raw.FPDFPage_RemoveAnnot(page, ctypes.c_int(place))


def _under(drawn: Image.Image, over: bytes) -> Image.Image:
    """Lay the mark over a picture; called by who holds PDFium."""
    side = max(drawn.size)
    document = pdfium.PdfDocument(over)
    try:
        bitmap = document[0].render(scale=side / MARK_SIDE, fill_color=(0, 0, 0, 0), maybe_alpha=True)
        mark = bitmap.to_pil().convert("RGBA")
    finally:
        document.close()
    marked = drawn.convert("RGBA")
    marked.alpha_composite(mark.crop((0, 0, *drawn.size)))
    return marked


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
