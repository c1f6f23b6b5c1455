"""The staff's lists and records in a real browser: Back, and a phone's width."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser

from park_portal.core.audit.services import record
from park_portal.core.documents.services import store_document
from park_portal.core.outbox.models import Delivery, Message
from tests.browser import new_context
from tests.core.documents.samples import PDF
from tests.e2e.test_autosave import sign_in
from tests.factories.core import make_staff
from tests.factories.incubator import make_project, make_university
from tests.factories.reviews import make_application

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_after_back_what_is_chosen_and_its_button_agree(browser: Browser, live_server: Any):
    make_application(), make_application()
    context = new_context(browser)
    sign_in(context, live_server.url, make_staff("officer"))
    page = context.new_page()
    page.goto(f"{live_server.url}{reverse('admin:funding_application_changelist')}")
    choose, run = page.locator("select[name=action]"), page.locator("button[name=index]")
    page.locator("input.action-select").first.check()
    assert not run.is_visible()
    choose.select_option("act_reject")
    assert run.is_visible()
    run.click()
    page.wait_for_url("**/all/reject/**")

    page.go_back()
    page.wait_for_load_state("load")

    ticked = page.locator("input.action-select:checked").count()
    assert (ticked, choose.input_value(), run.is_visible()) == (1, "act_reject", True)
    assert page.locator(".action-counter").inner_text() == "选中了 2 个中的 1 个"
    run.click()
    page.wait_for_url("**/all/reject/**")
    assert page.complaints == []  # type: ignore[attr-defined]
    context.close()


def test_records_and_the_tick_for_the_page_fit_a_phone(browser: Browser, live_server: Any):
    application = make_application()
    person = make_staff("lead")
    entry = record("user.test", application, actor=person, after={"digest": "f" * 300})
    context = new_context(browser, width=360)
    sign_in(context, live_server.url, person)
    page = context.new_page()
    project = make_project(university=make_university())
    type(project).objects.filter(pk=project.pk).update(title_en="https://example.org/" + "x" * 120)
    document = store_document(PDF, actor=person, subject=application, kind="result", name=f"{'n' * 120}.pdf")
    message = Message.objects.create(topic="notify", key="test:long")
    delivery = Delivery.objects.create(
        message=message,
        recipient=person,
        channel="email",
        kind="job.finished",
        subject={"zh-hans": "s" * 120, "en": "s" * 120},
        body={"zh-hans": "b", "en": "b"},
        link="https://example.org/" + "x" * 120,
    )
    records: list[Any] = [entry, project, document, delivery]
    for one in records:
        meta = one._meta
        page.goto(
            live_server.url + reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[one.pk])
        )
        assert page.evaluate("document.documentElement.scrollWidth") == 360, meta.label
        wide = page.evaluate(
            "[document.documentElement, ...document.querySelectorAll('#content :not(.simplebar-content-wrapper)')].filter(e => "
            "e.scrollWidth > e.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX))"
            ".map(e => e.outerHTML.slice(0, 80))"
        )
        assert wide == [], meta.label
    page.goto(f"{live_server.url}{reverse('admin:funding_application_changelist')}")
    toggle = page.locator("#action-toggle")
    assert toggle.is_visible()
    toggle.check()
    assert page.locator("input.action-select:checked").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    context.close()
