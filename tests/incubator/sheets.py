"""Workbooks such as offices hand over, made for tests."""

from __future__ import annotations

import io
from typing import Any

import openpyxl

# The headings of the public result list of the National Natural Science Foundation, in its odd order.
NSFC_HEADINGS = [
    "start_time", "title", "abstract", "end_time", "abstract_en", "project_type", "subject", "project_id",
    "project_type_code", "abstract_conc", "subject_class_list", "approval_year", "result_stat", "subject_code_list",
    "person", "subject_code", "money", "finished", "institution", "keyword", "keyword_en",
]  # fmt: skip


def nsfc_row(number: int, **values: Any) -> list[Any]:
    """Returns a row under `NSFC_HEADINGS`: numbers for months, 万元, three levels in one cell, empty cells."""
    codes = "一级：C05，二级：C0501，三级：C050101"
    row = {
        "start_time": 202001,
        "title": f"膜蛋白结构生物学研究{number}",
        "end_time": 202112,
        "project_type": "国际（地区）合作与交流项目",
        "subject": "生命科学部",
        "project_id": f"3195041{number:04d}",
        "subject_class_list": "一级：生物物理与生物化学，二级：分子生物物理，三级：生物分子结构测定与功能",
        "approval_year": 2019,
        "subject_code_list": codes,
        "person": f"研究者{number}",
        "subject_code": codes,
        "money": 34 + number / 2,
        "finished": False,
        "institution": "复旦大学",
        **values,
    }
    return [row.get(heading) for heading in NSFC_HEADINGS]


def workbook(*rows: list[Any], name: str = "Sheet1", also: dict[str, list[list[Any]]] | None = None) -> bytes:
    """Returns an .xlsx file of these rows; `also` adds sheets by name."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = name
    for row in rows:
        sheet.append(row)
    for title, others in (also or {}).items():
        extra = book.create_sheet(title)
        for row in others:
            extra.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def nsfc_workbook(count: int = 3, **values: Any) -> bytes:
    """Returns a small look-alike of the foundation's list."""
    return workbook(
        NSFC_HEADINGS, *(nsfc_row(number, **values) for number in range(count)), name="NSFC-RESULT"
    )
