"""Deals on their way: suggested with reasons, moved with reasons, examined, never by those who are tied."""

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from funding.deals import services
from funding.deals.models import Deal, DealMove
from funding.reviews.models import Conflict
from incubator.organisations.models import Membership
from incubator.organisations.services import merge_organisations
from park_portal.core.audit.models import Entry
from park_portal.core.audit.services import SYSTEM
from park_portal.core.errors import DomainError, Forbidden, IllegalTransition
from tests.factories.core import make_staff
from tests.factories.deals import (
    WAN,
    make_deal,
    make_mandate,
    make_market_fund,
    make_round,
    make_startup,
)
from tests.factories.incubator import make_organisation, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager():
    return make_staff("fund_manager")


def names(suggestions):
    return [one.company for one in suggestions]


def test_companies_that_fit_are_suggested_with_reasons_in_both_languages(manager):
    mandate = make_mandate()
    fits = make_round(make_startup(), stage="angel", target_fen=500 * WAN).company
    partly = make_round(make_startup(technology_field="ai", district="", registered_address="")).company
    for other in (
        make_startup(technology_field="other"),
        make_startup(district="浦东新区"),
    ):
        make_round(other)
    make_round(make_startup(), stage="b")
    make_round(make_startup(), target_fen=99 * WAN)
    make_startup()  # neither a round nor an award

    found = services.suggest_deals(mandate.fund)

    assert names(found) == [fits, partly]
    assert [fit.fits for fit in found[0].fits] == [True, True, True, True]
    assert [fit.fits for fit in found[1].fits] == [True, True, True, None]
    assert found[0].reasons["en"] == [
        "Field: AI + BT is what the fund looks for.",
        "Stage: a round “angel” is planned, which fits.",
        "Ticket: ¥5,000,000.00 is sought, room for at least ¥1,000,000.00.",
        "Region: 青浦区 is in the mandate.",
    ]
    assert found[0].reasons["zh-hans"] == [
        "领域：AI+BT 交叉，符合基金方向。",
        "阶段：计划进行天使轮融资，符合要求。",
        "单笔投资：拟融资 ¥5,000,000.00，不低于 ¥1,000,000.00。",
        "区域：青浦区，在投资区域内。",
    ]

    (deal,) = services.take_up(mandate, actor=manager, companies=[fits.pk])
    assert (deal.state, deal.company, deal.opened_by) == ("suggested", fits, manager)
    assert deal.reasons["en"] == found[0].reasons["en"]
    assert names(services.suggest_deals(mandate.fund)) == [partly]
    services.move_deal(deal, name="decline", actor=manager, reason="估值过高")
    assert names(services.suggest_deals(mandate.fund)) == [partly]  # Once passed, it is not suggested again.


def test_nothing_is_suggested_without_a_mandate():
    with pytest.raises(DomainError, match="mandate"):
        services.suggest_deals(make_market_fund())


def test_whole_way_leaves_every_reason(manager):
    deal = make_deal(upto="diligence")
    with pytest.raises(DomainError) as refused:
        services.move_deal(deal, name="present", actor=manager, reason="准备充分")
    assert refused.value.code == "diligence_open"
    first, *others = deal.items.all()
    services.clear_item(first, actor=manager, note="专利权属清晰")
    assert (first.state, first.settled_by, first.note) == ("cleared", manager, "专利权属清晰")
    assert first.settled_at is not None
    for item in others:
        services.waive_item(item, actor=manager, note="早期项目，不适用")
    for name in ("present", "reexamine", "present", "offer", "close"):
        services.move_deal(deal, name=name, actor=manager, reason=f"理由 {name}")
    connection.check_constraints()
    assert deal.state == "closed"
    assert [(move.number, move.source, move.target, move.reason) for move in deal.moves.all()] == [
        (1, "suggested", "screening", "符合基金策略"),
        (2, "screening", "meeting", "符合基金策略"),
        (3, "meeting", "diligence", "符合基金策略"),
        (4, "diligence", "committee", "理由 present"),
        (5, "committee", "diligence", "理由 reexamine"),
        (6, "diligence", "committee", "理由 present"),
        (7, "committee", "term_sheet", "理由 offer"),
        (8, "term_sheet", "closed", "理由 close"),
    ]
    assert Entry.objects.filter(action="deal.close", actor=manager).count() == 1


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_no_move_without_a_reason(manager, reason):
    deal = make_deal()
    with pytest.raises(DomainError) as refused:
        services.move_deal(deal, name="screen", actor=manager, reason=reason)
    assert refused.value.field == "reason"
    assert (Deal.objects.get().state, DealMove.objects.count()) == ("suggested", 0)


def test_a_second_click_moves_nothing(manager):
    deal = make_deal()
    services.move_deal(deal, name="screen", actor=manager, reason="值得看")
    with pytest.raises(IllegalTransition):
        services.move_deal(deal, name="screen", actor=manager, reason="值得看")
    assert deal.moves.count() == 1


def test_points_close_with_the_committee(manager):
    deal = make_deal(upto="committee")
    item = deal.items.first()
    with pytest.raises(DomainError, match="over"):
        services.reopen_item(item, actor=manager, note="新问题")
    with pytest.raises(DomainError, match="over"):
        services.add_item(deal, actor=manager, kind="other", title="环评")
    services.move_deal(deal, name="reexamine", actor=manager, reason="新问题")
    services.reopen_item(item, actor=manager, note="新问题")
    assert (item.state, item.settled_by, item.settled_at) == ("open", None, None)
    with pytest.raises(DomainError):
        services.waive_item(item, actor=manager, note=" ")
    with pytest.raises(DomainError, match="cleared"):
        services.add_item(deal, actor=manager, kind="other")


def test_one_open_deal_a_fund_and_company(manager):
    fund, company = make_market_fund(), make_startup()
    first = services.open_deal(fund, actor=manager, company=company)
    with pytest.raises(DomainError, match="open deal"):
        services.open_deal(fund, actor=manager, company=company)
    services.open_deal(make_market_fund(), actor=manager, company=company)
    services.move_deal(first, name="decline", actor=manager, reason="暂缓")
    assert services.open_deal(fund, actor=manager, company=company).state == "suggested"
    with pytest.raises(DomainError, match="company or the research project"):
        services.open_deal(fund, actor=manager)
    project = make_project()
    services.open_deal(fund, actor=manager, project=project)
    with pytest.raises(DomainError, match="open deal"):
        services.open_deal(fund, actor=manager, project=project)


def test_who_is_tied_keeps_out(manager):
    deal = make_deal()
    member, tied, other = (make_staff("fund_manager") for _number in range(3))
    Membership.objects.create(user=member, organisation=deal.company, role="viewer")
    Conflict.objects.create(
        person=tied, organisation=deal.company, kind="employer", recorded_by=manager, source="staff"
    )
    Conflict.objects.filter(person=tied).update(state="standing")
    for person in (member, tied, make_staff("officer"), make_staff("auditor"), make_staff("finance")):
        with pytest.raises(Forbidden):
            services.move_deal(deal, name="screen", actor=person, reason="值得看")
        with pytest.raises(Forbidden):
            services.open_deal(make_market_fund(), actor=person, company=deal.company)
        with pytest.raises(Forbidden):
            services.clear_item(deal.items.first(), actor=person)
    services.move_deal(deal, name="screen", actor=other, reason="值得看")
    project = make_project(pi=tied)
    with pytest.raises(Forbidden):
        services.open_deal(make_market_fund(), actor=tied, project=project)


def test_deals_go_with_a_merged_company():
    fund, kept = make_market_fund(), make_organisation(uscc=None)
    deal, same = make_deal(fund), make_deal(fund, kept)
    alone = make_deal(company=deal.company)
    merge_organisations(deal.company, actor=make_staff(), into=kept)
    connection.check_constraints()
    rows = Deal.objects.in_bulk()
    assert {row.company for row in rows.values()} == {kept}
    assert {pk: row.state for pk, row in rows.items()} == {
        deal.pk: "passed",
        same.pk: "suggested",
        alone.pk: "suggested",
    }


def test_page_of_a_deal_tells_its_story(manager):
    deal = make_deal(upto="meeting")
    client = Client()
    client.force_login(manager)
    text = client.get(reverse("admin:funding_deal_change", args=[deal.pk])).content.decode()
    assert "筛选 → 约谈" in text
    assert "符合基金策略" in text
    assert "知识产权链条" in text
    client.force_login(make_staff("finance"))
    assert client.get(reverse("admin:funding_deal_change", args=[deal.pk])).status_code == 403
    stranger = Client()
    address = reverse("admin:funding_deal_change", args=[deal.pk])
    assert stranger.get(address).status_code == 302


def test_deal_is_moved_by_its_page_and_by_program(manager):
    deal = make_deal()
    client = Client()
    client.force_login(manager)
    act = reverse("admin:funding_deal_act", args=[deal.pk, "screen"])
    assert client.post(act, {"reason": ""}).status_code == 200
    assert Deal.objects.get().state == "suggested"
    assert client.post(act, {"reason": "团队扎实"}).status_code == 302
    sent = client.post(
        f"/api/v1/deals/{deal.pk}/acts/meet/", {"reason": "约谈"}, content_type="application/json"
    )
    assert sent.status_code == 200
    assert [move["reason"] for move in sent.json()["moves"]] == ["团队扎实", "约谈"]
    assert sent.json()["state"] == "meeting"


def test_system_has_no_ties():
    assert make_deal(upto="term_sheet").state == "term_sheet"
    assert services.open_deal(make_market_fund(), actor=SYSTEM, company=make_startup()).opened_by is None
