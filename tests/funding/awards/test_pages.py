"""The pages of awards and reports, through the browser's door without a browser."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from funding.awards import services
from tests.factories.awards import (
    make_amendment,
    make_clawback,
    make_running,
    pdf_file,
    submitted_milestone,
    terms,
)
from tests.factories.core import make_staff, make_user
from tests.factories.decisions import make_award
from tests.factories.reports import WRITTEN, first_report, receipt, running, sent_report

pytestmark = pytest.mark.django_db


def browser(person):
    client = Client(headers={"accept-language": "zh-hans"})
    client.force_login(person, settings.AUTHENTICATION_BACKENDS[1])
    return client


def owner_of(award):
    return award.application.people()[0]


def text_of(response):
    return response.content.decode()


def test_life_of_an_award_says_whose_turn_it_is():
    award = running()
    page = text_of(browser(owner_of(award)).get(award.get_absolute_url()))
    report = first_report(award)
    for said in (
        "该谁办理",
        "提交里程碑“1 原型完成”的证据",
        report.get_absolute_url(),
        "¥1,000,000.00",
        "尚未满足的条件",
        "起始 4，现在 4，目标 6",
        "预算",
        "往来通知",
    ):
        assert said in page, said
    assert "管理页面" not in page


@pytest.mark.parametrize("make", [make_award, make_running, make_clawback, submitted_milestone])
def test_life_is_told_from_the_first_day_to_the_last(make):
    made = make()
    award = getattr(made, "award", made)
    for person in (owner_of(award), make_staff("auditor")):
        assert browser(person).get(award.get_absolute_url()).status_code == 200


def test_life_costs_the_same_for_a_long_one(django_assert_max_num_queries):
    award = running()
    sent_report(award)
    submitted_milestone(award)
    client = browser(owner_of(award))
    client.get(award.get_absolute_url())
    with django_assert_max_num_queries(34):
        client.get(award.get_absolute_url())


def test_stranger_finds_nothing():
    award, report = running(), None
    report = first_report(award)
    stranger = browser(make_user())
    for address in (
        award.get_absolute_url(),
        reverse("awards:milestone", args=[award.pk, 1]),
        reverse("awards:shift", args=[award.pk]),
        reverse("awards:amend", args=[award.pk]),
        report.get_absolute_url(),
        reverse("reports:add-expense", args=[report.pk]),
    ):
        assert stranger.get(address).status_code == 404
    assert (
        stranger.post(reverse("awards:amend", args=[award.pk]), {"reason": "x", "pi_name": "y"}).status_code
        == 404
    )


def test_grantee_sends_evidence_and_what_was_typed_survives_a_refusal():
    award = make_running()
    client, address = browser(owner_of(award)), reverse("awards:milestone", args=[award.pk, 1])
    assert "准确率不低于 85 %" in text_of(client.get(address))
    refused = client.post(address, {"technical_evidence": "准确率 91 %", "market_evidence": " "})
    assert refused.status_code == 422
    assert "准确率 91 %" in text_of(refused)
    sent = client.post(
        address,
        {"technical_evidence": "准确率 91 %", "market_evidence": "三家医院", "technical_file": pdf_file()},
    )
    assert sent.headers["Location"] == award.get_absolute_url()
    milestone = award.milestones.get(number=1)
    assert (milestone.state, milestone.technical_document.name) == ("submitted", "scan.pdf")
    assert milestone.technical_document.name in text_of(client.get(award.get_absolute_url()))
    again = client.post(address, {"technical_evidence": "x", "market_evidence": "y"})
    assert again.status_code == 409


def test_grantee_shifts_budget_and_asks_for_an_amendment_and_takes_it_back():
    award = make_running()
    client = browser(owner_of(award))
    source, target = award.categories.order_by("pk")[:2]
    shift = {"source": source.pk, "target": target.pk, "reason": "试剂涨价"}
    refused = client.post(reverse("awards:shift", args=[award.pk]), {**shift, "amount_fen": "200000"})
    assert refused.status_code == 422
    assert "由基金经理调剂" in text_of(refused)
    client.post(reverse("awards:shift", args=[award.pk]), {**shift, "amount_fen": "10,000.00"})
    assert award.budget_shifts.get().amount_fen == 10_000_00
    address = reverse("awards:amend", args=[award.pk])
    assert client.post(address, {"reason": "什么都不变"}).status_code == 422
    client.post(address, {"reason": "调离", "pi_name": "李强"})
    page = text_of(client.get(award.get_absolute_url()))
    assert "李强" in page
    assert "待批准" in page
    client.post(reverse("awards:withdraw", args=[award.pk, 1]))
    assert award.agreement.amendments.get().state == "withdrawn"


def test_grantee_writes_spends_and_sends_a_report():
    award = running()
    report = first_report(award)
    client = browser(owner_of(award))
    page = text_of(client.get(report.get_absolute_url()))
    assert "提交前还缺" in page
    client.post(reverse("reports:write", args=[report.pk]), WRITTEN)
    category = award.categories.get(kind="materials")
    spent = {
        "category": category.pk,
        "spent_on": report.period_from.isoformat(),
        "payee": "试剂公司",
        "purpose": "试剂",
        "amount_fen": "1234.56",
    }
    address = reverse("reports:add-expense", args=[report.pk])
    assert client.post(address, {**spent, "receipt": receipt(text="甲")}).status_code == 302
    twice = client.post(address, {**spent, "receipt": receipt(text="甲")})
    assert twice.status_code == 422
    assert "已经使用过" in text_of(twice)
    assert (
        client.post(address, {**spent, "receipt": receipt(text="甲"), "duplicate_note": "分摊"}).status_code
        == 302
    )
    page = text_of(client.get(report.get_absolute_url()))
    assert "¥2,469.12" in page
    assert "重复使用" in page
    second = report.expenses.order_by("-pk")[0]
    client.post(reverse("reports:remove-expense", args=[report.pk, second.pk]))
    client.post(reverse("reports:send", args=[report.pk]))
    report.refresh_from_db()
    assert (report.state, report.expenses.count()) == ("submitted", 1)
    assert client.post(address, {**spent, "receipt": receipt()}).status_code == 409
    receipt_url = report.expenses.get().receipt.get_absolute_url()
    assert client.get(receipt_url).status_code == 200
    assert browser(make_user()).get(receipt_url).status_code in (403, 404)


def test_officer_reads_returns_and_accepts_a_report_in_the_admin():
    report = sent_report()
    client = browser(make_staff("officer"))
    address = reverse("admin:funding_report_change", args=[report.pk])
    page = text_of(client.get(address))
    assert "试剂" in page
    assert "¥1,000.00" in page
    act = reverse("admin:funding_report_act", args=[report.pk, "return"])
    client.post(act, {"reason": "补票据", "until": timezone.localdate().isoformat()})
    report.refresh_from_db()
    assert report.state == "returned"


def test_staff_draw_up_an_agreement_in_the_admin():
    award = make_award()
    officer, manager = browser(make_staff("officer")), browser(make_staff("fund_manager"))

    def act(client, name, **values):
        answer = client.post(reverse("admin:funding_award_act", args=[award.pk, name]), values)
        assert answer.status_code == 302, text_of(answer)[:3000]

    act(officer, "draft", **{key: str(value) for key, value in terms().items()})
    day = award.agreement.starts_on.isoformat()
    act(officer, "add_milestone", title="原型", due_on=day, technical_goal="x", market_goal="y", trl="5")
    act(officer, "add_tranche", amount_fen="1000000")
    act(officer, "budget", equipment="600000", labour="400000")
    page = text_of(officer.get(reverse("admin:funding_award_change", args=[award.pk])))
    assert "设备费 ¥600,000.00" in page
    agreement = award.agreement
    answer = manager.post(reverse("admin:funding_agreement_act", args=[agreement.pk, "issue"]))
    assert answer.status_code == 302
    for party in ("park", "grantee"):
        answer = officer.post(
            reverse("admin:funding_agreement_act", args=[agreement.pk, "signature"]),
            {
                "party": party,
                "name": "王敏",
                "signed_on": timezone.localdate().isoformat(),
                "scan": pdf_file(),
            },
        )
        assert answer.status_code == 302
    act(manager, "start")
    award.refresh_from_db()
    assert award.state == "running"
    agreement.refresh_from_db()
    assert agreement.document.get_absolute_url() in text_of(
        browser(owner_of(award)).get(award.get_absolute_url())
    )


def test_fund_manager_decides_on_an_amendment_in_the_admin():
    award = make_running()
    amendment = make_amendment(award)
    client = browser(make_staff("fund_manager"))
    assert "李强" in text_of(client.get(reverse("admin:funding_amendment_change", args=[amendment.pk])))
    client.post(reverse("admin:funding_amendment_act", args=[amendment.pk, "approve"]))
    award.agreement.refresh_from_db()
    assert award.agreement.pi_name == "李强"


def test_finance_closes_and_is_told_what_is_open():
    claim = make_clawback()
    client = browser(make_staff("finance"))
    address = reverse("admin:funding_award_act", args=[claim.award_id, "close"])
    page = text_of(client.get(address)) + text_of(client.post(address))
    assert "还有 ¥100,000.00 待退回" in page
    note = reverse("admin:funding_clawback_act", args=[claim.pk, "note_recovery"])
    day = timezone.localdate().isoformat()
    client.post(note, {"amount_fen": "100000", "on": day, "bank_reference": "B7"})
    client.post(address)
    award = type(claim.award).objects.get(pk=claim.award_id)
    assert award.state == "closed"
    assert services.money_of(award).left_fen == 0


def test_home_tells_what_is_due():
    award = running()
    page = text_of(browser(owner_of(award)).get(reverse("home")))
    assert award.get_absolute_url() in page
    assert first_report(award).get_absolute_url() in page
