"""Lists fit the screen they are read on: in a real browser."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Browser

from funding.applications.models import Application
from funding.applications.services import return_application
from tests.browser import new_context
from tests.e2e.test_autosave import sign_in
from tests.factories.applications import make_call, make_submitted
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import make_organisation

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
    assert page.locator("main .staff-problems, main .errorlist, main [role=alert]").count() > 0
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
