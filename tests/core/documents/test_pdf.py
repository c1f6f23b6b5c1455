"""PDFs carry their own Chinese font and never run what is in their data."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pypdf
import pytest
from django.utils.translation import gettext_lazy as _

from park_portal.core.documents.glyphs import printable
from park_portal.core.documents.pdf import FONT, render_pdf


def letter(**part):
    return {"reference": "AIBT-2026-0001", "parts": [{"lang": "zh", "title": "申请受理回执", **part}]}


def read(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def fonts(pdf: bytes) -> list:
    found = []
    for page in pypdf.PdfReader(io.BytesIO(pdf)).pages:
        for font in page["/Resources"]["/Font"].values():
            found.extend(font.get_object()["/DescendantFonts"])
    return [font.get_object() for font in found]


def test_chinese_is_embedded():
    pdf = render_pdf(
        "letter", letter(to="上海青芯生物科技有限公司", paragraphs=["复旦大学青浦创新中心，𠮷。"])
    )
    text = read(pdf)
    assert "复旦大学国家大学科技园" in text
    assert "上海青芯生物科技有限公司" in text
    assert "复旦大学青浦创新中心，𠮷。" in text
    used = fonts(pdf)
    assert used
    for font in used:
        assert "NotoSansCJKsc" in font["/BaseFont"]
        assert "/FontFile3" in font["/FontDescriptor"]


def test_what_the_font_lacks_is_printed_as_a_box():
    title = "基于😀类器官的𠮷药筛 ☺\ufe0f ① ㎡ café 👨\u200d👩\u200d👧"
    assert printable(title, FONT) == "基于□类器官的𠮷药筛 □ ① ㎡ café □□□"
    text = read(render_pdf("letter", letter(paragraphs=[title])))
    assert "基于□类器官的𠮷药筛 □ ① ㎡ café □□□" in text


def test_only_our_own_fonts_are_asked(monkeypatch, tmp_path):
    monkeypatch.setenv("FONTCONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    from park_portal.core.documents import pdf as module

    assert {font.family for font in module._fonts().fonts() if "SC" in font.family} == {
        "Noto Sans CJK SC",
        "Noto Sans Mono CJK SC",
    }


def test_data_is_never_markup():
    hostile = '#panic("x") *stars* $a^2$ `raw` \\ // <label> @ref #image("/etc/passwd") "quoted" #{1+1}'
    text = read(render_pdf("letter", letter(paragraphs=[hostile], facts=[["#let x = 1", "= heading"]])))
    flat = " ".join(text.split())
    assert '#panic("x") *stars* $a^2$ `raw` \\ // <label> @ref' in flat
    assert '#image("/etc/passwd")' in flat
    assert "#let x = 1" in flat
    assert "= heading" in flat


def test_the_same_data_gives_the_same_bytes():
    data = letter(paragraphs=["内容"], facts=[["编号", "AIBT-2026-0001"]])
    assert render_pdf("letter", data) == render_pdf("letter", data)
    assert pypdf.PdfReader(io.BytesIO(render_pdf("letter", data))).metadata.get("/CreationDate") is None


def test_two_languages_and_a_table():
    data = {
        "reference": "AIBT-2026-0001",
        "foot": "portal.example.org",
        "parts": [
            {
                "lang": "zh",
                "title": "立项通知书",
                "table": {
                    "head": ["科目", "#金额"],
                    "rows": [["设备费", "400,000.00"]],
                    "sums": ["合计", "400,000.00"],
                },
                "signed": "青浦创新中心",
                "date": "2026年3月2日",
            },
            {"lang": "en", "title": "Award letter", "to": "Qingxin Biotech", "note": "Keep this letter."},
        ],
    }
    pdf = render_pdf("letter", data)
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]
    assert len(pages) == 2
    assert "立项通知书" in pages[0]
    assert "合计" in pages[0]
    assert "Award letter" in pages[1]
    assert "Qingxin Biotech," in pages[1]
    assert "2 / 2" in pages[1]
    assert "AIBT-2026-0001" in pages[1]


def test_values_of_the_portal_are_understood():
    facts = [["amount", Decimal("12.50")], ["day", date(2026, 3, 2)], ["label", _("date")]]
    text = read(render_pdf("letter", letter(facts=[[label, str(value)] for label, value in facts])))
    assert "12.50" in text
    assert "2026-03-02" in text


def test_null_bytes_and_long_texts_do_not_break_a_letter():
    pdf = render_pdf("letter", letter(paragraphs=["空\x00字符", "长" * 20_000, "x" * 5_000]))
    assert "空字符" in read(pdf).replace("\ufffd", "")
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) > 10


@pytest.mark.parametrize("name", ["nothing", "../../manage", "/etc/passwd"])
def test_an_unknown_template_is_an_error(name):
    with pytest.raises(FileNotFoundError):
        render_pdf(name, {})
