"""Liaisons: appointed, changed and ended; rights end at once, and sessions with them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.utils import timezone

from incubator.organisations import services
from incubator.organisations.models import Liaison
from incubator.organisations.rules import is_liaison
from park_portal.celery import app
from park_portal.core.audit.models import Entry
from park_portal.core.errors import Forbidden
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import make_liaison, make_university

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 31)


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel("2026-03-31T12:00:00+08:00", tick=False) as clock:
        yield clock


@pytest.fixture
def liaison():
    return make_liaison(make_user(), make_university(), ends_on=TODAY, starts_on=TODAY - timedelta(days=30))


def is_in(client) -> bool:
    return client.get("/account/profile/").status_code == 200


def test_the_last_day_counts_and_the_next_minute_does_not(noon, liaison, client_of):
    client, stranger = client_of(liaison.user), client_of(make_user())
    assert app.tasks["incubator.organisations.end_terms"]() == 0
    noon.move_to("2026-03-31T23:59:59+08:00")
    assert is_liaison(liaison.user)
    noon.move_to("2026-04-01T00:00:00+08:00")
    assert not is_liaison(liaison.user)
    assert is_in(client)
    assert app.tasks["incubator.organisations.end_terms"]() == 1
    assert (is_in(client), is_in(stranger)) == (False, True)
    liaison.refresh_from_db()
    assert liaison.active is False
    entry = Entry.objects.get(action="liaison.end")
    assert (entry.actor_id, entry.facts, entry.after) == (None, {"reason": "term over"}, {"active": False})
    assert services.end_terms() == 0


@pytest.mark.parametrize(
    ("change", "stays"),
    [
        ({"active": False}, False),
        ({"ends_on": TODAY - timedelta(days=1)}, False),
        ({"starts_on": TODAY + timedelta(days=1), "ends_on": None}, False),
        ({"ends_on": TODAY + timedelta(days=90)}, True),
    ],
)
def test_a_change_that_ends_the_term_ends_the_sessions(liaison, client_of, change, stays):
    client = client_of(liaison.user)
    services.update_liaison(liaison, actor=make_staff("officer"), **change)
    assert is_in(client) is is_liaison(liaison.user) is stays
    assert Entry.objects.get(action="liaison.change").after.keys() == change.keys()


def test_in_the_administration_a_form_does_the_same(liaison, client_of):
    client, officer = client_of(liaison.user), client_of("officer")
    address = f"/admin/incubator/liaison/{liaison.pk}/change/"
    form = {
        "user": liaison.user_id,
        "organisation": liaison.organisation_id,
        "faculty": "",
        "starts_on": "2026-03-01",
        "ends_on": "2026-03-30",
        "active": "on",
    }
    assert officer.post(address, form).status_code == 302
    assert not is_in(client)
    other = make_user()
    added = officer.post("/admin/incubator/liaison/add/", {**form, "user": other.pk, "ends_on": ""})
    assert added.status_code == 302
    made = Liaison.objects.get(user=other)
    assert Entry.objects.get(action="liaison.appoint").object_id == str(made.pk)
    client = client_of(other)
    assert (
        client_of("lead").post(f"/admin/incubator/liaison/{made.pk}/delete/", {"post": "yes"}).status_code
        == 302
    )
    assert not is_in(client)
    assert not Session.objects.filter(expire_date__lt=timezone.now()).exists()


def test_only_officers_and_leads_may(liaison):
    for actor in (make_user(), make_staff("finance"), make_staff("administrator"), liaison.user):
        with pytest.raises(Forbidden):
            services.update_liaison(liaison, actor=actor, ends_on=None)
        with pytest.raises(Forbidden):
            services.remove_liaison(liaison, actor=actor)
    assert Liaison.objects.get() == liaison
