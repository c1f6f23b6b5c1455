"""Files are told by their bytes, whatever they are called."""

from __future__ import annotations

import io
import tracemalloc
import zipfile

import pytest

from park_portal.core.documents import formats
from park_portal.core.documents.archives import ENTRIES_MAX, Bomb
from park_portal.core.documents.formats import sniff
from park_portal.core.documents.names import LONGEST, clean_name, ending_of
from tests.core.documents import samples


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (samples.PDF, formats.PDF),
        (samples.PNG, formats.PNG),
        (samples.JPEG, formats.JPEG),
        (samples.WEBP, formats.WEBP),
        (samples.office("docx"), formats.DOCX),
        (samples.office("xlsx"), formats.XLSX),
        (samples.office("pptx"), formats.PPTX),
        (samples.workbook(), formats.XLSX),
        (samples.compound("WordDocument"), formats.DOC),
        (samples.compound("Workbook"), formats.XLS),
        (samples.compound("PowerPoint Document"), formats.PPT),
        (samples.archive({"a.txt": b"a"}), formats.ZIP),
        ("名称,金额\n青芯,120\n".encode(), formats.TEXT),
        ("名称,金额\n青芯,120\n".encode("gb18030"), formats.TEXT),
        ("\ufeffname\n𠮷野家😀\n".encode(), formats.TEXT),
        (samples.HTML, None),
        (samples.compound("Anything"), None),
        (samples.EXE, None),
        (b"", None),
        (b"\x00" * 64, None),
        (b"PK\x03\x04 not really a zip", None),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 cut short", None),
        (b"text with a bell \x07", None),
    ],
    # Office files hold the moment they were made; ids of their bytes would differ between processes.
    ids=lambda value: "bytes" if isinstance(value, bytes) else None,
)
def test_sniff(content, expected):
    file = io.BytesIO(content)
    assert sniff(file) == expected
    assert file.tell() == 0


def test_a_text_sample_may_end_inside_a_character():
    content = b"a" + "浦".encode() * formats.TEXT_SAMPLE
    assert sniff(io.BytesIO(content)) == formats.TEXT


def test_a_bomb_is_refused_without_unpacking_it():
    packed = samples.archive({"[Content_Types].xml": b"<Types/>", "bomb": b"\0" * (200 << 20)})
    assert len(packed) < 300_000
    tracemalloc.start()
    with pytest.raises(Bomb):
        sniff(io.BytesIO(packed))
    assert tracemalloc.get_traced_memory()[1] < 2 << 20
    tracemalloc.stop()


def test_a_bomb_in_the_content_types_is_refused():
    packed = samples.archive({"[Content_Types].xml": b" " * (8 << 20)})
    with pytest.raises(Bomb):
        sniff(io.BytesIO(packed))


def test_very_many_entries_are_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for number in range(ENTRIES_MAX + 1):
            file.writestr(str(number), b"")
    with pytest.raises(Bomb):
        sniff(out)


def test_a_loop_in_the_old_directory_ends():
    looped = bytearray(samples.compound("Nothing"))
    looped[512 + 8 : 512 + 12] = (1).to_bytes(4, "little")  # sector 2 is followed by sector 1
    assert sniff(io.BytesIO(bytes(looped))) is None


@pytest.mark.parametrize(
    ("name", "extension", "expected"),
    [
        ("商业计划书.pdf", "pdf", "商业计划书.pdf"),
        ("商业计划书.PDF", "pdf", "商业计划书.pdf"),
        ("C:\\Users\\li\\计划 书.pdf", "pdf", "计划 书.pdf"),
        ("../../etc/passwd", "pdf", "passwd.pdf"),
        ("a\x00b\r\nc.pdf", "pdf", "ab c.pdf"),
        ("报告\u202efdp.exe", "pdf", "报告fdp.exe.pdf"),
        ("zero\u200bwidth\ufeff.pdf", "pdf", "zerowidth.pdf"),
        ("  . .pdf", "pdf", "document.pdf"),
        (".pdf", "pdf", "document.pdf"),
        ("", "pdf", "document.pdf"),
        ('数据<1>:"x".xlsx', "xlsx", "数据_1___x_.xlsx"),
        ("emoji😀𠮷.docx", "docx", "emoji😀𠮷.docx"),
        ("v1.2", "pdf", "v1.2.pdf"),
        ("e\u0301.pdf", "pdf", "\u00e9.pdf"),
        ("CON.pdf", "pdf", "_CON.pdf"),
        ("nul", "pdf", "_nul.pdf"),
        ("lpt1.2026.pdf", "pdf", "_lpt1.2026.pdf"),
        ("COM².pdf", "pdf", "_COM².pdf"),
        ("CONTRACT.pdf", "pdf", "CONTRACT.pdf"),
        ("a\u2028b\u2029c.pdf", "pdf", "a b c.pdf"),
        ("\u2066a\u2069\u061cb.pdf", "pdf", "ab.pdf"),
    ],
)
def test_clean_name(name, extension, expected):
    assert clean_name(name, extension=extension) == expected


def test_a_long_name_keeps_its_ending():
    cleaned = clean_name("L" * 500 + ".docx", extension="docx")
    assert (len(cleaned), cleaned[-6:]) == (LONGEST, "L.docx")
    cleaned = clean_name("长" * 500 + ".docx", extension="docx")
    assert (len(cleaned.encode()), cleaned[-6:]) == (239, "长.docx")


@pytest.mark.parametrize(
    ("name", "ending"), [("a.PDF", "pdf"), ("a.tar.gz", "gz"), ("a", ""), (".bashrc", ""), ("a.", "")]
)
def test_ending_of(name, ending):
    assert ending_of(name) == ending
