"""What an address asks of a list holds, or is refused: never does a wrong filter widen what an act is done with."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from funding.models import Application
from park_portal.core.audit.models import Entry
from park_portal.core.audit.services import record
from tests.factories.core import make_user
from tests.factories.reviews import make_application

pytestmark = pytest.mark.django_db

LIST = "/admin/funding/application/"
WRONG = ["stage=zzz", "call=abc", "call=99999999", "state=nope", "kind__exact=nope", "nothing=1", "due=never"]


@pytest.fixture
def staff(client_of):
    def login(role):
        client = client_of(role)
        client.cookies["django_language"] = "en"
        return client

    return login


def said(page: Any) -> list[str]:
    return [str(message) for message in page.context["messages"]]


@pytest.mark.parametrize("wrong", WRONG)
def test_an_act_on_all_that_match_refuses_a_filter_that_is_not_offered(staff, wrong):
    make_application(), make_application()
    client = staff("officer")
    address = f"{LIST}all/reject/?{wrong}&q=A"
    before = list(Application.objects.order_by("pk").values()), Entry.objects.count()

    for response in (
        client.get(address, follow=True),
        client.post(address, {"expected": "2", "once": "f1", "reason": "No."}, follow=True),
    ):
        assert response.redirect_chain == [(f"{LIST}?q=A", 302)]
        assert said(response) == [f"Nothing was done: this list has no such filter ({wrong})."]
    assert (list(Application.objects.order_by("pk").values()), Entry.objects.count()) == before


@pytest.mark.parametrize("wrong", WRONG)
def test_a_list_says_which_filter_it_left_out_and_keeps_the_others(staff, wrong):
    make_application()
    client = staff("officer")

    page = client.get(f"{LIST}?q=A&{wrong}&track=ai", follow=True)

    assert page.redirect_chain == [(f"{LIST}?q=A&track=ai", 302)]
    assert said(page) == [f"This list has no such filter, and shows what matches without it: {wrong}"]
    assert said(client.get(f"{LIST}?q=A&track=ai")) == []


def test_export_refuses_a_filter_that_is_not_offered(staff):
    make_application()
    client = staff("officer")
    for response in (client.get(f"{LIST}export/?stage=zzz"), client.post(f"{LIST}export/?stage=zzz")):
        assert (response.status_code, response["Location"]) == (302, LIST)


def test_rows_ticked_under_a_wrong_filter_are_not_acted_on(staff):
    application = make_application()
    response = staff("officer").post(
        f"{LIST}?stage=zzz",
        {"action": "act_reject", "_selected_action": [application.pk], "select_across": "1"},
    )
    assert response["Location"] == LIST


def test_a_call_that_is_no_longer_offered_is_still_a_filter(staff, monkeypatch):
    first, second = make_application(), make_application()
    monkeypatch.setattr("funding.applications.admin.CALLS_OFFERED", 0)
    page = staff("officer").get(f"{LIST}?call={first.call_id}")
    assert page.status_code == 200
    assert page.context["cl"].result_count == Application.objects.filter(call=first.call_id).count()
    assert second.pk


@pytest.mark.parametrize(
    ("asked", "shown"), [("999", 3), ("abc", 1), ("0", 1), ("-2", 1), ("9" * 40, 3), ("9" * 5000, 3)]
)
def test_a_page_that_is_not_there_is_the_nearest_with_the_filters_kept(staff, monkeypatch, asked, shown):
    monkeypatch.setattr("funding.applications.admin.ApplicationAdmin.list_per_page", 1)
    for _number in range(3):
        track = make_application().call.track
    page = staff("officer").get(f"{LIST}?track={track}&p={asked}")
    found = page.context["cl"]
    assert (page.status_code, found.page_num, found.params) == (200, shown, {"track": track})
    assert said(page) == [f"There is no page {asked[:20]}. This is page {shown} of 3."]


def test_what_a_person_did_is_what_they_did_alone(staff):
    alice, bob = make_user(), make_user()
    record("user.test", alice, actor=alice, after={"n": 1})
    record("user.test", bob, actor=bob, after={"n": 1})
    page = staff("auditor").get(f"{reverse('admin:core_entry_changelist')}?actor={alice.pk}")
    assert {entry.actor_id for entry in page.context["cl"].result_list} == {alice.pk}
