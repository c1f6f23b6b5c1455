"""An award in real browsers, from its agreement to its close: grantee, officer, fund manager and two finance officers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from funding.awards.services import meet_milestone, money_of
from funding.models import Award, Disbursement, PaymentBatch, Report
from park_portal.core.accounts.models import User
from park_portal.core.workflow import SYSTEM
from tests.browser import accessibility_violations, new_context
from tests.e2e.test_autosave import sign_in
from tests.factories.awards import pdf_file, plan
from tests.factories.core import make_staff
from tests.factories.decisions import TEN_THOUSAND, make_award
from tests.factories.payments import csv_statement, paid_row, put_in_bank
from tests.factories.reports import WRITTEN, accept_reports, receipt
from tests.funding.awards.test_ending import acceptance_call, decide

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
WAN = TEN_THOUSAND
ACCOUNT = "310066661018800012345"


class Visitor:
    """A person in a browser of their own."""

    def __init__(self, context: BrowserContext, url: str, user: User) -> None:
        self.user, self.url = user, url
        sign_in(context, url, user)
        self.page: Page = context.new_page()

    def go(self, path: str) -> Page:
        self.page.goto(f"{self.url}{path}")
        return self.page

    def act(self, route: str, *args: Any, **fields: Any) -> Page:
        """Open the page of an act, fill it in and do it."""
        page = self.go(reverse(f"admin:{route}", args=args))
        self.fill(**fields)
        page.locator("form.staff-form button[type=submit]").first.click()
        return page

    def fill(self, **fields: Any) -> None:
        for name, value in fields.items():
            field = self.page.locator(f"main [name={name}], #content [name={name}], form [name={name}]").first
            if isinstance(value, dict):
                field.set_input_files(value)
            elif field.evaluate("one => one.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(str(value))


@pytest.fixture
def visitor(browser: Browser, live_server: Any) -> Iterator[Callable[[User], Visitor]]:
    contexts: list[BrowserContext] = []

    def make(user: User) -> Visitor:
        contexts.append(new_context(browser))
        return Visitor(contexts[-1], live_server.url, user)

    yield make
    complaints = [line for one in contexts for page in one.pages for line in page.complaints]  # type: ignore[attr-defined] # set by new_context
    for context in contexts:
        context.close()
    assert complaints == []


def upload(name: str, content: Any) -> dict[str, Any]:
    return {"name": name, "mimeType": "application/pdf", "buffer": content.read()}


def test_from_the_agreement_to_the_close(visitor):
    award = make_award()
    put_in_bank(award, 300 * WAN)
    grantee = visitor(award.application.people()[0])
    officer, manager = visitor(make_staff("officer")), visitor(make_staff("fund_manager"))
    first, second = visitor(make_staff("finance")), visitor(make_staff("finance"))
    starts = timezone.localdate() - timedelta(days=200)

    # The agreement: drawn up, issued, signed by both; then the award runs.
    officer.act(
        "funding_award_act",
        *(award.pk, "draft"),
        starts_on=starts.isoformat(),
        ends_on=(starts + timedelta(days=548)).isoformat(),
        pi_name="陈敏",
        scope="建立平台原型。",
        trl_start="4",
        trl_target="6",
        report_months="6",
    )
    expect(officer.page.get_by_text("协议已开始起草。")).to_be_visible()
    agreement = Award.objects.get(pk=award.pk).agreement
    plan(agreement)
    manager.act("funding_agreement_act", agreement.pk, "issue")
    expect(manager.page.get_by_text("协议已出具。")).to_be_visible()
    page = grantee.go(award.get_absolute_url())
    expect(page.get_by_role("link", name="协议(PDF)")).to_be_visible()
    expect(page.get_by_role("row", name="签署协议")).to_have_count(2)
    for party in ("park", "grantee"):
        officer.act(
            "funding_agreement_act",
            *(agreement.pk, "signature"),
            party=party,
            name="王敏",
            signed_on=timezone.localdate().isoformat(),
            scan=upload("签署页.pdf", pdf_file()),
        )
        expect(officer.page.get_by_text("签署已登记。")).to_be_visible()
    manager.act("funding_award_act", award.pk, "start")
    expect(manager.page.get_by_text("项目已开始执行。")).to_be_visible()

    # The first tranche: asked for by the grantee; checked, approved as a batch and released by three others.
    ask(grantee, award, 1)
    payment = Disbursement.objects.get()
    officer.act("funding_disbursement_act", payment.pk, "check")
    first.act("funding_paymentbatch_list_act", "make", fund=str(award.fund_id))
    batch = PaymentBatch.objects.get()
    page = first.go(reverse("admin:funding_paymentbatch_act", args=[batch.pk, "release"]))
    expect(page.locator("form.staff-form")).to_have_count(0)  # who approved does not release
    second.act("funding_paymentbatch_act", batch.pk, "release")
    batch.refresh_from_db()
    assert batch.state == "released"
    page = second.go(reverse("admin:funding_paymentbatch_change", args=[batch.pk]))
    with page.expect_download() as download:
        page.get_by_role("link").filter(has_text="UTF-8").first.click()
    written = download.value.path().read_bytes().decode("utf-8-sig")
    assert ACCOUNT in written
    assert "400000.00" in written

    # The bank's statement: read, compared, booked.
    statement(first, award, Disbursement.objects.get())
    payment.refresh_from_db()
    assert payment.state == "paid"
    page = grantee.go(award.get_absolute_url())
    expect(page.locator("dt", has_text="已拨付").locator("xpath=following-sibling::dd[1]")).to_have_text(
        "¥400,000.00"
    )
    assert accessibility_violations(page) == []

    # The first report: written, with a receipt, sent, accepted.
    report = Report.objects.filter(award=award).order_by("due_on")[0]
    page = grantee.go(report.get_absolute_url())
    page.get_by_role("link", name="撰写").click()
    grantee.fill(**WRITTEN)
    page.get_by_role("button", name="保存").click()
    page.get_by_role("link", name="添加支出").click()
    grantee.fill(
        category=str(award.categories.get(kind="materials").pk),
        spent_on=starts.isoformat(),
        payee="上海试剂有限公司",
        purpose="试剂",
        amount_fen="12345.67",
        receipt=upload("发票.pdf", receipt()),
    )
    page.get_by_role("button", name="添加", exact=True).click()
    expect(page.get_by_text("¥12,345.67").first).to_be_visible()
    assert accessibility_violations(page) == []
    page.get_by_role("link", name="提交", exact=True).click()
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_text("报告已提交，由园区办公室审阅。")).to_be_visible()
    officer.act("funding_report_act", report.pk, "accept")
    expect(officer.page.get_by_text("报告已通过，并已通知项目方。")).to_be_visible()

    # The milestone, and with it the next tranche.
    page = grantee.go(award.get_absolute_url())
    page.get_by_role("link", name="提交里程碑“1 原型完成”的证据").click()
    grantee.fill(technical_evidence="准确率 91 %", market_evidence="三家医院签署意向")
    page.get_by_role("button", name="提交核查").click()
    expect(page.get_by_text("证据已提交，由园区办公室核查。")).to_be_visible()
    officer.act("funding_milestone_act", award.milestones.get(number=1).pk, "meet")
    ask(grantee, award, 2)
    pay(officer, first, second, award)
    assert money_of(award).paid_fen == 80 * WAN

    # Acceptance: called by the officer, decided as any application is; finance closes.
    second_one = award.milestones.get(number=2)
    grantee.go(reverse("awards:milestone", args=[award.pk, 2]))
    grantee.fill(technical_evidence="500 例", market_evidence="已签采购意向")
    grantee.page.get_by_role("button", name="提交核查").click()
    expect(grantee.page.get_by_text("证据已提交，由园区办公室核查。")).to_be_visible()
    second_one.refresh_from_db()
    meet_milestone(second_one, actor=SYSTEM)
    accept_reports(award)
    call = acceptance_call()
    officer.act("funding_award_act", award.pk, "call_to_acceptance", call=str(call.pk))
    expect(officer.page.get_by_text("项目已进入验收，并已通知项目方。")).to_be_visible()
    page = grantee.go(award.get_absolute_url())
    expect(page.get_by_role("link", name="申请验收")).to_have_attribute(
        "href", reverse("applications:start", args=[call.code])
    )
    award.refresh_from_db()
    decide(award, call, 80 * WAN)
    page = grantee.go(award.get_absolute_url())
    expect(page.get_by_text("已通过验收").first).to_be_visible()
    first.act("funding_award_act", award.pk, "close")
    expect(first.page.get_by_text("项目已关闭。")).to_be_visible()
    award.refresh_from_db()
    money = money_of(award)
    assert (award.state, money.paid_fen, money.released_fen, money.left_fen) == (
        "closed",
        80 * WAN,
        20 * WAN,
        0,
    )
    page = grantee.go(award.get_absolute_url())
    expect(page.get_by_text("目前没有待办事项。")).to_be_visible()


def ask(grantee: Visitor, award: Award, number: int) -> None:
    """The grantee asks for a tranche from the page of the award."""
    page = grantee.go(award.get_absolute_url())
    page.get_by_role("link", name=f"申请第 {number} 批拨款").click()
    grantee.fill(purpose=f"第 {number} 批", bank="中国银行上海青浦支行", account_number=ACCOUNT)
    page.locator("form[novalidate] button.btn-primary").click()
    expect(page.get_by_text("已申请").first).to_be_visible()
    assert Disbursement.objects.filter(award=award, tranche__number=number).exists()


def pay(officer: Visitor, first: Visitor, second: Visitor, award: Award) -> None:
    """Check, approve, release one payment, and read the bank's statement of it."""
    payment = Disbursement.objects.filter(award=award, state="asked").get()
    officer.act("funding_disbursement_act", payment.pk, "check")
    first.act("funding_disbursement_act", payment.pk, "approve")
    second.act("funding_disbursement_act", payment.pk, "release")
    statement(second, award, payment)
    payment.refresh_from_db()
    assert payment.state == "paid"


def statement(finance: Visitor, award: Award, payment: Disbursement) -> None:
    """Take the bank's statement in, see that it matches, book it."""
    file = csv_statement([paid_row(payment)], encoding="gbk")
    page = finance.act(
        "funding_bankstatement_take",
        fund=str(award.fund_id),
        file={"name": "对账单.csv", "mimeType": "text/csv", "buffer": file.read()},
    )
    expect(page.get_by_text("没有差异").first).to_be_visible()
    page.locator("form.staff-form button[type=submit]").first.click()
    expect(page.get_by_text("入账").first).to_be_visible()
