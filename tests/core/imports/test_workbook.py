import io
import zipfile

import openpyxl
import pytest

from park_portal.core.errors import DomainError
from park_portal.core.imports.workbook import FormulaWithoutValue, read_workbook


def workbook_bytes(*sheets: tuple[str, list[list[object]]], hidden: tuple[str, ...] = ()) -> bytes:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets:
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
        sheet.sheet_state = "hidden" if name in hidden else "visible"
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def test_read_workbook_numbers_rows_as_excel_does_and_drops_empty_ones():
    content = workbook_bytes(("甲", [["名称"], [None], ["  "], ["一"]]))
    [sheet] = read_workbook(content)
    assert (sheet.name, sheet.rows) == ("甲", [(1, ["名称"]), (4, ["一"])])


def test_read_workbook_leaves_out_hidden_and_empty_sheets():
    content = workbook_bytes(("数据", [["名称"]]), ("空", []), ("词典", [["a"]]), hidden=("词典",))
    assert [sheet.name for sheet in read_workbook(content)] == ["数据"]


def test_read_workbook_marks_formulas_that_were_never_calculated():
    [sheet] = read_workbook(workbook_bytes(("甲", [["名称", "金额"], ["一", "=1+2"]])))
    assert isinstance(sheet.rows[1][1][1], FormulaWithoutValue)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gb18030", "utf-16"])
def test_read_workbook_reads_csv_in_the_encodings_of_chinese_offices(encoding):
    [sheet] = read_workbook("名称,金额\n上海某公司,3\n".encode(encoding), "a.csv")
    assert sheet.rows == [(1, ["名称", "金额"]), (2, ["上海某公司", "3"])]


def damaged_workbook() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<broken")
    return buffer.getvalue()


def other_archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\0\0\0\0", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, "old_excel"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "unreadable"),
        (b"PK\x03\x04 broken", "unreadable"),
        (damaged_workbook(), "unreadable"),
        (other_archive(), "unreadable"),
        (b"just a text", "unreadable"),
        (b"x" * (10 * 1024 * 1024 + 1), "too_large"),
        (workbook_bytes(("空", [])), "empty"),
    ],
)
def test_read_workbook_refuses_other_files_with_a_reason(content, code):
    with pytest.raises(DomainError) as refused:
        read_workbook(content, "a.xlsx")
    assert refused.value.code == code


def test_read_workbook_refuses_a_bomb_before_reading_it_and_fetches_nothing():
    honest = workbook_bytes(("甲", [["名称"], ["一"]]))

    def with_part(name: str, content: bytes) -> bytes:
        out = io.BytesIO(honest)
        with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        return out.getvalue()

    with pytest.raises(DomainError) as refused:
        read_workbook(with_part("xl/media/zeros.bin", bytes(150 << 20)))
    assert refused.value.code == "too_large"
    # An entity that names a file of the server, or another address, is not read.
    for address in ("file:///etc/hostname", "http://127.0.0.1:9/"):
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(honest)) as was, zipfile.ZipFile(out, "w") as archive:
            for entry in was.infolist():
                text = was.read(entry)
                if entry.filename.endswith("sheet1.xml"):
                    body = text.partition(b"?>")[2] if text.startswith(b"<?xml") else text
                    head = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{address}">]>'.encode()
                    text = head + body.replace(
                        b"</sheetData>", b'<row r="9"><c r="A9" t="str"><v>&e;</v></c></row></sheetData>'
                    )
                archive.writestr(entry.filename, text)
        try:
            cells = [
                cell for sheet in read_workbook(out.getvalue()) for _number, row in sheet.rows for cell in row
            ]
        except DomainError as error:
            cells = [error.code]
        assert cells in (["unreadable"], ["名称", "一"])
