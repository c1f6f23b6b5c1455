"""Lists fit the screen they are read on: in a real browser."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, expect

from funding.applications.models import Application
from funding.applications.services import return_application
from funding.calls.models import Call
from tests.browser import new_context
from tests.e2e.test_autosave import sign_in
from tests.factories.applications import make_call, make_submitted
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import (
    make_faculty,
    make_liaison,
    make_organisation,
    make_project,
    make_university,
)
from tests.factories.reviews import make_application, make_expert, make_review, make_review_call, run_of

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("width", [1366, 360])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_ones_own_applications_need_no_scrolling_sideways(
    browser: Browser, live_server: Any, language, width
):
    owner = make_user()
    call = make_call(title_en="“AI + BT” Concept Validation Fund 2026, second round")
    organisation = make_organisation(owner=owner, name_en="Shanghai Zhiwei Nanotherapeutics Co., Ltd.")
    application = make_submitted(call, owner=owner, organisation=organisation)
    Application.objects.filter(pk=application.pk).update(title="慢性疼痛的钠通道选择性抑制剂及其透皮制剂")
    due = timezone.now() + timedelta(days=20)
    return_application(application, actor=make_staff(), items={"abstract": "x"}, message="x", due_at=due)
    context = new_context(browser, width=width)
    sign_in(context, live_server.url, owner)
    context.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/applications/")
    frame = page.locator(".table-frame")
    assert frame.locator(".deadline-left").count() == 1
    assert frame.evaluate("frame => frame.scrollWidth - frame.clientWidth") == 0
    assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()


@pytest.mark.parametrize("width", [1366, 360])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("page_name", ["queue", "list"])
def test_what_waits_for_an_opinion_fits_the_screen_and_its_number_a_line(
    browser: Browser, live_server: Any, language, width, page_name
):
    university = make_university()
    person = make_user() if page_name == "queue" else make_expert()
    call = make_review_call("liaison" if page_name == "queue" else "expert")
    project = make_project(university=university, faculty=make_faculty(university, "药学院"))
    run = run_of(make_application(call, project=project))
    Application.objects.filter(pk=run.application_id).update(
        title="慢性疼痛的钠通道选择性抑制剂及其透皮制剂", number="AIBT-2026A-0009"
    )
    Call.objects.filter(pk=call.pk).update(
        title_zh_hans="“人工智能+生物技术”概念验证专项基金2026年度第二批",
        title_en="“AI + BT” Concept Validation Fund 2026, second round",
    )
    if page_name == "queue":
        make_liaison(person, university)
    else:
        make_review(run, person, accepted=True)
    context = new_context(browser, width=width)
    sign_in(context, live_server.url, person)
    context.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}{reverse(f'reviews:{page_name}')}")
    number = page.locator("td.is-code", has_text="AIBT-2026A-0009")
    assert number.evaluate("cell => getComputedStyle(cell).whiteSpace") == "nowrap"
    assert page.locator(".table-frame").evaluate("frame => frame.scrollWidth - frame.clientWidth") == 0
    assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()


def test_staff_filter_and_open_without_a_script(browser: Browser, live_server: Any):
    """Unfold hides panels by scripts; none of them may lie over the page where none runs."""
    lead = make_staff("lead")
    make_submitted(make_call())
    other = make_submitted(make_call())
    context = new_context(browser, java_script_enabled=False)
    sign_in(context, live_server.url, lead)
    context.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": "en", "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/admin/")
    page.locator("#nav-sidebar-apps").get_by_role("link", name="Applications", exact=True).click()
    page.locator("#changelist-filter").get_by_role("link", name=other.call.code).click()
    assert page.url.endswith(f"?call={other.call_id}")
    page.get_by_role("link", name=other.number).click()
    assert page.url.endswith(
        f"/admin/funding/application/{other.pk}/change/?_changelist_filters=call%3D{other.call_id}"
    )
    page.get_by_role("link", name="Reject").click()
    page.locator("main form [type=submit]").first.click()
    expect(page.locator("main .staff-problems, main .errorlist, main [role=alert]")).not_to_have_count(0)
    context.close()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_staff_s_list_of_applications_fits_a_laptop(browser: Browser, live_server: Any, language):
    application = make_submitted(make_call())
    officer = make_staff()
    due = timezone.now() + timedelta(days=20)
    return_application(application, actor=officer, items={"abstract": "x"}, message="x", due_at=due)
    context = new_context(browser)
    sign_in(context, live_server.url, officer)
    context.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/admin/funding/application/")
    assert page.locator(".staff-list-box").evaluate("box => box.scrollWidth - box.clientWidth") == 0
    context.close()
