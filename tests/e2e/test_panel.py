"""A panel in real browsers: what the chair does is on everyone's page without a reload, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from funding.models import Ballot, Meeting
from funding.panels import services
from park_portal.core.accounts.models import User
from tests.browser import accessibility_violations, new_context
from tests.e2e.test_autosave import sign_in
from tests.factories.panels import chair_of, make_meeting, members_of, open_session

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

# Milliseconds. The page asks every two seconds (test_pages); how fast a machine under test answers is its own matter.
SOON = 20_000


@pytest.fixture
def opened(browser: Browser, live_server: Any) -> Iterator[Callable[[User, Meeting], Page]]:
    """Opens the meeting's page as a person sees it."""
    contexts: list[BrowserContext] = []

    def open_(user: User, meeting: Meeting) -> Page:
        context = new_context(browser)
        contexts.append(context)
        sign_in(context, live_server.url, user)
        page = context.new_page()
        page.goto(f"{live_server.url}{meeting.get_absolute_url()}")
        return page

    yield open_
    complaints = [line for context in contexts for page in context.pages for line in page.complaints]  # type: ignore[attr-defined] # set by new_context
    for context in contexts:
        context.close()
    assert complaints == []


def test_everyone_sees_the_item_by_itself_and_votes(opened):
    meeting = make_meeting(2)
    left = members_of(meeting)[2]
    item = meeting.items.order_by("position").first()
    services.declare_conflict(item, actor=left, kind="coauthor")
    meeting = open_session(meeting)
    chair, member, gone = (
        opened(person, meeting) for person in (chair_of(meeting), members_of(meeting)[1], left)
    )
    chair.get_by_role("button", name="开始讨论该议题").click()
    expect(chair.locator("#table-title")).to_have_text(item.application.title)
    expect(member.locator("#table-title")).to_have_text(item.application.title, timeout=SOON)
    expect(gone.get_by_text("您已就本议题离席")).to_be_visible(timeout=SOON)
    assert gone.get_by_text("用多模态大模型预测药物反应。").count() == 0
    member.locator("#panel-remark-text").fill("打到一半的意见")
    chair.locator("#panel-remark-text").fill("请各位发言")
    chair.get_by_role("button", name="发言", exact=True).click()
    expect(member.locator(".panel-remarks")).to_contain_text("请各位发言", timeout=SOON)
    expect(member.locator("#panel-remark-text")).to_have_value("打到一半的意见")
    chair.get_by_role("button", name="开始表决").click()
    expect(member.locator("#ballot-score")).to_be_visible(timeout=SOON)
    member.locator("#ballot-score").fill("77")
    services.cast_ballot(item, actor=members_of(meeting)[3], score=50)
    expect(member.get_by_text("已有 1 人投票")).to_be_visible(timeout=SOON)
    expect(member.locator("#ballot-score")).to_have_value("77")
    assert accessibility_violations(member) == []
    member.get_by_role("button", name="投票", exact=True).click()
    expect(member.get_by_text("您已投票。")).to_be_visible()
    assert sorted(Ballot.objects.values_list("score", flat=True)) == [50, 77]
    expect(chair.get_by_text("已有 2 人投票")).to_be_visible(timeout=SOON)
    chair.get_by_role("button", name="结束表决").click()
    expect(member.get_by_text("63.50")).to_be_visible(timeout=SOON)
    chair.locator("#panel-summary").fill("一致认为可行。")
    chair.get_by_label("建议资助", exact=True).check()
    chair.get_by_role("button", name="结束该议题").click()
    expect(member.get_by_text("当前没有正在讨论的议题")).to_be_visible(timeout=SOON)
    item.refresh_from_db()
    assert (item.state, item.opinion) == ("closed", "fund")
