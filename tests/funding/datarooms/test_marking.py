"""The mark: on every page, however it lies; nothing that no mark reaches; and what cannot be drawn is refused."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import FreeText
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    RectangleObject,
    TextStringObject,
)

from funding.datarooms.marking import (
    MOST_PAGES,
    SIDE,
    Mark,
    Unreadable,
    count_pages,
    marked_pdf,
    marked_picture,
    page_picture,
)
from tests.core.documents import samples
from tests.factories.datarooms import pdf, png

MARK = Mark("沈若谷", "shen@fund.example", "2026-03-31 14:05")


def written(writer: PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def dictionary(values: dict[str, Any]) -> DictionaryObject:
    return DictionaryObject({NameObject(name): value for name, value in values.items()})


def ink(picture: bytes) -> list[int]:
    """How many pixels are not white in each quarter of a picture."""
    image = Image.open(io.BytesIO(picture)).convert("L")
    wide, high = image.width // 2, image.height // 2
    boxes = [(x, y, x + wide, y + high) for y in (0, high) for x in (0, wide)]
    return [sum(image.crop(box).histogram()[:246]) for box in boxes]


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
@pytest.mark.parametrize("box", [(0, 0, 300, 200), (-50, 1000, 550, 1800), (20, 30, 120, 830)])
def test_every_quarter_of_a_page_is_marked_in_pictures_and_copies(turned, box):
    writer = PdfWriter()
    page = writer.add_blank_page(300, 200)
    page.mediabox = page.cropbox = RectangleObject(box)
    page.rotate(turned)
    original = written(writer)
    assert min(ink(page_picture(original, 1, MARK))) > 500
    copy = marked_pdf(original, MARK)
    assert MARK.name in PdfReader(io.BytesIO(copy)).pages[0].extract_text()
    # Drawn with a mark of nothing, what is seen is the mark of the copy.
    assert min(ink(page_picture(copy, 1, Mark("", "", "")))) > 500


def test_a_picture_is_marked_everywhere_and_shown_no_larger_than_needed():
    shown = marked_picture(png((3000, 600)), MARK)
    assert Image.open(io.BytesIO(shown)).size == (SIDE, SIDE // 5)
    white = io.BytesIO()
    Image.new("RGBA", (900, 900), (255, 255, 255, 0)).save(white, "PNG")
    assert min(ink(marked_picture(white.getvalue(), MARK))) > 500


def test_what_no_mark_reaches_stays_behind():
    writer = PdfWriter()
    page = writer.add_blank_page(300, 200)
    writer.add_attachment("原件.xlsx", b"unmarked-figures")
    writer.add_metadata({"/Author": "unmarked-author"})
    stream = DecodedStreamObject()
    stream.set_data(b"unmarked-pinned")
    file = {"/Type": NameObject("/Filespec"), "/F": TextStringObject("x.txt")}
    file["/EF"] = dictionary({"/F": writer._add_object(stream)})
    note = {"/Type": NameObject("/Annot"), "/Subtype": NameObject("/FileAttachment")}
    note["/Rect"] = ArrayObject([FloatObject(n) for n in (10, 10, 30, 30)])
    note["/FS"] = dictionary(file)
    pinned = writer._add_object(dictionary(note))
    writer.add_annotation(0, FreeText(text="note", rect=(40, 40, 80, 60)))
    page[NameObject("/Annots")].append(pinned)
    script = {"/S": NameObject("/JavaScript"), "/JS": TextStringObject("app.alert('unmarked-script')")}
    writer.root_object[NameObject("/OpenAction")] = dictionary(script)
    copy = marked_pdf(written(writer), MARK)
    for word in (b"unmarked-figures", b"unmarked-author", b"unmarked-script", b"unmarked-pinned"):
        assert word not in copy
    read = PdfReader(io.BytesIO(copy))
    assert read.attachments == {}
    kinds = [note.get_object()["/Subtype"] for note in read.pages[0].get("/Annots", [])]
    assert kinds == ["/FreeText"]


def test_what_cannot_be_drawn_is_refused_and_says_why():
    locked = PdfWriter()
    locked.add_blank_page(300, 200)
    locked.encrypt("secret")
    for content, why in (
        (written(locked), "locked"),
        (samples.PDF, "damaged"),
        (b"%PDF-1.7\n", "damaged"),
        (pdf(MOST_PAGES + 1), "long"),
    ):
        with pytest.raises(Unreadable) as refused:
            count_pages(content)
        assert refused.value.why == why
    assert count_pages(pdf(MOST_PAGES)) == MOST_PAGES


def test_a_file_locked_against_changes_alone_is_shown():
    writer = PdfWriter()
    writer.add_blank_page(300, 200)
    writer.encrypt("", owner_password="owner")
    assert count_pages(written(writer)) == 1
    assert MARK.name in PdfReader(io.BytesIO(marked_pdf(written(writer), MARK))).pages[0].extract_text()
