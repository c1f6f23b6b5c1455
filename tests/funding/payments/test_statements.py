"""Bank statements: what matches, what differs, and every line that is not in order named."""

from datetime import timedelta

import openpyxl
import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone, translation

from funding.payments import services
from funding.payments.models import BankStatement, StatementLine
from funding.payments.reading import read_statement
from park_portal.core.errors import Conflict, DomainError, Forbidden
from park_portal.core.ledger.models import Transfer
from park_portal.core.ledger.services import close_month
from park_portal.core.outbox.models import Message
from tests.factories.core import make_staff
from tests.factories.payments import (
    HEADINGS,
    csv_statement,
    make_payment,
    make_running,
    paid_row,
    xlsx_statement,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


def take(award, rows, **how):
    file = rows if isinstance(rows, SimpleUploadedFile) else csv_statement(rows, **how)
    return services.take_statement(actor=make_staff("finance"), fund=award.fund, file=file)


def verdicts(statement):
    return [line.verdict for line in statement.lines.order_by("place")]


def refused(award, rows, **how):
    """The problems of a statement that is refused, of which nothing is kept."""
    with pytest.raises(DomainError) as error:
        take(award, rows, **how)
    assert (BankStatement.objects.count(), StatementLine.objects.count()) == (0, 0)
    assert Transfer.objects.filter(step="post", code="award.pay").count() == 0
    return [(problem.anchor, str(problem.message)) for problem in error.value.problems] or str(error.value)


def test_every_difference_is_told():
    award = make_running()
    paid = make_payment(award, to="paid", amount_fen=100)
    good, other, twice, back, missing = (
        make_payment(award, to="released", amount_fen=amount) for amount in (200, 300, 400, 500, 600)
    )
    early = make_payment(award, to="approved", amount_fen=700)
    today = timezone.localdate().isoformat()
    statement = take(
        award,
        [
            paid_row(good),
            paid_row(other, "3.01"),
            paid_row(twice),
            paid_row(twice),
            paid_row(paid),
            paid_row(paid, reference=paid.bank_reference),
            (today, "9.99", None, None, "某公司", "NOWHERE-2026-0001-A-P7", "B-77"),
            paid_row(early),
            paid_row(back),
            (today, None, "5.00", None, back.payee, f"退票 {back.number}", "B-78"),
            (today, "10.00", None, None, "", "手续费", "B-79"),
            (today, None, "1234.56", None, "青浦区", "出资", "B-80"),
        ],
    )
    assert verdicts(statement) == [
        *("matched", "amount", "matched", "twice", "twice", "booked", "unknown"),
        *("early", "sent_back", "sent_back", "other", "other"),
    ]
    preview = services.preview_of(statement)
    assert [line.place for line in preview.differences] == [3, 5, 6, 8, 9, 10, 11]
    assert preview.missing == [missing]
    assert (preview.others, preview.matched_fen) == (3, 600)
    services.book_statement(statement, actor=make_staff("finance"))
    good.refresh_from_db()
    line = statement.lines.get(disbursement=good)
    assert (good.state, good.paid_on, good.bank_reference) == ("paid", line.on, line.bank_reference)
    for payment in (other, back, missing, early):
        payment.refresh_from_db()
    assert [one.state for one in (other, back, missing, early)] == [*["released"] * 3, "approved"]
    assert services.tell_paid(statement.pk) == 2
    assert Message.objects.filter(key__startswith="payment.paid:").count() == 3  # and the one paid before


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_files_that_are_otherwise_right_are_read(encoding):
    award = make_running()
    payment = make_payment(award, to="released")
    assert verdicts(take(award, [paid_row(payment)], encoding=encoding)) == ["matched"]


def test_workbooks_are_read():
    award = make_running()
    payment = make_payment(award, to="released", amount_fen=12_345)
    assert verdicts(take(award, xlsx_statement([paid_row(payment, 123.45)]))) == ["matched"]


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("0.00", "more than nothing"),
        ("", "more than nothing"),
        ("-100.00", "negative"),
        ("100.005", "whole number of fen"),
        ("999999999999999.00", "larger than any fund"),
        ("9" * 40, "larger than any fund"),
        ("一百元", "not an amount"),
        ("=100", "formula"),
    ],
)
def test_amount_that_is_none_names_its_line(amount, said):
    award = make_running()
    payment = make_payment(award, to="released")
    ((line, words),) = refused(award, [paid_row(payment), paid_row(payment, amount)])
    assert line == "3"
    assert said in words


def test_other_mistakes_name_their_lines():
    award = make_running()
    payment = make_payment(award, to="released")
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    found = refused(
        award,
        [
            (*paid_row(payment), "人民币"),
            (*paid_row(payment), "USD"),
            (*paid_row(payment, on=tomorrow), "RMB"),
            (*paid_row(payment, on="2026-13-45"), "CNY"),
            (*paid_row(payment)[:6], "", "CNY"),
            (timezone.localdate(), "1.00", "1.00", None, "", "", "B-1", "CNY"),
        ],
        headings=(*HEADINGS, "币种"),
    )
    assert [line for line, _said in found] == ["3", "4", "5", "6", "7"]
    assert [
        word
        for (_line, said), word in zip(found, ["USD", "future", "date", "reference", "paid in"], strict=True)
        if word in said
    ] == ["USD", "future", "date", "reference", "paid in"]


def test_formula_in_a_workbook_names_its_line(tmp_path):
    award = make_running()
    payment = make_payment(award, to="released")
    book = openpyxl.Workbook()
    book.active.append(HEADINGS)
    book.active.append(paid_row(payment))
    book.active.append(paid_row(payment, "=SUM(B2:B2)"))
    path = tmp_path / "x.xlsx"
    book.save(path)
    ((line, said),) = refused(award, SimpleUploadedFile("x.xlsx", path.read_bytes()))
    assert (line, "formula" in said) == ("3", True)


def test_sums_that_do_not_add_up_name_their_line():
    award = make_running()
    payment = make_payment(award, to="released", amount_fen=20_000)
    day = timezone.localdate().isoformat()
    rows = [
        ("期初余额", None, None, "1000.00"),
        paid_row(payment, balance="800.00"),
        (day, None, "50.00", "850.00", "", "利息", "B-2"),
        ("合计", "200.00", "50.00"),
        ("期末余额", None, None, "850.00"),
    ]
    assert refused(award, [*rows[:3], ("合计", "201.00", "50.00"), rows[4]])[0][0] == "5"
    assert refused(award, [*rows[:4], ("期末余额", None, None, "850.01")])[0][0] == "6"
    wrong = [rows[0], paid_row(payment, balance="801.00"), *rows[2:]]
    ((line, said),) = refused(award, wrong)
    assert (line, "¥800.00" in said, "¥801.00" in said) == ("3", True, True)
    assert verdicts(take(award, rows)) == ["matched", "other"]


def test_newest_first_is_read_too():
    found = read_statement(
        csv_statement(
            [
                ("2026-03-02", "50.00", None, "850.00", "", "b", "B-2"),
                ("2026-03-01", "100.00", None, "900.00", "", "a", "B-1"),
            ]
        ).read()
    )
    assert [row.balance_fen for row in found.rows] == [85_000, 90_000]


def test_one_amount_with_a_direction():
    text = "日期,金额,借贷标志,摘要,流水号\r\n2026-03-01,100.00,借,a,B-1\r\n2026-03-02,7.00,贷,b,B-2\r\n"
    found = read_statement(text.encode())
    assert [(row.amount_fen, row.is_incoming) for row in found.rows] == [(10_000, False), (700, True)]


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"a,b\r\n1,2\r\n", b"\xff\xfe\x00\xd8"])
def test_what_is_no_statement_is_refused(content):
    with pytest.raises(DomainError):
        read_statement(content)


def test_day_in_a_closed_month_names_its_line():
    award = make_running()
    now = timezone.now()
    last_month = timezone.localdate().replace(day=1) - timedelta(days=3)
    with time_machine.travel(now - timedelta(days=timezone.localdate().day + 5)):
        other = make_running()
        payment = make_payment(other, to="released")
    day = last_month.isoformat()
    close_month(other.fund.book, month=last_month, actor=make_staff("finance"))
    ((line, said),) = refused(other, [paid_row(payment, on=day)])
    assert (line, f"{last_month:%Y-%m}" in said) == ("2", True)
    with pytest.raises(DomainError) as single:
        services.settle_disbursement(
            payment, actor=make_staff("finance"), on=last_month, bank_reference="B-1"
        )
    assert single.value.code == "transfer_in_open_month"
    assert award.fund.book_id != other.fund.book_id


def test_payment_that_moved_on_meanwhile_stops_the_whole():
    award = make_running()
    one, other = make_payment(award, to="released"), make_payment(award, to="released")
    finance = make_staff("finance")
    statement = take(award, [paid_row(one), paid_row(other)])
    services.bounce_disbursement(other, actor=finance, reason="退票")
    with pytest.raises(Conflict) as stopped:
        services.book_statement(statement, actor=finance)
    assert [problem.anchor for problem in stopped.value.problems] == ["3"]
    one.refresh_from_db()
    assert one.state == "released"


def test_statements_are_read_by_finance_alone():
    award = make_running()
    file = csv_statement([paid_row(make_payment(award, to="released"))])
    for who in (make_staff("officer"), make_staff("auditor")):
        with pytest.raises(Forbidden):
            services.take_statement(actor=who, fund=award.fund, file=file)
