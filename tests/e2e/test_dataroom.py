"""A data room in real browsers: granted, viewed, revoked. The page that is open shows nothing more from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from funding.models import DataRoomAccess, DataRoomGrant
from park_portal.core.accounts.models import User
from tests.browser import accessibility_violations, new_context
from tests.e2e.test_autosave import sign_in
from tests.factories.datarooms import make_company, make_fact, make_investor, owner_of, pdf

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def visit(browser: Browser, live_server: Any) -> Iterator[Callable[[User, str], Page]]:
    """Opens a page as a person sees it, in a browser of their own."""
    contexts: list[BrowserContext] = []

    def open_(user: User, path: str) -> Page:
        context = new_context(browser)
        contexts.append(context)
        sign_in(context, live_server.url, user)
        page = context.new_page()
        page.goto(f"{live_server.url}{path}")
        return page

    yield open_
    for context in contexts:
        context.close()


def shown(page: Page) -> list[int]:
    """How many pixels each picture is wide: 0 of one that did not come."""
    pictures = page.locator(".dataroom-pages img")
    pictures.last.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    return pictures.evaluate_all("all => all.map(one => one.complete ? one.naturalWidth : 0)")


def test_granted_viewed_revoked(visit):
    company = make_company(name="上海澄光生物科技有限公司")
    make_fact(company, title="现金可用月数", value="14 个月")
    investor = make_investor(company)
    founder = visit(owner_of(company), f"/data-rooms/{company.pk}/")

    founder.get_by_role("link", name="添加文件").click()
    founder.locator("[name=title]").fill("商业计划书")
    founder.locator("[name=file]").set_input_files(
        {"name": "计划.pdf", "mimeType": "application/pdf", "buffer": pdf(2)}
    )
    founder.get_by_role("button", name="添加", exact=True).click()
    expect(founder.get_by_text("已放入资料室")).to_be_visible()
    assert accessibility_violations(founder) == []

    founder.get_by_role("link").filter(has_text=f"商业计划书 → {investor.label}").click()
    founder.get_by_role("button", name="开放", exact=True).click()
    expect(founder.get_by_text("已开放，并已通知投资人。")).to_be_visible()
    assert DataRoomGrant.objects.get().level == "view"

    guest = visit(investor.user, f"/data-rooms/shared/{company.pk}/")
    expect(guest.get_by_text("现金可用月数")).to_have_count(0)
    guest.get_by_role("link", name="商业计划书").click()
    expect(guest.get_by_role("link", name="下载")).to_have_count(0)
    assert shown(guest) == [1600, 1600]
    assert accessibility_violations(guest) == []

    founder.get_by_role("link", name="查看记录").first.click()
    expect(founder.get_by_role("row", name="商业计划书")).to_contain_text(investor.label)
    founder.go_back()
    founder.get_by_role("link", name="撤回").click()
    founder.get_by_role("button", name="撤回", exact=True).click()
    expect(founder.get_by_text("权限已收回。")).to_be_visible()

    picture = guest.locator(".dataroom-pages img").first.get_attribute("src")
    again = guest.evaluate("async address => (await fetch(address)).status", picture)
    assert again == 404, "the page is still open, but nothing more comes"
    response = guest.reload()
    assert response is not None
    assert response.status == 404
    assert list(DataRoomAccess.objects.order_by("pk").values_list("what", flat=True)) == [
        *("viewed", "page", "page", "refused"),
    ]
