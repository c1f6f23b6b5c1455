"""Statements and journals as files, for Excel and for accounting software."""

from __future__ import annotations

import io
from collections.abc import Sequence
from tempfile import NamedTemporaryFile
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from park_portal.core.jobs.excel import Column, write_rows
from park_portal.core.ledger.registry import code_label, kind_label
from park_portal.core.ledger.services.journal import Journal, JournalLine
from park_portal.core.ledger.services.reading import Line, Statement
from park_portal.core.ledger.states import Software
from park_portal.core.money import fen_to_yuan

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def statement_as_excel(statement: Statement) -> bytes:
    """Return the statement as an Excel file: opening, movements, closing."""
    rows: list[Line | str] = ["opening", *statement.lines, "closing"]
    ends = {
        "opening": (_("Opening"), statement.since, statement.opening_fen),
        "closing": (_("Closing"), statement.until, statement.closing_fen),
    }
    sums = {"opening": (None, None), "closing": (statement.debits_fen, statement.credits_fen)}
    columns = [
        Column(
            gettext_lazy("Business date"),
            lambda row: ends[row][1] if isinstance(row, str) else row.transfer.business_date,
            14,
        ),
        Column(
            gettext_lazy("What for"),
            lambda row: ends[row][0] if isinstance(row, str) else str(code_label(row.transfer.code)),
            24,
        ),
        Column(gettext_lazy("Memo"), lambda row: "" if isinstance(row, str) else row.transfer.memo, 40),
        Column(
            gettext_lazy("Other account"),
            lambda row: (
                "" if isinstance(row, str) else f"{kind_label(row.other.kind)} {row.other.label}".strip()
            ),
            32,
        ),
        Column(
            gettext_lazy("Debit"),
            lambda row: sums[row][0] if isinstance(row, str) else row.debit_fen or None,
            16,
            "money",
        ),
        Column(
            gettext_lazy("Credit"),
            lambda row: sums[row][1] if isinstance(row, str) else row.credit_fen or None,
            16,
            "money",
        ),
        Column(
            gettext_lazy("Balance"),
            lambda row: ends[row][2] if isinstance(row, str) else row.balance_fen,
            16,
            "money",
        ),
        Column(gettext_lazy("Transfer"), lambda row: None if isinstance(row, str) else row.transfer.pk, 12),
    ]
    return _excel(columns, rows)


# The headings that accounting software looks for are Chinese, whatever language the portal is read in.
JOURNAL: Final = (
    "日期",
    "凭证字",
    "凭证号",
    "摘要",
    "科目编码",
    "科目名称",
    "借方金额",
    "贷方金额",
    "流水号",
)
_WORD: Final = "记"


def journal_as_file(journal: Journal, software: str) -> tuple[bytes, str, str]:
    """Return (content, media type, ending) of the journal in the form that the accounting software takes."""
    if software == Software.EXCEL:
        return _excel(_journal_columns(), journal.lines), XLSX, "xlsx"
    text = io.StringIO()
    rows = [JOURNAL, *([str(value) for value in _values(line)] for line in journal.lines)]
    for row in rows:
        text.write(",".join(csv_cell(value) for value in row) + "\r\n")
    encoding = "gb18030" if software == Software.CSV_GBK else "utf-8-sig"
    return text.getvalue().encode(encoding), "text/csv", "csv"


def _values(line: JournalLine) -> tuple[object, ...]:
    debit = fen_to_yuan(line.debit_fen) if line.debit_fen else ""
    credit = fen_to_yuan(line.credit_fen) if line.credit_fen else ""
    return (
        *(line.day.isoformat(), _WORD, line.voucher, line.summary, line.code, line.name),
        *(debit, credit, line.transfer_id),
    )


def csv_cell(value: str) -> str:
    """Return a cell of a CSV file; one that a spreadsheet would take for a formula begins with an apostrophe."""
    if value[:1] in "=+-@\t\r" and value:
        value = f"'{value}"
    return '"' + value.replace('"', '""') + '"' if any(sign in value for sign in ',"\r\n') else value


def _journal_columns() -> list[Column]:
    def take(place: int) -> Column:
        def value(line: JournalLine) -> object:
            return _values(line)[place]

        return Column(JOURNAL[place], value, 16)

    columns = [take(place) for place in range(len(JOURNAL))]
    columns[0] = Column(JOURNAL[0], "day", 12)
    columns[3] = Column(JOURNAL[3], "summary", 44)
    columns[6] = Column(JOURNAL[6], lambda line: line.debit_fen or None, 16, "money")
    columns[7] = Column(JOURNAL[7], lambda line: line.credit_fen or None, 16, "money")
    return columns


def _excel(columns: Sequence[Column], rows: Sequence[object]) -> bytes:
    with NamedTemporaryFile(suffix=".xlsx") as file:
        write_rows(file.name, columns, rows)
        return file.read()
