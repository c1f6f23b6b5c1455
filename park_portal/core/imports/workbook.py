"""Reading a workbook or a CSV file that somebody's office sent: cells as they are, whatever they are."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import ParseError

from django.utils.translation import gettext_lazy as _

from park_portal.core.documents import archives
from park_portal.core.errors import DomainError

MAX_BYTES = 10 * 1024 * 1024
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
MAX_ROWS = 20_000
MAX_COLUMNS = 200
OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class FormulaWithoutValue:
    """Stands in a cell whose formula was never calculated, so that no value is known."""

    def __str__(self) -> str:
        return "="


@dataclass
class Sheet:
    """One sheet: its name and its rows with the row number that Excel shows; empty rows are left out.

    ``formulas`` are the numbers of the rows in which a cell holds a formula, whether its value is known or not.
    """

    name: str
    rows: list[tuple[int, list[Any]]] = field(default_factory=list)
    formulas: set[int] = field(default_factory=set)


def read_workbook(content: bytes, file_name: str = "") -> list[Sheet]:
    """Returns the sheets of an .xlsx workbook or the one sheet of a CSV file, empty sheets left out.

    Goes by what the file is, not by its extension. Raises DomainError for anything that cannot be read.
    """
    if len(content) > MAX_BYTES:
        raise DomainError(
            _("The file is larger than 10 MB. Split it, or remove pictures from it."), code="too_large"
        )
    if not content.strip(b"\0 \r\n\t"):
        raise DomainError(_("The file is empty."), code="empty")
    if content.startswith(OLD_EXCEL):
        raise DomainError(
            _(
                "This is an old Excel file (.xls), or one with a password. Open it in Excel and save it as .xlsx."
            ),
            code="old_excel",
        )
    if content.startswith(b"PK"):
        sheets = _read_xlsx(content)
    else:
        sheets = [_read_csv(content, file_name)]
    sheets = [sheet for sheet in sheets if sheet.rows]
    if not sheets:
        raise DomainError(_("The file has no rows."), code="empty")
    return sheets


def _read_xlsx(content: bytes) -> list[Sheet]:
    import openpyxl  # Every process of the portal would wait an eighth of a second for it.
    from openpyxl.utils.exceptions import InvalidFileException

    unreadable = DomainError(
        _("This file cannot be read as an Excel workbook. Open it in Excel and save it as .xlsx."),
        code="unreadable",
    )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(item.file_size for item in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise DomainError(_("The workbook is too large to be read."), code="too_large")
            if "xl/workbook.xml" not in archive.namelist():
                raise unreadable
        _refuse_bomb(content)
        values = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        formulas = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False)
        return [
            _read_sheet(sheet, formulas[sheet.title])
            for sheet in values.worksheets
            if sheet.sheet_state == "visible"
        ]
    # What openpyxl raises on a damaged part is not documented; these are the ones its readers let through.
    except (
        zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, TypeError, IndexError,
        AttributeError, EOFError, OSError, NotImplementedError, RuntimeError,
    ) as error:  # fmt: skip
        raise unreadable from error


def _refuse_bomb(content: bytes) -> None:
    """Raise ``DomainError`` for what unpacks to more than it says, or to very many entries. What else an uploaded file is
    refused for (macros, links) harms who opens it; of this one only the cells are read.
    """
    try:
        archives.inspect(io.BytesIO(content))
    except archives.Bomb as error:
        raise DomainError(_("The workbook is too large to be read."), code="too_large") from error
    except archives.Harmful:
        return


def _read_sheet(values: Any, formulas: Any) -> Sheet:
    sheet = Sheet(values.title)
    # Some exporters write a wrong extent into the file; without it the rows themselves are believed.
    values.reset_dimensions()
    formulas.reset_dimensions()
    pairs = zip(
        values.iter_rows(max_col=MAX_COLUMNS, values_only=True),
        formulas.iter_rows(max_col=MAX_COLUMNS, values_only=True),
        strict=False,
    )
    for number, (row, source) in enumerate(pairs, 1):
        cells = [
            FormulaWithoutValue() if value is None and isinstance(raw, str) and raw.startswith("=") else value
            for value, raw in zip(row, source, strict=False)
        ]
        if any(isinstance(raw, str) and raw.startswith("=") for raw in source):
            sheet.formulas.add(number)
        _add(sheet, number, cells)
    return sheet


def _read_csv(content: bytes, file_name: str) -> Sheet:
    text = _decode(content)
    if "\0" in text:
        raise DomainError(
            _(
                "This is neither an Excel workbook (.xlsx) nor a CSV file. Open it in Excel and save it as .xlsx."
            ),
            code="unreadable",
        )
    try:
        dialect: Any = csv.Sniffer().sniff(text[:8192], delimiters=",;\t")
    except csv.Error:
        dialect = csv.excel
    sheet = Sheet(file_name or "CSV")
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text), dialect), 1):
            _add(sheet, number, [cell if cell.strip() else None for cell in row[:MAX_COLUMNS]])
    except csv.Error as error:
        raise DomainError(
            _("This CSV file cannot be read: a quotation mark is not closed."), code="unreadable"
        ) from error
    if not any(len(row) > 1 for _number, row in sheet.rows):
        raise DomainError(
            _(
                "This is neither an Excel workbook (.xlsx) nor a CSV file. Open it in Excel and save it as .xlsx."
            ),
            code="unreadable",
        )
    return sheet


def _decode(content: bytes) -> str:
    # Chinese Excel writes CSV as GB 18030, others as UTF-8 with a mark, or UTF-16 ("Unicode text").
    encodings: Sequence[str] = (
        ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030")
    )
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DomainError(_("The characters of this file cannot be read. Save it as .xlsx."), code="unreadable")


def _add(sheet: Sheet, number: int, cells: list[Any]) -> None:
    while cells and cells[-1] in (None, ""):
        cells.pop()
    if not any(cell not in (None, "") and str(cell).strip() for cell in cells):
        return
    if len(sheet.rows) > MAX_ROWS:
        raise DomainError(
            _("The sheet has more than 20,000 rows. Split it into several files."), code="too_large"
        )
    sheet.rows.append((number, cells))
