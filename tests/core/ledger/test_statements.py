"""What accounts held on a date, statements, months, and the journal."""

from datetime import date
from io import BytesIO

import openpyxl
import pytest
from django.utils import translation

from park_portal.core.audit.services import SYSTEM
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.ledger.files import journal_as_file, statement_as_excel
from park_portal.core.ledger.models import ClosedMonth, Transfer
from park_portal.core.ledger.services import (
    Balance,
    balances_on,
    close_month,
    hold_transfer,
    journal_of,
    post_held,
    reverse_transfer,
    statement_of,
    sums_by_code,
)
from tests.core.ledger.kinds import GRANTED, Fund
from tests.factories import make
from tests.factories.core import make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def fund():
    """¥1,000 in on 5 January, ¥300 granted on 1 February, ¥100 paid on 10 February, ¥50 of it wrongly on 1 March."""
    fund = Fund.with_capital(code="story")
    fund.come_in(1000_00, on=date(2026, 1, 5))
    fund.granted(300_00, on=date(2026, 2, 1), memo="=cmd()")
    fund.paid(100_00, on=date(2026, 2, 10))
    wrong = fund.paid(50_00, on=date(2026, 3, 1), actor=make_staff("finance"))
    reverse_transfer(wrong, actor=make_staff("finance"), reason="paid twice", on=date(2026, 3, 2))
    return fund


@pytest.mark.parametrize(
    ("on", "bank", "grant"),
    [
        (date(2026, 1, 4), 0, 0),
        (date(2026, 1, 5), 1000_00, 0),
        (date(2026, 2, 1), 1000_00, 300_00),
        (date(2026, 2, 10), 900_00, 200_00),
        (date(2026, 3, 1), 850_00, 150_00),
        (date(2026, 3, 2), 900_00, 200_00),
    ],
)
def test_balances_of_any_date(fund, on, bank, grant):
    held = balances_on([fund.bank, fund.grant], on)
    assert held[fund.bank.pk].on_side("debit") == bank
    assert held[fund.grant.pk].on_side("credit") == grant


def test_what_was_held_on_a_date_counts_as_held_then(fund):
    held = hold_transfer(
        debit=fund.capital,
        credit=fund.grant,
        amount_fen=200_00,
        code=GRANTED,
        key="held",
        about=fund.book,
        actor=SYSTEM,
        on=date(2026, 4, 1),
    )
    post_held(held, actor=SYSTEM, on=date(2026, 5, 1), amount_fen=150_00)
    assert [
        balances_on([fund.capital], date(2026, month, 1))[fund.capital.pk].held("credit")
        for month in (3, 4, 5)
    ] == [
        0,
        200_00,
        0,
    ]
    assert balances_on([fund.grant], date(2026, 4, 30))[fund.grant.pk] == Balance(150_00, 350_00, 0, 200_00)
    assert balances_on([fund.grant], date(2026, 5, 1))[fund.grant.pk] == Balance(150_00, 500_00, 0, 0)


def test_statement_opens_moves_and_closes(fund):
    statement = statement_of(fund.grant, since=date(2026, 2, 5), until=date(2026, 3, 31))
    assert (statement.opening_fen, statement.closing_fen) == (300_00, 200_00)
    assert (statement.debits_fen, statement.credits_fen) == (150_00, 50_00)
    assert [(line.debit_fen, line.credit_fen, line.balance_fen) for line in statement.lines] == [
        (100_00, 0, 200_00),
        (50_00, 0, 150_00),
        (0, 50_00, 200_00),
    ]
    assert {line.other for line in statement.lines} == {fund.bank}
    with translation.override("en"):
        rows = list(openpyxl.load_workbook(BytesIO(statement_as_excel(statement))).active.values)
    assert rows[1][1] == "Opening"
    assert rows[1][6] == 300
    assert [row[4] for row in rows[2:5]] == [100, 50, None]
    assert rows[5][4:7] == (150, 50, 200)


def test_sums_by_code_leave_out_what_was_reversed(fund):
    rows = Transfer.objects.filter(debit__book=fund.book)
    assert sums_by_code(rows) == {"test.come_in": 1000_00, "test.granted": 300_00, "test.paid": 100_00}
    assert sums_by_code(rows, date(2026, 3, 1))["test.paid"] == 150_00


# --- months


def test_months_are_closed_in_their_order_and_stay_closed(fund):
    finance = make_staff("finance")
    with pytest.raises(Forbidden):
        close_month(fund.book, month=date(2026, 1, 31), actor=make_staff("officer"))
    first = close_month(fund.book, month=date(2026, 1, 31), actor=finance)
    assert close_month(fund.book, month=date(2026, 1, 1), actor=finance) == first
    with pytest.raises(DomainError) as order:
        close_month(fund.book, month=date(2026, 3, 1), actor=finance)
    assert "2026-02" in str(order.value)
    with pytest.raises(DomainError) as closed:
        fund.granted(1, on=date(2026, 1, 31))
    assert closed.value.code == "transfer_in_open_month"
    fund.granted(1, on=date(2026, 2, 1))
    assert Fund.with_capital().come_in(1, on=date(2026, 1, 31)).pk  # another book's January is open


def test_reversal_of_a_closed_month_stands_in_an_open_one(fund):
    finance = make_staff("finance")
    paid = fund.paid(10_00, on=date(2026, 1, 31), actor=finance)
    close_month(fund.book, month=date(2026, 1, 1), actor=finance)
    with pytest.raises(DomainError):
        reverse_transfer(paid, actor=make_staff("finance"), reason="late", on=date(2026, 1, 31))
    assert reverse_transfer(paid, actor=make_staff("finance"), reason="late", on=date(2026, 2, 1)).pk


def test_month_that_goes_on_cannot_be_closed(fund):
    from django.utils import timezone

    with pytest.raises(DomainError) as refused:
        close_month(fund.book, month=timezone.localdate(), actor=make_staff("finance"))
    assert refused.value.code == "month_not_over"
    assert ClosedMonth.objects.count() == 0


# --- the journal


@pytest.fixture
def codes(fund):
    make("core.AccountCode", kind="test.bank", code="1002", name="银行存款")
    make("core.AccountCode", kind="test.capital", code="3101", name="净资产")
    make("core.AccountCode", kind="test.grant", code="2202", name="应付资助款")
    make("core.AccountCode", kind="test.grant", code="2202.01", name="应付资助款——本基金", book=fund.book)


def test_journal_has_two_lines_a_transfer_and_adds_up(fund, codes):
    journal = journal_of(fund.book, since=date(2026, 1, 1), until=date(2026, 2, 28))
    assert [
        (line.day.isoformat(), line.voucher, line.code, line.debit_fen, line.credit_fen)
        for line in journal.lines
    ] == [
        ("2026-01-05", 1, "1002", 1000_00, 0),
        ("2026-01-05", 1, "3101", 0, 1000_00),
        ("2026-02-01", 1, "3101", 300_00, 0),
        ("2026-02-01", 1, "2202.01", 0, 300_00),
        ("2026-02-10", 2, "2202.01", 100_00, 0),
        ("2026-02-10", 2, "1002", 0, 100_00),
    ]
    assert journal.debits_fen == journal.credits_fen == 1400_00


@pytest.mark.parametrize(("software", "encoding"), [("csv", "utf-8-sig"), ("csv-gbk", "gb18030")])
def test_journal_as_csv(fund, codes, software, encoding):
    journal = journal_of(fund.book, since=date(2026, 2, 1), until=date(2026, 2, 1))
    content, media, ending = journal_as_file(journal, software)
    lines = content.decode(encoding).split("\r\n")
    assert (media, ending) == ("text/csv", "csv")
    assert lines[0] == "日期,凭证字,凭证号,摘要,科目编码,科目名称,借方金额,贷方金额,流水号"
    key = journal.lines[0].transfer_id
    assert lines[1] == f"2026-02-01,记,1,granted =cmd(),3101,净资产,300.00,,{key}"


def test_journal_as_excel_adds_up(fund, codes):
    journal = journal_of(fund.book, since=date(2026, 1, 1), until=date(2026, 3, 31))
    content, _media, _ending = journal_as_file(journal, "xlsx")
    rows = list(openpyxl.load_workbook(BytesIO(content)).active.values)[1:]
    assert sum(row[6] or 0 for row in rows) == sum(row[7] or 0 for row in rows) == 1500


def test_journal_with_a_gap_in_its_map_is_refused_and_names_the_gap(fund):
    make("core.AccountCode", kind="test.bank", code="1002")
    make("core.AccountCode", kind="test.capital", code="")
    with pytest.raises(DomainError) as refused:
        journal_of(fund.book, since=date(2026, 1, 1), until=date(2026, 12, 31))
    anchors = {str(problem.anchor) for problem in refused.value.problems}
    assert anchors == {"银行 → 资本", "test.grant"}


def test_transfers_within_one_account_code_stay_out(fund):
    for kind in ("test.bank", "test.capital", "test.grant"):
        make("core.AccountCode", kind=kind, code="3101" if kind != "test.bank" else "1002")
    journal = journal_of(fund.book, since=date(2026, 1, 1), until=date(2026, 2, 28))
    assert (len(journal.lines), journal.left_out) == (4, 1)
