"""An assignment in a real browser: what the worker finds is on the page without a reload."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from funding.models import AssignmentPlan
from funding.reviews import services
from tests.browser import new_context
from tests.e2e.test_autosave import sign_in
from tests.factories.core import make_staff
from tests.factories.plans import make_plan, work_off_jobs

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

SOON = 20_000  # milliseconds; the page asks every one and a half seconds


@pytest.mark.parametrize(
    ("criteria", "said"),
    [
        ({}, "确认并发出 4 份邀请"),
        ({"per_application": 3, "max_load": 1}, "以下任一办法都有帮助："),
    ],
)
def test_the_result_comes_by_itself(browser: Browser, live_server: Any, criteria, said):
    plan = make_plan(applications=2, experts=3, **criteria)
    officer = make_staff("officer")
    services.solve_plan(plan, actor=officer)
    context = new_context(browser)
    try:
        sign_in(context, live_server.url, officer)
        page = context.new_page()
        page.goto(f"{live_server.url}/admin/funding/assignmentplan/{plan.pk}/plan/")
        expect(page.get_by_text("正在计算指派方案")).to_be_visible()
        work_off_jobs()
        assert AssignmentPlan.objects.get(pk=plan.pk).state != "solving"
        expect(page.get_by_text(said)).to_be_visible(timeout=SOON)
        assert page.complaints == []  # type: ignore[attr-defined] # set by new_context
    finally:
        context.close()
