"""The portal without a script, and by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser

from funding.applications.models import Application
from park_portal.core.accounts.models import User
from tests.e2e.steps import fill_table, submit_once, wait_until_saved, write_answers
from tests.e2e.visitor import Findings, Visitor, let_in
from tests.factories.applications import PDF
from tests.factories.calls import make_call
from tests.factories.incubator import make_organisation
from tests.personas import PASSWORD, make_person
from tests.stack import Stack

FOCUS = """() => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
  return {
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 || style.boxShadow !== "none",
    seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
    what: one.outerHTML.slice(0, 120),
  };
}"""


@pytest.fixture
def findings() -> Iterator[Findings]:
    found = Findings()
    yield found
    assert not found.wrong, found.report()


def owner_of_a_company(name: str, language: str) -> User:
    user = let_in(make_person(name, language=language))
    make_organisation(owner=user, founded_on=timezone.localdate() - timedelta(days=400))
    return user


def draft_of(user: User) -> Application:
    return Application.objects.get(organisation__memberships__user=user)


def test_one_applies_and_submits_without_a_script(live_stack: Stack, browser: Browser, findings: Findings):
    owner = owner_of_a_company("plain_owner", "zh-hans")
    call = make_call(state="open")
    who = Visitor(
        "plain",
        browser=browser,
        stack=live_stack,
        language="zh-hans",
        findings=findings,
        java_script_enabled=False,
    )
    who.sign_in(owner)
    who.open(f"/calls/{call.code}/").open(f"/applications/start/{call.code}/")
    who.press(who.say("Begin the application"))
    application = draft_of(owner)
    write_answers(who, title="无脚本也能申报的项目", amount="110", trl=4)
    save(who)
    assert application.answers.filter(question__question__key="title").get().value == "无脚本也能申报的项目"
    # Saving made room for another row.
    fill_table(
        who,
        "team",
        [{}, {}, {"name": "王五", "role": "research", "employer": "滨江药物研究所", "share": "20"}],
    )
    who.page.locator("input[type=file][name=technical_files]").set_input_files(
        {"name": "报告.pdf", "mimeType": "application/pdf", "buffer": PDF}
    )
    save(who)
    who.sees("报告.pdf")
    assert len(application.answers.get(question__question__key="team").value) == 3

    who.page.locator("[name=trl_target]").first.check()  # Below where the project stands already.
    who.fill(duration="240")
    who.press(who.say("Check and submit"))
    assert application.versions.count() == 0
    who.open(f"/applications/{application.pk}/form/")
    who.fill(duration="18", trl_target="6")
    who.press(who.say("Check and submit"))
    problems = who.page.locator("main .error-summary li").all_inner_texts()
    assert (who.path(), problems) == (f"/applications/{application.pk}/check/", [])
    submit_once(who, application)
    assert application.versions.get().number == 1
    who.open("/inbox/")
    who.close()


def save(who: Visitor) -> None:
    with who.going():
        who.page.locator("button[name=section]").first.click()


def test_one_begins_an_application_by_keyboard_alone(live_stack: Stack, browser: Browser, findings: Findings):
    owner = owner_of_a_company("keyboard_owner", "en")
    call = make_call(state="open")
    who = Visitor("keyboard", browser=browser, stack=live_stack, language="en", findings=findings)
    page, keys = who.page, who.page.keyboard

    who.open("/")
    keys.press("Tab")
    assert page.locator(".skip-link").evaluate("one => one === document.activeElement")
    assert page.evaluate(FOCUS)["seen"], "the skip link is not shown when it has the focus"
    keys.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"

    who.open(f"/accounts/login/?next=/calls/{call.code}/")
    tab_to(who, "[name=login]")
    keys.type(owner.email)
    tab_to(who, "[name=password]")
    keys.type(PASSWORD)
    with who.going():
        keys.press("Enter")
    assert who.path() == f"/calls/{call.code}/"
    tab_to(who, f"a[href='/applications/start/{call.code}/']")
    with who.going():
        keys.press("Enter")
    tab_to(who, "main form button")
    with who.going():
        keys.press("Enter")
    assert who.path() == f"/applications/{draft_of(owner).pk}/form/"
    tab_to(who, "[name=title]")
    keys.type("Written with a keyboard")
    tab_to(who, "[name=fields]")
    keys.press("Space")
    wait_until_saved(who)
    held = {
        answer.question.key: answer.value
        for answer in draft_of(owner).answers.select_related("question__question")
    }
    assert held == {"title": "Written with a keyboard", "fields": ["ai_drug"]}

    keys.press("Escape")
    tab_to(who, "details.menu summary", backwards=True)
    keys.press("Enter")
    assert page.locator("details.menu[open]").count() == 1
    keys.press("Escape")
    assert page.locator("details.menu[open]").count() == 0
    assert page.locator("details.menu summary").first.evaluate("one => one === document.activeElement")
    who.close()


def tab_to(who: Visitor, wanted: str, *, backwards: bool = False, most: int = 80) -> None:
    """Press Tab until an element that matches has the focus; every stop on the way shows that it has it."""
    for _press in range(most):
        who.page.keyboard.press("Shift+Tab" if backwards else "Tab")
        focus = who.page.evaluate(FOCUS)
        assert focus["ring"], f"no ring around {focus['what']}"
        # The page scrolls to where the focus went, which may take a frame.
        shown = who.stack.wait(lambda: who.page.evaluate(FOCUS)["seen"], seconds=10)
        assert shown, f"out of sight: {focus['what']}"
        if who.page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return
    pytest.fail(f"{wanted} was not reached by Tab on {who.path()}")
