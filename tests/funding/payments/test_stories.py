"""Payments with figures that a finance officer can check by hand."""

import pytest
from django.utils import timezone

from funding.awards.services import committed_account
from funding.funds.services import bank_of
from funding.payments import services
from funding.payments.models import Disbursement
from park_portal.core.audit.services import SYSTEM
from park_portal.core.documents.models import Document
from park_portal.core.errors import DomainError
from park_portal.core.ledger.services import statement_of, verify_ledger
from tests.factories.calls import make_line
from tests.factories.core import make_staff
from tests.factories.payments import (
    csv_statement,
    grantee_of,
    make_payment,
    make_running,
    paid_row,
    put_in_bank,
)

pytestmark = pytest.mark.django_db


def figures(award):
    """(in the bank, held there, owed to the award, held of that), in fen."""
    bank, owed = bank_of(award.fund, actor=SYSTEM), committed_account(award, actor=SYSTEM)
    return bank.balance_fen, bank.held_fen, owed.balance_fen, owed.held_fen


def test_batch_with_one_wrong_account():
    """Three payments of ¥123,456.78, ¥200,000.00 and ¥76,543.22 from ¥500,000.00 in the bank; the second account is wrong."""
    line = make_line(allotted=10**10)
    first, second, third = (make_running(cash_fen=0, line=line) for _number in range(3))
    put_in_bank(first, 50_000_000)
    officer, one, two = make_staff("officer"), make_staff("finance"), make_staff("finance")
    asked = [
        make_payment(first, amount_fen=12_345_678, account_number="3100 6666 1018 8000 1"),
        make_payment(second, amount_fen=20_000_000, account_number="31006666101880002"),
        make_payment(third, amount_fen=7_654_322, account_number="31006666101880003"),
    ]
    for payment in asked:
        services.check_disbursement(payment, actor=officer)
    assert figures(first) == (50_000_000, 0, 100_000_000, 0)

    # Approved: held in the bank and in what each award is owed; nothing has moved.
    batch = services.make_batch(actor=one, fund=line.fund)
    assert figures(first) == (50_000_000, 40_000_000, 100_000_000, 12_345_678)
    assert figures(second) == (50_000_000, 40_000_000, 100_000_000, 20_000_000)
    assert figures(third) == (50_000_000, 40_000_000, 100_000_000, 7_654_322)

    # Released: the bank has its file; still nothing has moved.
    services.release_batch(batch, actor=two)
    assert figures(first) == (50_000_000, 40_000_000, 100_000_000, 12_345_678)

    # The bank pays two: 500,000.00 − 123,456.78 − 76,543.22 = 300,000.00.
    statement = services.take_statement(
        actor=one,
        fund=line.fund,
        file=csv_statement(
            [
                paid_row(asked[0], balance="376543.22", reference="CMB-1"),
                paid_row(asked[2], balance="300000.00", reference="CMB-2"),
            ]
        ),
    )
    preview = services.preview_of(statement)
    assert [row.disbursement_id for row in preview.matched] == [asked[0].pk, asked[2].pk]
    assert [payment.pk for payment in preview.missing] == [asked[1].pk]
    assert preview.differences == []
    services.book_statement(statement, actor=one)
    services.book_statement(statement, actor=one)  # the second click
    assert figures(first) == (30_000_000, 20_000_000, 87_654_322, 0)
    assert figures(second) == (30_000_000, 20_000_000, 100_000_000, 20_000_000)
    assert figures(third) == (30_000_000, 20_000_000, 92_345_678, 0)

    # The second comes back: nothing is held for it any longer.
    wrong = Disbursement.objects.get(pk=asked[1].pk)
    services.bounce_disbursement(wrong, actor=two, reason="户名与账号不符")
    assert figures(second) == (30_000_000, 0, 100_000_000, 0)
    wrong.refresh_from_db()
    assert (wrong.state, wrong.reason) == ("bounced", "户名与账号不符")

    # Asked again: not with the same account, and with the right one all four people look at it again.
    values = {
        "amount_fen": wrong.amount_fen,
        "purpose": wrong.purpose,
        "payee": wrong.payee,
        "bank": wrong.bank,
    }
    grantee = grantee_of(second)
    with pytest.raises(DomainError) as same:
        services.ask_again(wrong, actor=grantee, account_number=wrong.account_number, **values)
    assert same.value.code == "same_account"
    again = services.ask_again(wrong, actor=grantee, account_number="31006666101880020", **values)
    assert (again.state, again.round, again.batch, again.approved_by) == ("asked", 2, None, None)
    services.check_disbursement(again, actor=officer)
    retry = services.make_batch(actor=two, fund=line.fund, numbers=[again.number])
    assert figures(second) == (30_000_000, 20_000_000, 100_000_000, 20_000_000)
    services.release_batch(retry, actor=one)
    statement = services.take_statement(
        actor=two,
        fund=line.fund,
        file=csv_statement([paid_row(again, balance="100000.00", reference="CMB-3")]),
    )
    services.book_statement(statement, actor=two)

    # 300,000.00 − 200,000.00 = 100,000.00 in the bank; the second award is owed 800,000.00.
    assert figures(second) == (10_000_000, 0, 80_000_000, 0)
    today = timezone.localdate()
    told = statement_of(bank_of(line.fund, actor=SYSTEM), since=today, until=today)
    assert [(row.debit_fen, row.credit_fen, row.balance_fen) for row in told.lines] == [
        (50_000_000, 0, 50_000_000),
        (0, 12_345_678, 37_654_322),
        (0, 7_654_322, 30_000_000),
        (0, 20_000_000, 10_000_000),
    ]
    assert verify_ledger().findings == []


def test_file_for_the_bank_says_what_is_paid_and_stays_what_it_was():
    award = make_running()
    payment = make_payment(
        award, to="checked", amount_fen=12_345_678, payee='=HYPERLINK("x")', purpose="设备,首期"
    )
    one, two = make_staff("finance"), make_staff("finance")
    batch = services.make_batch(actor=one, fund=award.fund)
    assert services.files_of(batch) == []
    services.release_batch(batch, actor=two)
    (utf8, gbk) = [document for _form, document in services.files_of(batch)]
    expected = (
        "收款人,开户行,收款账号,金额,用途\r\n"
        '"\'=HYPERLINK(""x"")",中国银行上海青浦支行,310066661018800012345,123456.78,'
        f'"{payment.number} 设备,首期"\r\n'
    )
    assert utf8.open().read() == b"\xef\xbb\xbf" + expected.encode()
    assert gbk.open().read() == expected.encode("gb18030")
    services.release_batch(batch, actor=two)  # the second click writes nothing again
    assert Document.objects.filter(subject_type="funding.paymentbatch", subject_id=str(batch.pk)).count() == 2
    services.bounce_disbursement(payment, actor=two, reason="账号已销户")
    assert [document.sha256 for _form, document in services.files_of(batch)] == [utf8.sha256, gbk.sha256]


def test_payment_that_came_back_after_it_was_booked_is_reversed_by_another():
    award = make_running(cash_fen=50_000_000)
    payment = make_payment(award, to="released", amount_fen=20_000_000)
    one, two = make_staff("finance"), make_staff("finance")
    today = timezone.localdate()
    services.settle_disbursement(payment, actor=one, on=today, bank_reference="CMB-9")
    assert figures(award) == (30_000_000, 0, 80_000_000, 0)
    with pytest.raises(DomainError) as own:
        services.bounce_disbursement(payment, actor=one, reason="退票")
    assert own.value.code == "transfer_reverses_posted"
    services.bounce_disbursement(payment, actor=two, reason="退票")
    payment.refresh_from_db()
    assert (payment.state, payment.paid_on, payment.bank_reference) == ("bounced", None, "")
    assert figures(award) == (50_000_000, 0, 100_000_000, 0)
    assert verify_ledger().findings == []
