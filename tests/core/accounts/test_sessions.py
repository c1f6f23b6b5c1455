"""Sessions: listed, ended by their owner, and ended by themselves when it is time."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from park_portal.core.accounts import services
from park_portal.core.accounts.models import User
from park_portal.core.accounts.views import device_of
from park_portal.core.audit.models import Entry
from park_portal.core.errors import Forbidden
from tests.factories.core import make_staff, make_user
from tests.personas import PASSWORD

pytestmark = pytest.mark.django_db

PAGE = "/accounts/sessions/"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0"


def known(name: str = "") -> User:
    user = make_user(name, password=PASSWORD)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def in_as(user: User, **extra: str) -> Client:
    client = Client(**extra)
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert is_in(client)
    return client


def is_in(client: Client) -> bool:
    return client.get("/account/profile/").status_code == 200


def confirm(client: Client) -> None:
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})


class TestList:
    def test_device_address_and_which_is_this_one(self):
        bob, mallory = known(), known()
        in_as(mallory, REMOTE_ADDR="203.0.113.66")
        in_as(bob, REMOTE_ADDR="203.0.113.9", HTTP_USER_AGENT=EDGE)
        client = in_as(bob, REMOTE_ADDR="198.51.100.7")
        [mine, other] = client.get(PAGE).context["sessions"]
        assert (mine[0].ip, mine[1]) == ("198.51.100.7", "未知设备")
        assert mine[0].session_key == client.session.session_key
        assert (other[0].ip, other[1]) == ("203.0.113.9", "Edge · Windows")

    def test_the_address_is_the_one_the_proxy_tells(self, settings):
        settings.TRUSTED_PROXIES = 1
        client = in_as(known(), REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="6.6.6.6, 203.0.113.9")
        assert [one.ip for one, _ in client.get(PAGE).context["sessions"]] == ["203.0.113.9"]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (EDGE, "Edge · Windows"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1 MicroMessenger/8.0",
                "微信 · iPhone",
            ),
            ("", "未知设备"),
            ("curl/8", "未知设备"),
        ],
    )
    def test_a_device_in_words(self, text, said):
        assert device_of(text) == said


class TestEnding:
    def test_one_after_showing_again_who_is_there(self):
        bob = known()
        lost, kept, this = in_as(bob), in_as(bob), in_as(bob)
        row = UserSession.objects.get(session_key=lost.session.session_key)
        asked = this.post(PAGE, {"session": row.pk})
        assert asked.headers["Location"].startswith("/accounts/reauthenticate/")
        assert is_in(lost)
        done = this.post(asked.headers["Location"], {"password": PASSWORD})
        assert done.headers["Location"] == PAGE
        assert (is_in(lost), is_in(kept), is_in(this)) == (False, True, True)
        assert Entry.objects.get(action="user.end_session").before["address"] == "127.0.0.1"

    def test_not_somebody_elses(self):
        bob, mallory = known(), known()
        his, hers = in_as(bob), in_as(mallory)
        row = UserSession.objects.get(session_key=his.session.session_key)
        confirm(hers)
        assert hers.post(PAGE, {"session": row.pk}).status_code == 302
        assert is_in(his)
        with pytest.raises(Forbidden):
            services.end_session(mallory, actor=mallory, session=row)
        with pytest.raises(Forbidden):
            services.end_session(bob, actor=mallory, session=row)

    def test_everywhere_else(self):
        bob, alice = known(), known()
        others, this, stranger = [in_as(bob), in_as(bob)], in_as(bob), in_as(alice)
        confirm(this)
        this.post(PAGE, {"others": "1"})
        assert [is_in(one) for one in others] == [False, False]
        assert (is_in(this), is_in(stranger)) == (True, True)
        assert len(this.get(PAGE).context["sessions"]) == 1

    def test_a_new_password_ends_the_others_and_keeps_this_one(self):
        bob = known()
        other, this = in_as(bob), in_as(bob)
        confirm(this)
        new = {"oldpassword": PASSWORD, "password1": "quite-Another-9", "password2": "quite-Another-9"}
        assert this.post("/accounts/password/change/", new).status_code == 302
        assert (is_in(other), is_in(this)) == (False, True)
        assert [one.get_decoded()["_auth_user_id"] for one in Session.objects.all()] == [str(bob.pk)]

    @pytest.mark.parametrize(
        ("roles", "stays"), [(["officer"], False), ([], False), (["officer", "lead", "finance"], True)]
    )
    def test_a_role_that_is_taken(self, client, roles, stays):
        officer = make_staff("officer", "lead")
        client.force_login(officer)
        services.set_roles(officer, actor=make_staff("administrator"), roles=roles)
        assert is_in(client) is stays

    def test_a_person_who_is_switched_off(self):
        bob = known()
        client = in_as(bob)
        services.set_active(bob, actor=make_staff("administrator"), active=False, reason="gone")
        assert not is_in(client)
        assert not UserSession.objects.filter(user=bob).exists()


class TestAge:
    def test_left_alone_too_long(self):
        with time_machine.travel(timezone.now(), tick=False) as clock:
            client = in_as(known())
            clock.shift(timedelta(seconds=settings.SESSION_IDLE_AGE - 1))
            assert is_in(client)
            clock.shift(timedelta(seconds=settings.SESSION_IDLE_AGE + 1))
            assert not is_in(client)

    def test_too_old_however_busy(self):
        with time_machine.travel(timezone.now(), tick=False) as clock:
            client = in_as(known())
            for _hour in range(settings.SESSION_COOKIE_AGE // 3600 // 12):
                clock.shift(timedelta(hours=12))
                assert is_in(client)
            clock.shift(timedelta(hours=1))
            assert not is_in(client)

    def test_use_is_noted_now_and_then_and_costs_nothing_between(self, django_assert_num_queries):
        with time_machine.travel(timezone.now(), tick=False) as clock:
            client = in_as(known())
            began = UserSession.objects.get().last_seen_at
            clock.shift(timedelta(minutes=9))
            is_in(client)
            assert UserSession.objects.get().last_seen_at == began
            clock.shift(timedelta(minutes=2))
            is_in(client)
            assert UserSession.objects.get().last_seen_at == began + timedelta(minutes=11)


def test_cookies_of_production_belong_to_this_host_alone():
    environment = {
        **os.environ,
        "PARK_MODE": "production",
        "SECRET_KEY": "k" * 60,
        "ALLOWED_HOSTS": "park.example.cn",
        "DATABASE_URL": "postgresql://park@db/park",
        "REDIS_URL": "redis://cache/0",
        "EMAIL_URL": "smtp://mail",
        "MAIL_FROM": "park@example.cn",
        "MEDIA_ROOT": "/srv/media",
    }
    names = (
        "SESSION_COOKIE_NAME CSRF_COOKIE_NAME SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE LANGUAGE_COOKIE_SECURE \
SESSION_COOKIE_HTTPONLY SESSION_COOKIE_SAMESITE CSRF_COOKIE_SAMESITE LANGUAGE_COOKIE_SAMESITE SESSION_COOKIE_PATH REQUIRE_MFA \
LANGUAGE_COOKIE_NAME KNOWN_DEVICE_COOKIE LANGUAGE_COOKIE_HTTPONLY"
    )
    code = f"from park_portal import settings as s; print([getattr(s, n, '/') for n in '{names}'.split()])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    wanted = ["__Host-session", "__Host-csrf", True, True, True, True, "Lax", "Lax", "Lax", "/", True]
    assert done.stdout.strip() == str([*wanted, "__Host-language", "__Host-device", True])


def test_no_other_cookie_is_ever_set(settings):
    """What a page says once waits in the session; a language chosen on a page is as safe a cookie as one from the switch."""
    settings.LANGUAGE_COOKIE_SECURE = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    client = Client()
    user = known()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    form = {"name": "Bo", "phone": "", "language": "en"}
    assert client.post("/account/profile/", form).status_code == 302
    assert "Your profile is saved." in client.get("/account/profile/").content.decode()
    client.post("/i18n/setlang/", {"language": "zh-hans"})
    ours = {
        settings.SESSION_COOKIE_NAME,
        settings.CSRF_COOKIE_NAME,
        settings.LANGUAGE_COOKIE_NAME,
        settings.KNOWN_DEVICE_COOKIE,
    }
    assert set(client.cookies) == ours
    for cookie in client.cookies.values():
        readable = cookie.key == settings.CSRF_COOKIE_NAME  # by our own scripts, which send it back
        assert (bool(cookie["secure"]), cookie["samesite"], cookie["path"], cookie["domain"]) == (
            True,
            "Lax",
            "/",
            "",
        )
        assert bool(cookie["httponly"]) is not readable
        assert len(cookie.key) + len(cookie.value) < 4096
