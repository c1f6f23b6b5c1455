"""The public pages of calls, through the door."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from funding.calls.body import blocks_of
from funding.calls.models import Call
from funding.calls.services import publish_call
from park_portal.core.policies.models import PolicyValue
from park_portal.core.workflow import SYSTEM
from tests.factories.calls import make_call

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> Client:
    """Anyone, not signed in, who reads English."""
    client = Client()
    client.cookies["django_language"] = "en"
    return client


def test_list_groups_calls_by_the_clock(reader):
    make_call(code="DRAFT-1")
    make_call(code="GONE-1", state="cancelled", opens_in=2)
    make_call(code="OPEN-1", state="open")
    make_call(code="SOON-1", state="published", opens_in=3)
    make_call(code="SHUT-1", state="closed")
    response = reader.get("/calls/")
    assert response.status_code == 200
    found = {
        name: [card["call"].code for card in response.context[name]] for name in ("open", "coming", "closed")
    }
    assert found == {"open": ["OPEN-1"], "coming": ["SOON-1"], "closed": ["SHUT-1"]}
    assert b"DRAFT-1" not in response.content
    assert b"GONE-1" not in response.content


def test_list_goes_by_the_minute_even_before_the_beat(reader):
    call = make_call(code="SOON-1", state="published", opens_in=1, days=2)
    with time_machine.travel(call.opens_at - timedelta(seconds=1), tick=False):
        assert [card["call"] for card in reader.get("/calls/").context["coming"]] == [call]
    with time_machine.travel(call.opens_at, tick=False):
        assert [card["call"] for card in reader.get("/calls/").context["open"]] == [call]
    with time_machine.travel(call.closes_at, tick=False):
        assert [card["call"] for card in reader.get("/calls/").context["closed"]] == [call]


def test_empty_list_says_so(reader):
    assert b"No call has been announced yet" in reader.get("/calls/").content


def test_list_costs_the_same_at_any_length(reader, django_assert_num_queries):
    make_call(state="open")
    with django_assert_num_queries(3):
        reader.get("/calls/")
    for _number in range(4):
        make_call(state="open")
        make_call(state="closed")
    with django_assert_num_queries(3):
        reader.get("/calls/")


def test_page_of_an_open_call(reader):
    PolicyValue.objects.filter(key="incubatee.stay_biotech").update(confidence="R")
    call = make_call(code="OPEN-1", state="open")
    response = reader.get("/calls/OPEN-1/")
    page = response.content.decode()
    assert response.status_code == 200
    assert f'href="/applications/start/{call.code}/"' in page
    for text in (
        "“AI + BT” Concept Validation Fund",
        "Company founded at most 60 months before the call closes",
        "国科发区〔2018〕300号",
        "unconfirmed",
        "At most one application to this call",
        "3 experts · 10 working days",
        "¥0.2 m to ¥2 m",
        "25 questions.",
        "Reviewers who would be unsuitable",
        "(depends on “Compliance matters involved”)",
    ):
        assert text in page, text
    assert "style=" not in page
    assert "<script>" not in page


def test_page_of_a_call_that_comes_has_no_apply_button(reader):
    make_call(code="SOON-1", state="published", opens_in=2)
    page = reader.get("/calls/SOON-1/").content.decode()
    assert "/applications/start/" not in page
    assert "Applications can be begun as soon as the call opens." in page


def test_page_after_the_closing_minute_has_no_apply_button(reader):
    call = make_call(code="OPEN-1", state="open", grace_minutes=10)
    with time_machine.travel(call.closes_at, tick=False):
        page = reader.get("/calls/OPEN-1/").content.decode()
    assert "/applications/start/" not in page
    assert "applicants who have a draft" in page


@pytest.mark.parametrize("code", ["DRAFT-1", "GONE-1", "NONE-1", "%00", "a" * 300, "测试"])
def test_what_is_not_announced_is_not_found(reader, client_of, code):
    make_call(code="DRAFT-1")
    make_call(code="GONE-1", state="cancelled", opens_in=2)
    assert reader.get(f"/calls/{code}/").status_code == 404
    assert client_of("stranger").get(f"/calls/{code}/").status_code == 404
    assert client_of("administrator").get(f"/calls/{code}/").status_code == 404


def test_staff_see_a_draft_on_the_portal(client_of):
    make_call(code="DRAFT-1")
    assert client_of("auditor").get("/calls/DRAFT-1/").status_code == 200


def test_page_in_chinese():
    make_call(code="OPEN-1", state="open")
    client = Client()
    client.cookies["django_language"] = "zh-hans"
    page = client.get("/calls/OPEN-1/").content.decode()
    for text in (
        "概念验证基金申报通知",
        "20 万元",
        "技术验证",
        "形式审查",
        "项目名称",
        "本次申报最多提交 1 份申请",
    ):
        assert text in page, text


def test_text_of_people_is_escaped(reader):
    call = make_call(opens_in=-1, title_en="<script>alert(1)</script>", body_en="<b>bold</b>\n\n- <i>x</i>")
    publish_call(call, actor=SYSTEM)
    page = reader.get(f"/calls/{call.code}/").content.decode()
    assert "<script>alert" not in page
    assert "<b>bold" not in page
    assert "<i>x" not in page


def test_untranslated_text_falls_back(reader):
    call = make_call(state="open")
    Call.objects.filter(pk=call.pk).update(title_en="")
    assert call.title_zh_hans in reader.get("/calls/").content.decode()


def test_blocks_of_a_text():
    found = blocks_of("一段\n两行\n\n标题\n- 甲\n- 乙\n  续\n\n\n- 丙")
    assert [(block.text, block.items) for block in found] == [
        ("一段\n两行", []),
        ("标题", ["甲", "乙 续"]),
        ("", ["丙"]),
    ]
    assert blocks_of("") == []


def test_days_left_are_working_days(reader):
    with time_machine.travel("2026-03-02 09:00:00+08:00", tick=False):
        make_call(state="open", opens_in=-1, closes_at=timezone.now() + timedelta(days=4))
        # Monday to Friday of the same week.
        assert reader.get("/calls/").context["open"][0]["days"] == 4
