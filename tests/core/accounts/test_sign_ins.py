"""What the audit trail says of signing in, and what its owner reads of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from park_portal.celery import BEAT, app
from park_portal.core.accounts import services
from park_portal.core.accounts.forms import RegisterForm
from park_portal.core.accounts.models import User
from park_portal.core.audit.models import Entry
from tests.core.accounts.test_sessions import confirm, in_as, is_in, known
from tests.personas import PASSWORD

pytestmark = pytest.mark.django_db

SECRET = "JBSWY3DPEHPK3PXP"


def trail(*, about: str | None = None) -> list[tuple[str, int | None, dict]]:
    rows = Entry.objects.filter(action__in=services.SIGN_INS).order_by("id")
    return [
        (entry.action.removeprefix("user."), entry.actor_id, entry.facts)
        for entry in rows
        if about is None or entry.object_id == about
    ]


def test_in_and_out_with_the_ways_and_the_address():
    bob = known()
    TOTP.activate(bob, SECRET)
    client = Client(REMOTE_ADDR="203.0.113.9")
    client.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    assert trail() == []  # The second step is still to come.
    client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    code = format_hotp_value(hotp_value(SECRET, next(iter(yield_hotp_counters_from_time()))))
    client.post("/accounts/2fa/authenticate/", {"code": code})
    assert is_in(client)
    client.post("/accounts/logout/")
    assert trail() == [
        ("second_step_failed", None, {"by": "totp"}),
        ("sign_in", bob.pk, {"by": "password, totp"}),
        ("sign_out", bob.pk, {}),
    ]
    assert {entry.address for entry in Entry.objects.filter(object_id=str(bob.pk))} == {"203.0.113.9"}


def test_a_failure_tells_the_caller_nothing_and_the_trail_no_password():
    bob = known()
    seen = []
    for email in (bob.email, "nobody@people.example", "nobody@people.example"):
        client = Client()
        with CaptureQueriesContext(connection) as captured:
            answer = client.post("/accounts/login/", {"login": email, "password": "Wrong-Secret-77"})
        shapes = [query["sql"].split(" ")[0:3] for query in captured.captured_queries]
        seen.append((answer.status_code, answer.content.decode().replace(email, "").count("<"), len(shapes)))
    assert seen[0][:2] == seen[1][:2]
    (_action, _actor, facts), unknown, again = trail()
    assert facts == {"by": "password"}
    assert trail(about=str(bob.pk)) == [("sign_in_failed", None, {"by": "password"})]
    assert unknown == again == ("sign_in_failed", None, {"by": "password"})
    labels = list(Entry.objects.filter(object_id="0").values_list("object_label", flat=True))
    assert labels[0] == labels[1]
    assert labels[0].startswith("? ")
    everything = str(list(Entry.objects.values()))
    assert "Wrong-Secret-77" not in everything
    assert "nobody@people.example" not in everything


def test_a_session_that_ends_by_itself_is_told_from_one_that_was_ended():
    with time_machine.travel(timezone.now(), tick=False) as clock:
        bob = known()
        client = in_as(bob)
        clock.shift(timedelta(seconds=settings.SESSION_IDLE_AGE + 1))
        assert not is_in(client)
    assert [action for action, *_rest in trail()] == ["sign_in", "session_expired"]


def test_its_owner_reads_it_and_nobody_else(client_of):
    bob, mallory = known(), known()
    Client(REMOTE_ADDR="198.51.100.7").post("/accounts/login/", {"login": bob.email, "password": "wrong"})
    in_as(mallory)
    answer = in_as(bob, REMOTE_ADDR="203.0.113.9").get("/accounts/sessions/")
    assert [(entry.action, way) for entry, _act, way in answer.context["sign_ins"]] == [
        ("user.sign_in", "密码"),
        ("user.sign_in_failed", "密码"),
    ]
    text = answer.content.decode()
    assert "登录失败" in text
    assert "198.51.100.7" in text
    # An auditor finds nobody behind an account that does not exist.
    Client().post("/accounts/login/", {"login": "nobody@people.example", "password": "wrong"})
    entry = Entry.objects.get(object_id="0")
    page = client_of("auditor").get(f"/admin/core/entry/{entry.pk}/change/")
    assert page.status_code == 200
    assert "/admin/core/user/0/" not in page.content.decode()


def test_what_is_over_is_swept_and_what_lives_stays():
    with time_machine.travel(timezone.now(), tick=False) as clock:
        bob = known()
        left_alone, used = in_as(bob), in_as(bob)
        clock.shift(timedelta(seconds=settings.SESSION_IDLE_AGE - 60))
        assert is_in(used)
        clock.shift(timedelta(hours=2))
        fresh = in_as(bob)
        Session.objects.create(
            session_key="old", session_data="", expire_date=timezone.now() - timedelta(days=1)
        )
        assert app.tasks["core.accounts.sweep_sessions"]() == 3
        assert (is_in(left_alone), is_in(used), is_in(fresh)) == (False, True, True)
        assert not Session.objects.filter(session_key="old").exists()
        assert UserSession.objects.count() == 2
        assert services.sweep_sessions() == 0
    assert {task for task, _when in BEAT.values()} >= {
        "core.accounts.sweep_sessions",
        "incubator.organisations.end_terms",
    }


class TestAddresses:
    PAGE = "/accounts/email/"

    @pytest.mark.parametrize("act", ["action_add", "action_remove", "action_primary"])
    def test_who_changes_them_shows_again_who_they_are(self, act):
        bob = known()
        second = EmailAddress.objects.create(user=bob, email="bob.two@people.example", verified=True)
        client = in_as(bob)
        with time_machine.travel(timezone.now() + timedelta(minutes=6), tick=False):
            assert client.get(self.PAGE).status_code == 200
            email = "bob.new@people.example" if act == "action_add" else second.email
            before = list(EmailAddress.objects.order_by("pk").values())
            asked = client.post(self.PAGE, {act: "", "email": email})
            assert asked.headers["Location"].startswith("/accounts/reauthenticate/")
            assert list(EmailAddress.objects.order_by("pk").values()) == before
            client.post(asked.headers["Location"], {"password": "wrong"})
            assert list(EmailAddress.objects.order_by("pk").values()) == before
            client.post(asked.headers["Location"], {"password": PASSWORD})
            assert list(EmailAddress.objects.order_by("pk").values()) != before
        noted = {
            "action_add": "add_address",
            "action_remove": "remove_address",
            "action_primary": "change_address",
        }
        assert Entry.objects.get(action=f"user.{noted[act]}").actor_id == bob.pk

    def test_only_what_can_be_done_is_offered(self):
        bob = known()
        client = in_as(bob)

        def offered():
            page = client.get(self.PAGE).content.decode()
            return {name for name in ("action_primary", "action_send", "action_remove") if name in page}

        assert offered() == set()
        second = EmailAddress.objects.create(user=bob, email="bob.two@people.example")
        assert offered() == {"action_primary", "action_send", "action_remove"}
        second.verified = True
        second.save()
        assert offered() == {"action_primary", "action_remove"}

    def test_asking_for_the_mail_again_changes_nothing_and_needs_no_password(self):
        bob = known()
        EmailAddress.objects.create(user=bob, email="bob.two@people.example")
        client = in_as(bob)
        with time_machine.travel(timezone.now() + timedelta(minutes=6), tick=False):
            answer = client.post(self.PAGE, {"action_send": "", "email": "bob.two@people.example"})
        assert answer.headers["Location"] == self.PAGE

    def test_who_shows_it_again_goes_on_under_a_new_key_and_the_old_one_is_worth_nothing(self):
        client, thief = in_as(known()), Client()
        thief.cookies[settings.SESSION_COOKIE_NAME] = old = client.session.session_key
        assert is_in(thief)
        client.post("/accounts/reauthenticate/", {"password": "wrong"})
        assert client.session.session_key == old
        confirm(client)
        assert (is_in(client), is_in(thief)) == (True, False)
        assert [one.session_key for one in UserSession.objects.all()] == [client.session.session_key] != [old]

    def test_right_after_signing_in_nothing_is_asked(self):
        bob = known()
        client = in_as(bob)
        confirm(client)
        client.post(self.PAGE, {"action_add": "", "email": "bob.new@people.example"})
        assert EmailAddress.objects.filter(email="bob.new@people.example").exists()


def test_the_way_to_a_new_password_is_offered_once_where_it_is_changed():
    page = in_as(known()).get("/accounts/password/change/").content.decode()
    assert page.count("/accounts/password/reset/") == 1


def test_a_second_click_on_signing_up_ends_where_the_first_does(monkeypatch):
    """Both looked before either wrote."""
    monkeypatch.setattr(RegisterForm, "validate_unique_email", lambda form, value: value)
    form = {"name": "Lu", "email": "lu@people.example", "password1": PASSWORD, "password2": PASSWORD}
    answers = [Client().post("/accounts/signup/", form) for _click in range(2)]
    assert [(one.status_code, one.headers["Location"]) for one in answers] == [
        (302, "/accounts/confirm-email/")
    ] * 2
    assert User.objects.filter(email="lu@people.example").count() == 1
