"""Excel files of any length with flat memory: rows are written as they come and never kept."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, Literal

import xlsxwriter
from django.core.files import File
from django.utils import timezone
from django.utils.translation import gettext as _
from xlsxwriter.worksheet import Worksheet

from park_portal.core.documents import formats
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import store_document
from park_portal.core.errors import DomainError, Text
from park_portal.core.jobs.progress import Progress
from park_portal.core.workflow import SYSTEM

ROWS_MAX: Final = 1_048_575  # of a sheet, below its heading
TEXT_MAX: Final = 32_767  # characters of a cell
EXPORT_MAX: Final = 1 << 30
REPORT_EVERY: Final = 100

Kind = Literal["auto", "money"]


@dataclass(frozen=True)
class Column:
    """One column: its heading, how a row's value is got (a function or an attribute), and its width in
    characters.

    Kind "money" takes fen and shows yuan. "auto" goes by the value: numbers, dates, moments (in
    Shanghai), yes or no; everything else is text and stays text, whatever it begins with.
    """

    head: Text
    value: Callable[[Any], Any] | str
    width: int = 16
    kind: Kind = "auto"


def write_rows(
    path: str | Path,
    columns: Iterable[Column],
    rows: Iterable[Any],
    progress: Callable[[int, int | None], None] | None = None,
    *,
    total: int | None = None,
    sheet: str = "",
) -> int:
    """Write ``rows`` to an Excel file at ``path`` and return how many there were.

    Raises ``DomainError`` beyond the rows that a sheet holds.
    """
    book = xlsxwriter.Workbook(
        str(path),
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    try:
        return _fill(book, list(columns), rows, progress, total, sheet)
    finally:
        book.close()


def export_rows(
    columns: Iterable[Column],
    rows: Iterable[Any],
    progress: Progress,
    *,
    name: str,
    total: int | None = None,
    sheet: str = "",
) -> Document:
    """Write ``rows`` to an Excel file called ``name``, keep it as the result of the progress's job and
    return it.

    Give a query set's ``.iterator(chunk_size=2000)``: it reads from a cursor on the server, and memory
    stays flat.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.xlsx"
        write_rows(path, columns, rows, progress, total=total, sheet=sheet)
        with open(path, "rb") as file:
            return store_document(
                File(file, name=name),
                actor=progress.job.owner or SYSTEM,
                subject=progress.job,
                kind="result",
                name=name if name.endswith(".xlsx") else f"{name}.xlsx",
                allowed={formats.XLSX},
                max_bytes=EXPORT_MAX,
            )


def _fill(
    book: xlsxwriter.Workbook,
    columns: list[Column],
    rows: Iterable[Any],
    progress: Callable[[int, int | None], None] | None,
    total: int | None,
    sheet: str,
) -> int:
    page: Worksheet = book.add_worksheet(sheet[:31] or None)
    head = book.add_format(
        {"bold": True, "bottom": 1, "bg_color": "#eef1ed", "text_wrap": True, "valign": "top"}
    )
    money = book.add_format({"num_format": "#,##0.00"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    page.freeze_panes(1, 0)
    for index, column in enumerate(columns):
        page.set_column(index, index, column.width)
        page.write_string(0, index, str(column.head), head)
    getters = [column.value if callable(column.value) else attrgetter(column.value) for column in columns]
    plan = [
        (index, getter, column.kind == "money")
        for index, (getter, column) in enumerate(zip(getters, columns, strict=True))
    ]
    yes, no = _("yes"), _("no")
    number = 0
    for row in rows:
        number += 1
        if number > ROWS_MAX:
            raise DomainError(
                _("An Excel sheet holds at most 1,048,575 rows. Narrow the filter."), code="too_many_rows"
            )
        for index, getter, is_money in plan:
            value = getter(row)
            if value is None or value == "":
                continue
            if isinstance(value, str):
                page.write_string(number, index, value[:TEXT_MAX])
            elif is_money:
                page.write_number(number, index, value / 100, money)
            elif isinstance(value, bool):
                page.write_string(number, index, yes if value else no)
            elif isinstance(value, int | float | Decimal):
                page.write_number(number, index, value)
            elif isinstance(value, datetime):
                local = timezone.localtime(value) if timezone.is_aware(value) else value
                page.write_datetime(number, index, local.replace(tzinfo=None), moment)
            elif isinstance(value, date | time):
                page.write_datetime(number, index, value, day)
            else:
                page.write_string(number, index, str(value)[:TEXT_MAX])
        if progress is not None and number % REPORT_EVERY == 0:
            progress(number, total)
    if columns:
        page.autofilter(0, 0, number, len(columns) - 1)
    if progress is not None:
        progress(number, total if total is not None else number)
    return number
