"""Excel files: text stays text, and ten thousand rows take seconds and no memory."""

from __future__ import annotations

import time
import tracemalloc
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest
from django.utils import translation

from park_portal.core.jobs.excel import Column, export_rows, write_rows
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import job, run_job, start_job


def cells(path):
    book = openpyxl.load_workbook(path)
    return [[cell.value for cell in row] for row in book.active.iter_rows()]


def test_values_keep_their_kind(tmp_path):
    columns = [
        Column("名称", lambda row: row[0]),
        Column("金额（元）", lambda row: row[1], kind="money"),
        Column("日期", lambda row: row[2]),
        Column("时间", lambda row: row[3]),
        Column("数", lambda row: row[4]),
        Column("是否", lambda row: row[5]),
    ]
    rows = [
        (
            "上海青芯",
            120_000_050,
            date(2026, 3, 2),
            datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
            Decimal("1.5"),
            True,
        ),
        ("=1+1", None, None, None, 7, False),
        ("@SUM(A1)", 0, None, None, None, None),
        ("https://example.org", -100, None, None, "007", ""),
        ("a\x00b\x07c", 1, None, None, "长" * 40_000, None),
    ]
    with translation.override("en"):
        assert write_rows(tmp_path / "a.xlsx", columns, rows) == 5
    found = cells(tmp_path / "a.xlsx")
    assert found[0] == ["名称", "金额（元）", "日期", "时间", "数", "是否"]
    assert found[1] == [
        "上海青芯",
        1_200_000.5,
        datetime(2026, 3, 2),  # noqa: DTZ001
        datetime(2026, 3, 2, 17, 30),  # noqa: DTZ001
        1.5,
        "yes",
    ]
    assert found[2] == ["=1+1", None, None, None, 7, "no"]
    assert found[3][:2] == ["@SUM(A1)", 0]
    assert found[4] == ["https://example.org", -1, None, None, "007", None]
    assert len(found[5][4]) == 32_767
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert [book.active.cell(row, 1).data_type for row in range(2, 6)] == ["s", "s", "s", "s"]
    assert book.active.cell(5, 1).hyperlink is None
    assert book.active.cell(2, 2).number_format == "#,##0.00"


def test_no_rows_is_a_sheet_with_headings(tmp_path):
    assert write_rows(tmp_path / "a.xlsx", [Column("a", "x"), Column("b", "y")], []) == 0
    assert cells(tmp_path / "a.xlsx") == [["a", "b"]]


def test_ten_thousand_rows_are_quick_and_flat(tmp_path):
    columns = [
        Column(f"列 {number}", lambda row, n=number: f"第 {row} 行第 {n} 列的内容") for number in range(25)
    ]
    calls = []
    tracemalloc.start()
    write_rows(tmp_path / "small.xlsx", columns, range(500))
    small = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    tracemalloc.stop()
    begin = time.perf_counter()
    write_rows(
        tmp_path / "big.xlsx",
        columns,
        range(10_000),
        lambda done, total: calls.append((done, total)),
        total=10_000,
    )
    assert time.perf_counter() - begin < 10
    assert calls[-1] == (10_000, 10_000)
    tracemalloc.start()
    write_rows(tmp_path / "big.xlsx", columns, range(5_000))
    assert tracemalloc.get_traced_memory()[1] < small + (1 << 20)
    tracemalloc.stop()


@pytest.mark.django_db
def test_an_export_becomes_the_jobs_result(alice):
    @job("test.export", label="Export")
    def export(job, progress):
        rows = Job.objects.order_by("pk").iterator(chunk_size=2000)
        return export_rows(
            [Column("kind", "kind"), Column("owner", "owner.name")], rows, progress, name="jobs"
        )

    started = start_job("test.export", actor=alice)
    assert run_job(started.pk) is True
    started.refresh_from_db()
    assert started.error == ""
    assert (started.state, started.result.name, started.result.uploaded_by) == ("done", "jobs.xlsx", alice)
    assert cells(started.result.open()) == [["kind", "owner"], ["test.export", "Alice"]]
