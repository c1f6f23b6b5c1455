"""An application is saved as it is typed, and nothing typed is ever lost: in a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from playwright.sync_api import Browser, BrowserContext, Page, expect

from funding.applications.models import Answer, Application
from funding.applications.services import save_answer, withdraw_application
from incubator.organisations.models import Membership
from park_portal.core.accounts.models import User
from tests.browser import accessibility_violations, new_context
from tests.factories.applications import PDF, make_application
from tests.factories.core import make_user
from tests.factories.incubator import make_organisation
from tests.personas import PASSWORD

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

SAVED = "已保存"


@pytest.fixture
def application(live_server: Any) -> Application:
    owner = make_user("陈思远")
    return make_application(filled=False, owner=owner, organisation=make_organisation(owner=owner))


@pytest.fixture
def opened(browser: Browser, live_server: Any) -> Iterator[Callable[..., BrowserContext]]:
    """Opens contexts in which a person is signed in, and closes them afterwards."""
    contexts: list[BrowserContext] = []

    def open_(user: User, **kwargs: Any) -> BrowserContext:
        context = new_context(browser, **kwargs)
        contexts.append(context)
        sign_in(context, live_server.url, user)
        return context

    yield open_
    for context in contexts:
        context.close()


def sign_in(context: BrowserContext, url: str, user: User) -> None:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session.session_key, "url": url}])


def open_form(context: BrowserContext, live_server: Any, application: Application) -> Page:
    page = context.new_page()
    page.goto(f"{live_server.url}/applications/{application.pk}/form/")
    expect(page.locator("[data-status]")).not_to_be_empty()
    return page


def status(page: Page) -> Any:
    return page.locator("[data-status]")


def stored(application: Application, key: str) -> Any:
    return (
        Answer.objects.filter(application=application, question__question__key=key)
        .values_list("value", flat=True)
        .first()
    )


def wait_for(condition: Callable[[], Any], seconds: float = 15) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("did not come true in time")


def test_typing_is_saved_without_a_click(opened, live_server, application):
    page = open_form(opened(application.created_by), live_server, application)
    page.fill("#q-title", "面向类器官药筛的多模态大模型")
    expect(status(page)).to_contain_text(SAVED)
    assert stored(application, "title") == "面向类器官药筛的多模态大模型"
    expect(page.locator("[data-title]")).to_have_text("面向类器官药筛的多模态大模型")
    expect(page.locator("#count-title [data-count-shown]")).to_have_text("14")
    page.check("#q-human-0")
    expect(page.locator("#q-ethics")).to_be_visible()
    page.check("#q-human-1")
    expect(page.locator("#q-ethics")).to_be_hidden()
    wait_for(lambda: stored(application, "human") == "no")
    assert accessibility_violations(page) == []
    assert page.complaints == []


def test_the_budget_adds_itself_up(opened, live_server, application):
    page = open_form(opened(application.created_by), live_server, application)
    page.fill("#q-amount", "100")
    table = page.locator("#ask-budget")
    table.locator("tbody tr").nth(0).locator("input, textarea").nth(0).fill("设备费")
    table.locator("tbody tr").nth(0).locator("[data-add-up]").fill("60.5")
    expect(table.locator("[data-total]")).to_contain_text("¥605,000.00")
    expect(table.locator("[data-balance-difference]")).to_have_text("¥395,000.00")
    table.locator("tbody tr").nth(1).locator("input, textarea").nth(0).fill("材料费")
    table.locator("tbody tr").nth(1).locator("[data-add-up]").fill("39.5")
    expect(table.locator(".balance-equal")).to_be_visible()
    wait_for(lambda: len(stored(application, "budget") or []) == 2)
    assert [row["amount"] for row in stored(application, "budget")] == [60_500_000, 39_500_000]
    first = table.locator("tbody tr").nth(0).locator("[data-add-up]")
    for field, side, wrong in (
        (page.locator("#q-amount"), "wanted", "很多"),
        (page.locator("#q-amount"), "wanted", ""),
        (first, "total", "不少"),
    ):
        right = field.input_value()
        field.fill(wrong)
        expect(table.locator(f"[data-balance-{side}]")).to_have_text("—")
        expect(table.locator(".balance-equal")).to_be_hidden()
        expect(table.locator(".balance-difference")).to_be_hidden()
        field.fill(right)
        expect(table.locator(".balance-equal")).to_be_visible()
    table.locator("[data-remove-row]").nth(0).click()
    wait_for(lambda: len(stored(application, "budget") or []) == 1)
    expect(table.locator("[data-total]")).to_contain_text("¥395,000.00")
    assert page.complaints == []


def test_the_cell_that_is_refused_is_marked_until_it_is_mended(opened, live_server, application):
    page = open_form(opened(application.created_by), live_server, application)
    table = page.locator("#ask-budget")
    for row, (item, amount) in enumerate([("设备费", "60"), ("材料费", "不少")]):
        line = table.locator("tbody tr").nth(row)
        line.locator("input, textarea").nth(0).fill(item)
        line.locator("[data-add-up]").fill(amount)
    marked = table.locator(".is-invalid")
    expect(marked).to_have_count(1)
    expect(marked).to_have_value("不少")
    expect(marked).to_have_attribute("aria-invalid", "true")
    marked.fill("40")
    expect(table.locator(".is-invalid, [aria-invalid]")).to_have_count(0)
    wait_for(lambda: len(stored(application, "budget") or []) == 2)


def test_a_lost_connection_is_survived(opened, live_server, application):
    context = opened(application.created_by)
    page = open_form(context, live_server, application)
    context.set_offline(True)
    page.fill("#q-title", "断网时写的题目")
    expect(status(page)).to_contain_text("网络中断")
    page.fill("#q-abstract", "断网时写的摘要")
    assert stored(application, "title") is None
    context.set_offline(False)
    expect(status(page)).to_contain_text(SAVED, timeout=20_000)
    wait_for(lambda: stored(application, "abstract") == "断网时写的摘要")
    assert stored(application, "title") == "断网时写的题目"


def test_a_page_closed_without_connection_gives_its_text_back(opened, live_server, application):
    context = opened(application.created_by)
    page = open_form(context, live_server, application)
    context.set_offline(True)
    page.fill("#q-title", "没来得及保存")
    expect(status(page)).to_contain_text("网络中断")
    page.close(run_before_unload=False)
    context.set_offline(False)
    assert stored(application, "title") is None
    again = open_form(context, live_server, application)
    expect(again.locator("#q-title")).to_have_value("没来得及保存")
    wait_for(lambda: stored(application, "title") == "没来得及保存")


def test_closing_the_tab_right_after_typing_loses_nothing(opened, live_server, application):
    context = opened(application.created_by)
    page = open_form(context, live_server, application)
    page.fill("#q-title", "写完就关")
    page.close(run_before_unload=True)
    again = open_form(context, live_server, application)
    expect(again.locator("#q-title")).to_have_value("写完就关")
    wait_for(lambda: stored(application, "title") == "写完就关")


def test_two_people_never_overwrite_each_other_silently(opened, live_server, application):
    editor = make_user("林晓岚")
    Membership.objects.create(organisation=application.organisation, user=editor, role="editor")
    first = open_form(opened(application.created_by), live_server, application)
    second = open_form(opened(editor), live_server, application)
    first.fill("#q-abstract", "甲的摘要")
    expect(status(first)).to_contain_text(SAVED)
    second.fill("#q-title", "乙的题目")
    expect(status(second)).to_contain_text(SAVED)
    second.fill("#q-abstract", "乙的摘要")
    conflict = second.locator("#ask-abstract .conflict")
    expect(conflict).to_contain_text("陈思远")
    expect(conflict).to_contain_text("甲的摘要")
    expect(second.locator("#q-abstract")).to_have_value("乙的摘要")
    assert stored(application, "abstract") == "甲的摘要"
    assert accessibility_violations(second) == []
    conflict.get_by_role("button", name="保留我的").click()
    wait_for(lambda: stored(application, "abstract") == "乙的摘要")
    first.fill("#q-abstract", "甲再改")
    first.locator("#ask-abstract .conflict").get_by_role("button", name="采用已保存的内容").click()
    expect(first.locator("#q-abstract")).to_have_value("乙的摘要")
    expect(status(first)).to_contain_text(SAVED)
    assert (stored(application, "title"), stored(application, "abstract")) == ("乙的题目", "乙的摘要")
    first.fill("#q-abstract", "甲在乙之后改")
    wait_for(lambda: stored(application, "abstract") == "甲在乙之后改")


def test_an_expired_session_loses_nothing(opened, live_server, application):
    owner = application.created_by
    context = opened(owner)
    page = open_form(context, live_server, application)
    Session.objects.all().delete()
    page.fill("#q-title", "登录过期后写的")
    notice = page.locator("#apply-signed-out")
    expect(notice).to_contain_text("登录已过期")
    expect(notice.get_by_role("link", name="登录")).to_have_attribute("target", "_blank")
    assert stored(application, "title") is None
    page.fill("#q-abstract", "又写了一些")
    sign_in(context, live_server.url, owner)
    wait_for(lambda: _pumped(page) and stored(application, "title") == "登录过期后写的", 20)
    wait_for(lambda: _pumped(page) and stored(application, "abstract") == "又写了一些")
    expect(notice).to_be_hidden()


def test_saving_goes_on_after_somebody_else_was_signed_in(opened, live_server, application):
    owner, stranger = application.created_by, make_user("路人甲")
    context = opened(owner)
    context.clock.install()
    page = open_form(context, live_server, application)
    Session.objects.all().delete()
    sign_in(context, live_server.url, stranger)
    page.fill("#q-title", "别人登录后写的")
    notice = page.locator("#apply-signed-out")
    expect(notice).to_contain_text("已有其他人登录")
    line = page.locator("[data-status-actions] a")
    expect(line).to_have_attribute(
        "href",
        "/accounts/logout/?next=%2Faccounts%2Flogin%2F%3Fnext%3D%252Fapplications%252F"
        f"{application.pk}%252Fform%252F",
    )
    with page.expect_response(re.compile("/ping/")):
        page.clock.run_for(6000)  # asked once more who is signed in, and still not given up
    expect(notice).to_contain_text("已有其他人登录")
    assert page.locator("#apply-stopped").count() == 0
    Session.objects.all().delete()
    page.clock.run_for(10_000)
    expect(notice).to_contain_text("登录已过期")
    sign_in(context, live_server.url, owner)
    page.clock.run_for(20_000)
    wait_for(lambda: _pumped(page) and stored(application, "title") == "别人登录后写的", 20)
    expect(notice).to_be_hidden()
    expect(line).to_have_count(0)
    assert set(Answer.objects.values_list("updated_by", flat=True)) == {owner.pk}


def test_the_way_back_in_is_in_sight_on_a_small_screen(opened, live_server, application):
    page = open_form(opened(application.created_by, width=360, height=640), live_server, application)
    page.locator("#q-abstract").scroll_into_view_if_needed()
    Session.objects.all().delete()
    page.fill("#q-abstract", "登录过期后写的")
    link = page.locator("[data-status-actions]").get_by_role("link", name="登录")
    expect(link).to_be_in_viewport()
    expect(link).to_have_attribute("target", "_blank")
    expect(page.locator("#apply-signed-out")).to_contain_text("已填内容不会丢失")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert accessibility_violations(page) == []


def test_ones_own_other_window_is_nobody_else(opened, live_server, application):
    context = opened(application.created_by)
    first = open_form(context, live_server, application)
    second = open_form(context, live_server, application)
    first.fill("#q-abstract", "一")
    expect(status(first)).to_contain_text(SAVED)
    second.fill("#q-abstract", "二")
    conflict = second.locator("#ask-abstract .conflict")
    expect(conflict).to_contain_text("在另一个窗口修改了这个回答")
    expect(conflict).not_to_contain_text("陈思远")


def test_what_was_refused_is_no_longer_said_once_it_is_mended(opened, live_server, application):
    page = open_form(opened(application.created_by), live_server, application)
    said = page.locator("#error-amount")
    page.fill("#q-amount", "-5")
    expect(said).to_contain_text("金额不能为负数")
    page.fill("#q-amount", "100")  # the focus stays in the field
    expect(status(page)).to_contain_text(SAVED)
    expect(said).to_be_empty()
    page.fill("#q-amount", "很多")
    expect(said).to_contain_text("请输入以万元为单位的金额")
    page.fill("#q-amount", "100")  # what is stored: nothing is sent
    expect(said).to_be_empty()
    expect(status(page)).to_contain_text(SAVED)


def _pumped(page: Page) -> bool:
    page.wait_for_timeout(200)  # lets the browser's messages through while Python waits
    return True


def test_what_can_no_longer_be_saved_stays_to_be_copied(opened, live_server, application):
    owner = application.created_by
    context = opened(owner)
    page = open_form(context, live_server, application)
    withdraw_application(application, actor=owner)
    page.fill("#q-title", "撤回之后写的")
    stopped = page.locator("#apply-stopped")
    expect(stopped).to_contain_text("现在不能修改")
    expect(page.locator("#q-title")).to_have_value("撤回之后写的")
    expect(stopped.get_by_role("button", name="复制未保存的内容")).to_be_visible()
    expect(stopped.get_by_role("link", name="查看当前状态")).to_have_attribute(
        "href", f"/applications/{application.pk}/"
    )
    expect(page.locator("[data-check]")).to_be_hidden()
    expect(page.locator(".state-line")).to_be_hidden()


def test_a_role_withdrawn_while_typing(opened, live_server, application):
    editor = make_user()
    place = Membership.objects.create(organisation=application.organisation, user=editor, role="editor")
    page = open_form(opened(editor), live_server, application)
    page.fill("#q-title", "还能写")
    expect(status(page)).to_contain_text(SAVED)
    place.delete()
    page.fill("#q-title", "不能写了")
    expect(page.locator("#apply-stopped")).to_be_visible()
    expect(page.locator("#q-title")).to_have_value("不能写了")
    assert stored(application, "title") == "还能写"


def test_a_refused_answer_is_named_beside_it(opened, live_server, application):
    page = open_form(opened(application.created_by), live_server, application)
    page.fill("#q-amount", "很多")
    expect(page.locator("#error-amount")).to_contain_text("请输入以万元为单位的金额")
    expect(status(page)).to_contain_text("请看问题旁的提示")
    page.fill("#q-amount", "120")
    expect(status(page)).to_contain_text(SAVED)
    assert stored(application, "amount") == 120_000_000


def test_files_are_sent_with_progress_and_removed(opened, live_server, application):
    page = open_form(opened(application.created_by), live_server, application)
    files = page.locator("#ask-plan")
    page.set_input_files(
        "#q-plan-input", {"name": "计划书.pdf", "mimeType": "application/pdf", "buffer": PDF}
    )
    expect(files.locator("[data-files]")).to_contain_text("计划书.pdf")
    page.set_input_files(
        "#q-plan-input",
        {"name": "假的.pdf", "mimeType": "application/pdf", "buffer": b"\x89PNG\r\n\x1a\n" + b"0" * 64},
    )
    expect(files.locator("[data-uploads]")).to_contain_text("假的.pdf")
    expect(files.get_by_role("alert")).to_be_visible()
    assert application.files.filter(removed_at__isnull=True).count() == 1
    files.locator("[data-files] button").click()
    expect(files.locator("[data-files] li")).to_have_count(0)
    assert application.files.filter(removed_at__isnull=True).count() == 0
    assert page.complaints == []


def test_check_goes_on_once_everything_is_saved(opened, live_server, application):
    page = open_form(opened(application.created_by), live_server, application)
    page.fill("#q-title", "直接去检查")
    page.locator("[data-check]").click()
    page.wait_for_url("**/check/")
    assert stored(application, "title") == "直接去检查"
    page.locator(".error-summary a", has_text="项目摘要").click()
    page.wait_for_url("**/form/#q-abstract")


def test_without_a_script_a_click_saves(browser, live_server, application):
    context = browser.new_context(locale="zh-CN", java_script_enabled=False)
    sign_in(context, live_server.url, application.created_by)
    page = context.new_page()
    page.goto(f"{live_server.url}/applications/{application.pk}/form/")
    page.fill("#q-title", "没有脚本")
    page.get_by_role("button", name="保存").nth(1).click()
    expect(page.locator(".messages")).to_contain_text(SAVED)
    assert stored(application, "title") == "没有脚本"
    save_answer(application, "title", "别人改的", actor=application.created_by)
    page.goto(f"{live_server.url}/applications/{application.pk}/form/")
    save_answer(application, "title", "别人又改了", actor=application.created_by)
    page.fill("#q-title", "我也改了")
    page.get_by_role("button", name="保存").nth(1).click()
    expect(page.locator(".conflict")).to_contain_text("别人又改了")
    expect(page.locator("#q-title")).to_have_value("我也改了")
    context.close()


def test_without_a_script_an_ended_session_loses_nothing(browser, live_server, application):
    owner = application.created_by
    owner.set_password(PASSWORD)
    owner.save()
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    context = browser.new_context(locale="zh-CN", java_script_enabled=False)
    sign_in(context, live_server.url, owner)
    page = context.new_page()
    page.goto(f"{live_server.url}/applications/{application.pk}/form/")
    page.fill("#q-title", "登录过期前写的")
    Session.objects.all().delete()
    page.get_by_role("button", name="检查并提交").click()
    expect(page.locator(".messages")).to_contain_text("所填内容已暂存")
    page.fill("[name=login]", owner.email)
    page.fill("[name=password]", PASSWORD)
    page.locator("main").get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url("**/check/")
    expect(page.locator(".messages")).to_contain_text("登录前填写的内容已保存")
    assert stored(application, "title") == "登录过期前写的"
    context.close()
