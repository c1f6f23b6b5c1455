"""Files without what they say about who made them."""

import io
import zipfile

import openpyxl
import pytest
from lxml import etree
from PIL import Image
from pypdf import PdfReader, PdfWriter

from park_portal.core.documents import formats
from park_portal.core.documents.cleaning import CannotClean, clean
from park_portal.core.documents.texts import read_text
from tests.core.documents import authored
from tests.core.documents.samples import archive, compound

FILES = {
    "pdf": (authored.pdf, formats.PDF),
    "docx": (authored.docx, formats.DOCX),
    "xlsx": (authored.xlsx, formats.XLSX),
    "pptx": (authored.pptx, formats.PPTX),
}


def left_in(content):
    every = authored.everything_in(content).lower()
    return [mark for mark in authored.MARKS if mark.lower().encode() in every]


@pytest.mark.parametrize("kind", FILES)
def test_nothing_is_left_of_the_author(kind):
    make, format_ = FILES[kind]
    content = make()
    assert len(left_in(content)) >= 2
    cleaned = clean(content, format_)
    assert left_in(cleaned) == []
    assert clean(content, format_) == cleaned
    # What is clean stays as it is.
    assert left_in(clean(cleaned, format_)) == []
    assert formats.sniff(io.BytesIO(cleaned)) is format_


@pytest.mark.parametrize("kind", FILES)
def test_what_one_reads_stays(kind):
    make, format_ = FILES[kind]
    before = read_text(make(), format_)
    after = read_text(clean(make(), format_), format_)
    assert [part.kind for part in after.parts] == [part.kind for part in before.parts]
    assert authored.BODY in after.parts[-1 if kind == "docx" else 0].text


def test_a_pdf_keeps_its_pages_comments_and_pictures():
    reader = PdfReader(io.BytesIO(clean(authored.pdf(), formats.PDF)))
    assert (reader.metadata, reader.xmp_metadata, reader.trailer.get("/ID")) == (None, None, None)
    (page,) = reader.pages
    assert page.extract_text() == authored.BODY
    notes = [one.get_object() for one in page["/Annots"]]
    assert [one.get("/Contents") for one in notes] == ["Look at this.", "And at that.", None]
    assert page.images[0].image.size == (40, 30)
    assert "/OpenAction" not in reader.root_object


def test_earlier_states_of_a_pdf_are_gone():
    content = authored.revised_pdf()
    assert authored.AUTHOR.encode() in content
    assert left_in(clean(content, formats.PDF)) == []


def test_a_pdf_locked_against_changes_is_cleaned_and_one_with_a_password_is_not():
    cleaned = clean(authored.locked_pdf(""), formats.PDF)
    assert (PdfReader(io.BytesIO(cleaned)).is_encrypted, left_in(cleaned)) == (False, [])
    with pytest.raises(CannotClean) as refused:
        clean(authored.locked_pdf("secret"), formats.PDF)
    assert refused.value.reason == "locked"


@pytest.mark.parametrize(
    ("content", "format_", "reason"),
    [
        (authored.with_attachment(), formats.PDF, "attachments"),
        (b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n", formats.PDF, "damaged"),
        (b"%PDF-1.7\n" + b"\x00\xff" * 500, formats.PDF, "damaged"),
        (compound("WordDocument"), formats.DOC, "old_format"),
        (compound("Workbook"), formats.XLS, "old_format"),
        (compound("PowerPoint Document"), formats.PPT, "old_format"),
        (authored.docx(**{"word/media/film.mp4": b"x" * 20}), formats.DOCX, "media"),
        (authored.docx(**{"word/embeddings/old.bin": compound("WordDocument")}), formats.DOCX, "nested"),
        (authored.docx(**{"word/embeddings/odd.bin": b"plain bytes"}), formats.DOCX, "nested"),
        (authored.docx(**{"word/media/image2.png": b"\x89PNG\r\n\x1a\nnothing"}), formats.DOCX, "damaged"),
        (authored.docx(**{"word/document.xml": b"<w:document"}), formats.DOCX, "damaged"),
        (archive({"a.doc": compound("WordDocument")}), formats.ZIP, "old_format"),
        (archive({"a.exe": b"MZ\x90\x00" + bytes(90)}), formats.ZIP, "nested"),
        (b"\x89PNG\r\n\x1a\nnothing", formats.PNG, "damaged"),
    ],
)  # fmt: skip
def test_what_cannot_be_cleaned_for_certain_is_refused(content, format_, reason):
    with pytest.raises(CannotClean) as refused:
        clean(content, format_)
    assert refused.value.reason == reason


def test_a_word_file_says_somebody_where_it_must_and_stays_whole():
    with zipfile.ZipFile(io.BytesIO(clean(authored.docx(), formats.DOCX))) as cleaned:
        names = set(cleaned.namelist())
        document = etree.fromstring(cleaned.read("word/document.xml"))
        comments = cleaned.read("word/comments.xml").decode()
        rels = cleaned.read("word/_rels/document.xml.rels").decode()
        listed = cleaned.read("[Content_Types].xml").decode()
        inner = cleaned.read("word/embeddings/table.xlsx")
        moments = {entry.date_time for entry in cleaned.infolist()}
    assert not [name for name in names if name.startswith(("docProps/", "customXml/")) or "people" in name]
    assert 'w:author="Author" w:initials="A"' in comments
    texts = [one.text for one in document.iter("{*}t")]
    assert texts == [authored.BODY, "Inserted.", None, "7", None, "After."]
    assert document.nsmap["w14"]  # named by mc:Ignorable: without it Word calls the file damaged
    assert ("https://example.com/method" in rels, "people.xml" in rels, "customXml" in rels) == (
        True,
        False,
        False,
    )
    assert "docProps" not in listed
    assert "people" not in listed
    assert left_in(inner) == []
    assert moments == {(1980, 1, 1, 0, 0, 0)}


def test_a_workbook_opens_and_counts():
    book = openpyxl.load_workbook(io.BytesIO(clean(authored.xlsx(), formats.XLSX)))
    sheet = book["Data"]
    assert (sheet["A1"].value, sheet["A2"].value, sheet["A3"].value) == (authored.BODY, 7, "=A2*6")
    assert (sheet["A1"].comment.author, "Is this so?" in sheet["A1"].comment.text) == ("Author", True)
    assert book.properties.creator in (None, "openpyxl")


def test_files_of_a_zip_are_cleaned_and_lose_their_names():
    content = archive(
        {"Lin-Ruoxi-Author/plan.pdf": authored.pdf(), "Lin-Ruoxi-Author/a.docx": authored.docx()}
    )
    cleaned = clean(content, formats.ZIP)
    assert left_in(cleaned) == []
    with zipfile.ZipFile(io.BytesIO(cleaned)) as held:
        assert held.namelist() == ["file-1.pdf", "file-2.docx"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_pictures_keep_their_size_and_nothing_else(kind):
    content = authored.photograph(kind)
    assert b"Secret-Camera" in content
    cleaned = clean(content, getattr(formats, kind))
    assert left_in(cleaned) == []
    assert Image.open(io.BytesIO(cleaned)).size == (40, 30)


def test_a_signature_goes_with_its_certificate():
    from pypdf.generic import DictionaryObject, NameObject, TextStringObject

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(authored.page())))
    signature = writer._add_object(
        DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Sig"),
                NameObject("/Name"): TextStringObject(authored.AUTHOR),
                NameObject("/Contents"): TextStringObject(authored.COMPANY),
            }
        )
    )
    writer.root_object[NameObject("/Perms")] = DictionaryObject({NameObject("/DocMDP"): signature})
    out = io.BytesIO()
    writer.write(out)
    assert left_in(clean(out.getvalue(), formats.PDF)) == []


def test_text_is_read_page_by_page_and_what_has_none_is_counted():
    reading = read_text(authored.pdf("Hello page"), formats.PDF)
    assert [(part.kind, part.name, part.text) for part in reading.parts] == [("page", "1", "Hello page")]
    writer = PdfWriter()
    writer.add_blank_page(10, 10)
    out = io.BytesIO()
    writer.write(out)
    assert (read_text(out.getvalue(), formats.PDF).parts, read_text(out.getvalue(), formats.PDF).unread) == (
        [],
        1,
    )
    book = read_text(authored.xlsx("林若溪"), formats.XLSX)
    assert [(part.kind, part.name) for part in book.parts] == [("sheet", "Data"), ("comments", "")]
    assert "林若溪" in book.parts[0].text
    deck = read_text(authored.pptx("林若溪"), formats.PPTX)
    assert [(part.kind, part.name, part.text) for part in deck.parts] == [("slide", "1", "林若溪")]
    assert read_text("林若溪".encode("gb18030"), formats.TEXT).parts[0].text == "林若溪"
    packed = read_text(archive({"a.docx": authored.docx("林若溪")}), formats.ZIP)
    assert (packed.parts[0].kind, packed.parts[0].name, "林若溪" in packed.parts[0].text) == (
        "file",
        "a.docx",
        True,
    )
    assert read_text(b"%PDF-junk", formats.PDF).unread == 1
    assert read_text(compound("WordDocument"), formats.DOC).unread == 1
