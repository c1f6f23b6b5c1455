"""The ledger by the doors that staff use: statements, reversals, months, the journal, the check; and by programs."""

from datetime import date, timedelta
from io import BytesIO

import openpyxl
import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from park_portal.core.ledger.models import ClosedMonth, Transfer
from tests.callers import Caller
from tests.core.ledger.kinds import Fund
from tests.factories import make
from tests.factories.core import make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def fund():
    fund = Fund.with_capital(code="pages", name_zh_hans="测试账簿")
    fund.come_in(1000_00, on=date(2026, 1, 5))
    return fund


@pytest.fixture
def finance(client_of):
    return client_of(make_staff("finance"))


def text(response):
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def test_statement_on_the_page_and_as_a_file(fund, finance):
    fund.granted(300_00, on=date(2026, 2, 1), memo="首批")
    page = reverse("admin:core_account_statement", args=[fund.capital.pk])
    shown = text(finance.get(page, {"since": "2026-02-01", "until": "2026-02-28"}))
    assert "¥1,000.00" in shown
    assert "¥700.00" in shown
    assert "首批" in shown
    assert "¥700.00" not in text(finance.get(page, {"since": "2026-01-01", "until": "2026-01-31"}))
    assert "早于" in text(finance.get(page, {"since": "2026-02-01", "until": "2026-01-01"}))
    file = finance.get(page, {"since": "2026-02-01", "until": "2026-02-28", "format": "xlsx"})
    rows = list(openpyxl.load_workbook(BytesIO(file.content)).active.values)
    assert [row[6] for row in rows[1:]] == [1000, 700, 700]
    assert "pages-" in file["Content-Disposition"]


def test_reversal_asks_for_a_reason_and_for_somebody_else(fund, finance, client_of):
    booker = make_staff("finance")
    posted = fund.granted(300_00, actor=booker)
    page = reverse("admin:core_transfer_act", args=[posted.pk, "reverse"])
    assert "记账人以外" in text(client_of(booker).post(page, {"reason": "误记"}))
    assert client_of(make_staff("fund_manager")).post(page, {"reason": "误记"}).status_code == 403
    assert Transfer.objects.filter(reverses=posted).count() == 0
    assert finance.post(page, {"reason": ""}).status_code in (200, 422)
    assert Transfer.objects.filter(reverses=posted).count() == 0
    assert finance.post(page, {"reason": "误记"}).status_code == 302
    assert Transfer.objects.get(reverses=posted).memo == "误记"
    shown = text(finance.get(reverse("admin:core_transfer_change", args=[posted.pk])))
    assert "已冲销" in shown
    assert finance.get(page).status_code == 302  # the second click
    assert Transfer.objects.filter(reverses=posted).count() == 1


def test_month_is_closed_from_the_page_that_shows_it(fund, finance):
    page = reverse("admin:core_book_close", args=[fund.book.pk])
    assert "2026-01" in text(finance.get(page))
    assert finance.post(page, {"month": "2026-01-01"}).status_code == 302
    assert ClosedMonth.objects.get().month == date(2026, 1, 1)
    assert finance.post(page, {"month": "2026-01-01"}).status_code == 302  # the second click
    home = text(finance.get(reverse("admin:index")))
    assert "2026-02" in home
    assert finance.post(page, {"month": timezone.localdate().isoformat()}).status_code == 200
    assert finance.post(page, {"month": "nonsense"}).status_code == 200
    assert ClosedMonth.objects.count() == 1


def test_journal_is_a_file_or_says_what_its_map_lacks(fund, finance):
    page = reverse("admin:core_book_journal", args=[fund.book.pk])
    asked = {"since": "2026-01-01", "until": "2026-01-31", "software": "csv-gbk"}
    refused = finance.get(page, asked)
    assert refused.status_code == 422
    assert "银行" in refused.content.decode()
    make("core.AccountCode", kind="test.bank", code="1002", name="银行存款")
    make("core.AccountCode", kind="test.capital", code="3001", name="专项基金")
    file = finance.get(page, asked)
    assert file["Content-Type"] == "text/csv"
    lines = file.content.decode("gb18030").splitlines()
    assert [line.split(",")[4:8] for line in lines[1:]] == [
        ["1002", "银行存款", "1000.00", ""],
        ["3001", "专项基金", "", "1000.00"],
    ]
    assert "没有需要导出" in text(finance.get(page, {**asked, "since": "2026-03-01", "until": "2026-03-31"}))


def test_check_names_the_row_that_does_not_fit(fund, finance):
    page = reverse("admin:core_transfer_verify")
    assert "账本完整无误" in text(finance.post(page))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE core_transfer SET memo = 'x'")
        cursor.execute("SET LOCAL session_replication_role = origin")
    row = Transfer.objects.order_by("pk").first()
    assert f"transfer {row.pk}:" in text(finance.post(page))


def test_programs_read_accounts_and_transfers_and_reverse_one(fund):
    booked = fund.granted(300_00, actor=make_staff("finance"))
    finance = Caller(make_staff("finance"))
    account = finance.get(f"/api/v1/accounts/{fund.grant.pk}/").json()
    assert (account["book"], account["balance_fen"], account["free_fen"]) == ("pages", 300_00, 300_00)
    listed = finance.get(f"/api/v1/transfers/?account={fund.grant.pk}").json()["results"]
    assert [(row["id"], row["amount_fen"], row["standing"]) for row in listed] == [
        (booked.pk, 300_00, "posted")
    ]
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    address = f"/api/v1/transfers/{booked.pk}/acts/reverse/"
    assert finance.post(address, {"reason": "误记", "on": tomorrow}).status_code == 400
    assert finance.post(address, {"reason": "误记"}).status_code in (200, 201)
    assert finance.get(f"/api/v1/transfers/{booked.pk}/").json()["standing"] == "reversed"
    stranger = Caller(make_staff("administrator"))
    assert stranger.get(f"/api/v1/transfers/{booked.pk}/").status_code == 404
