"""The page on which an application is begun: what it offers, what it says instead, and the way back to it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from park_portal.core.workflow import SYSTEM, advance
from tests.factories.applications import make_application, make_call, make_submitted
from tests.factories.core import make_user

pytestmark = pytest.mark.django_db


def start(user, call):
    client = Client(headers={"accept-language": "zh-hans"})
    client.force_login(user)
    return client.get(reverse("applications:start", args=[call.code])).content.decode()


def test_newcomer_is_led_to_register_and_back():
    call = make_call()
    page = start(make_user(), call)
    here = reverse("applications:start", args=[call.code])
    assert f'href="{reverse("organisations:create")}?next={here}"' in page
    assert f'href="{reverse("projects:create")}?next={here}"' in page


def test_call_for_companies_offers_no_project():
    page = start(make_user(), make_call(applicants=["organisation"]))
    assert reverse("organisations:create") in page
    assert reverse("projects:create") not in page


def test_second_application_that_the_limit_refuses_is_not_offered():
    call = make_call(rules=[{"kind": "max_applications", "value": Decimal(1)}])
    sent = make_submitted(call)
    page = start(sent.created_by, call)
    assert f'href="{sent.get_absolute_url()}"' in page
    assert f"已提交申请：{sent.number}" in page
    button = page.partition('<button class="btn btn-primary"')[2].partition("</button>")[0]
    assert "disabled" in button


def test_one_more_application_is_offered_where_the_call_takes_two():
    call = make_call(rules=[{"kind": "max_applications", "value": Decimal(2)}])
    sent = make_submitted(call)
    page = start(sent.created_by, call)
    assert f"已提交申请：{sent.number}" in page
    button = page.partition('<button class="btn btn-primary"')[2].partition("</button>")[0]
    assert "disabled" not in button


def test_draft_is_named_before_a_second_is_begun():
    draft = make_application()
    assert reverse("applications:form", args=[draft.pk]) in start(draft.created_by, draft.call)


def test_call_that_is_not_open_says_when_it_opens_or_closed_and_has_no_button():
    now = timezone.now()
    coming = make_call(opened=False, opens_at=now + timedelta(days=2))
    advance(coming, "publish", actor=SYSTEM, changes={"published_at": now})
    over = make_call(opens_at=now - timedelta(days=9), closes_at=now - timedelta(days=1))
    draft = make_application()
    person = draft.created_by
    for call, moment, word in ((coming, coming.opens_at, "开放"), (over, over.closes_at, "截止")):
        page = start(person, call)
        assert f"{timezone.localtime(moment):%Y-%m-%d %H:%M} {word}" in page
        assert '<button class="btn btn-primary"' not in page.partition("<main")[2].partition("</main")[0]
        assert "条件暂不符合" not in page
