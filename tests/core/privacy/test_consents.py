"""Consent by purpose, withdrawn as easily as given; retention by dated rules, shown before it happens."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from funding.calls.services import NEWS, open_call
from park_portal.core import context
from park_portal.core.audit.models import Entry
from park_portal.core.audit.services import SYSTEM, record, seal_entries, verify_chain
from park_portal.core.calendar.working_days import SHANGHAI
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import run_job
from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.outbox.services import notify, preferences_of, relay_messages
from park_portal.core.personal import CONSENTS
from park_portal.core.policies.services import in_force, replace_policy
from park_portal.core.privacy.erasing import erase_person
from park_portal.core.privacy.models import Consent, DataRequest
from park_portal.core.privacy.retention import months_before, previews, run_retention
from park_portal.core.privacy.services import (
    ask,
    fulfil,
    give_consent,
    who_agreed,
    withdraw,
    withdraw_consent,
)
from park_portal.core.privacy.tasks import retention
from tests.factories import make
from tests.factories.calls import make_call
from tests.factories.core import make_user

pytestmark = pytest.mark.django_db

PAGE = "/account/data/consents/"


def test_nothing_is_agreed_to_beforehand_and_one_button_each_way(client_of, people):
    person, client = people("stranger"), client_of("stranger")
    page = client.get(PAGE).content.decode()
    assert 'name="give" value="news_of_calls"' in page
    assert "checked" not in page
    assert not who_agreed(NEWS).exists()
    assert NEWS not in [kind.consent for kind, _mode in preferences_of(person)]
    for _twice in range(2):
        client.post(PAGE, {"give": NEWS})
    (given,) = Consent.objects.filter(person=person)
    assert given.text == dict(CONSENTS[NEWS].text)
    assert list(who_agreed(NEWS)) == [person]
    page = client.get(PAGE).content.decode()
    assert 'name="withdraw" value="news_of_calls"' in page
    for _twice in range(2):
        client.post(PAGE, {"withdraw": NEWS})
    given.refresh_from_db()
    assert given.withdrawn_at is not None
    assert not who_agreed(NEWS).exists()
    acts = Entry.objects.filter(object_type="core.consent").order_by("pk").values_list("action", flat=True)
    assert list(acts) == ["consent.give", "consent.withdraw"]


def test_nobody_agrees_for_another_or_twice_or_to_nothing(people):
    person = make_user("Wang Min")
    with pytest.raises(Forbidden):
        give_consent(person, actor=people("administrator"), purpose=NEWS)
    with pytest.raises(DomainError):
        give_consent(person, actor=person, purpose="tracking")
    give_consent(person, actor=person, purpose=NEWS)
    with pytest.raises(IntegrityError), transaction.atomic():
        Consent.objects.create(person=person, purpose=NEWS, version=1)


def test_news_reach_those_who_agreed_until_they_withdraw(monkeypatch):
    asked, other, left = make_user("Asked"), make_user("Other"), make_user("Left")
    for person in (asked, left):
        give_consent(person, actor=person, purpose=NEWS)
    call = make_call(state="published", opens_in=1)
    open_call(call, actor=SYSTEM)
    withdraw_consent(left, actor=left, purpose=NEWS)  # before it is delivered
    relay_messages()
    told = Delivery.objects.filter(kind="call.news")
    assert set(told.values_list("recipient", "channel")) == {(asked.pk, "inbox"), (asked.pk, "email")}
    withdraw_consent(asked, actor=asked, purpose=NEWS)  # before the mail is sent
    assert list(told.values_list("recipient", "channel")) == [(asked.pk, "inbox")]
    assert not Delivery.objects.filter(recipient=other).exists()
    # A new text asks anew.
    give_consent(asked, actor=asked, purpose=NEWS)
    purpose = CONSENTS[NEWS]
    monkeypatch.setitem(CONSENTS, NEWS, type(purpose)(purpose.name, purpose.label, purpose.text, version=2))
    assert not who_agreed(NEWS).exists()
    give_consent(asked, actor=asked, purpose=NEWS)
    assert list(who_agreed(NEWS)) == [asked]
    assert list(
        Consent.objects.filter(person=asked, withdrawn_at__isnull=True).values_list("version", flat=True)
    ) == [2]


# --- retention


def test_what_is_old_goes_by_its_rule_and_is_shown_before(client_of, people):
    person = make_user("Wang Min")
    notify("account.security", recipients=[person], key="old", context={"what": "x"})
    while relay_messages():
        pass
    Delivery.objects.update(status="sent", sent_at=timezone.now())
    make("core.Invitation", revoked_at=timezone.now())
    address = "/admin/retention/"
    for other in ("officer", "auditor", "finance"):
        assert client_of(other).get(address).status_code == 403
        assert client_of(other).post(address).status_code == 403
    month = timezone.now() + timedelta(days=31 * 25)
    with time_machine.travel(month, tick=False):
        found = {one.retention.name: (one.now, one.soon) for one in previews()}
        assert (found["notices"], found["invitations"], found["copies"]) == ((2, 0), (1, 0), (0, 0))
        # Who keeps the rules but cannot open them is led to no refusal.
        assert "/admin/core/policyvalue/" not in client_of("administrator").get(address).content.decode()
        assert "/admin/core/policyvalue/" in client_of("lead").get(address).content.decode()
        assert Delivery.objects.exists()
        replace_policy(
            "privacy.notice_months",
            value=36,
            effective_from=timezone.localdate(),
            source="园区",
            actor=SYSTEM,
        )
        assert {one.retention.name: one.now for one in previews()}["notices"] == 0
        client_of("lead").post(address)
        job = Job.objects.get(kind="privacy.retention")
        assert run_job(job.pk)
        assert Delivery.objects.count() == 2
        noted = Entry.objects.filter(action="privacy.retention")
        assert [(one.actor, one.facts["kind"], one.facts["gone"]) for one in noted] == [
            (people("lead"), "invitations", 1)
        ]
    with time_machine.travel(timezone.now() + timedelta(days=31 * 38), tick=False):
        assert run_retention()["notices"] == 2
        assert set(run_retention().values()) == {0}
        assert (Delivery.objects.count(), Message.objects.filter(key__endswith=":old").count()) == (0, 0)


def test_what_shows_how_rights_were_used_goes_when_nobody_can_ask_for_it_any_more(people):
    person = make_user("Wang Min")
    asked = [
        ask(person, actor=person, kind="other", text=text) for text in ("answered", "taken back", "open")
    ]
    fulfil(asked[0], actor=people("lead"), text="So ist es.")
    withdraw(asked[1], actor=person)
    for _again in range(2):
        give_consent(person, actor=person, purpose=NEWS)
        withdraw_consent(person, actor=person, purpose=NEWS)
    give_consent(person, actor=person, purpose=NEWS)
    years = in_force({"privacy.request_years"})["privacy.request_years"].number
    with time_machine.travel(timezone.now() + timedelta(days=365 * years - 2), tick=False):
        gone = run_retention()
        assert (gone["requests"], gone["consents"]) == (0, 0)
    with time_machine.travel(timezone.now() + timedelta(days=366 * years + 2), tick=False):
        gone = run_retention()
    assert (gone["requests"], gone["consents"]) == (2, 2)
    assert [one.text for one in DataRequest.objects.all()] == ["open"]
    assert Consent.objects.get().withdrawn_at is None


def test_beat_rings_one_job_a_night():
    assert retention() == retention()
    assert Job.objects.get(kind="privacy.retention").owner is None


def test_addresses_of_who_is_gone_leave_the_trail_when_the_law_lets_them(people):
    person, other = make_user("Wang Min"), make_user("Other")
    with context.origin(door="web", address="203.0.113.9"):
        record("user.test", person, actor=person)
        record("user.test", other, actor=other)
    while seal_entries():
        pass
    erase_person(person, actor=people("lead"))
    assert run_retention()["addresses"] == 0
    with time_machine.travel(timezone.now() + timedelta(days=200), tick=False):
        assert run_retention()["addresses"] == 1
    found = dict(Entry.objects.filter(action="user.test").values_list("actor", "address"))
    assert found == {person.pk: None, other.pk: "203.0.113.9"}
    while seal_entries():
        pass
    assert verify_chain().intact


def test_months_end_where_the_month_ends():
    moment = datetime(2026, 3, 31, 12, tzinfo=SHANGHAI)
    assert months_before(moment, 1).date().isoformat() == "2026-02-28"
    assert months_before(moment, 15).date().isoformat() == "2024-12-31"
