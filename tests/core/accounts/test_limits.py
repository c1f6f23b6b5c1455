"""Guessing is slow, nobody is locked out by others, and no answer tells whether there is an account."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import caches
from django.test import Client

from park_portal.core.accounts.models import User
from tests.factories.core import make_user
from tests.personas import PASSWORD

pytestmark = pytest.mark.django_db

SIGN_IN, SIGN_UP, RESET = "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"
TOO_MANY = "失败次数过多"


@pytest.fixture
def bob() -> User:
    user = make_user("Bob", email="bob@example.com", password=PASSWORD)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


@pytest.fixture
def hashes(monkeypatch) -> list[str]:
    """A list that grows by each password that is hashed."""
    counted: list[str] = []
    encode = MD5PasswordHasher.encode

    def counting(self, password, salt):
        counted.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counting)
    return counted


def try_in(client: Client, email: str, password: str, address: str = "203.0.113.1"):
    return client.post(SIGN_IN, {"login": email, "password": password}, REMOTE_ADDR=address)


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def guess(email: str, times: int) -> None:
    """So many wrong passwords, each from another address."""
    for number in range(times):
        try_in(Client(), email, "wrong-guess-99", f"198.51.100.{number + 1}")


def words(answer) -> str:
    """What the page says, without what is new in each: tokens, and the address that was typed."""
    text = re.sub(r'value="[A-Za-z0-9]{64}"', "", answer.content.decode())
    return re.sub(r"\w+@example\.com", "", text)


class TestByAccount:
    def test_five_guesses_from_anywhere_then_none_even_the_right_one(self, bob, caplog):
        guess(bob.email, 5)
        client = Client()
        assert "refused unheard" not in caplog.text
        assert TOO_MANY in try_in(client, bob.email, PASSWORD).content.decode()
        assert caplog.text.count("refused unheard") == 1
        assert bob.email not in caplog.text
        assert not is_in(client)

    def test_the_owner_gets_in_where_they_signed_in_before(self, bob):
        home = Client()
        try_in(home, bob.email, PASSWORD)
        home.post("/accounts/logout/")
        guess(bob.email, 8)
        try_in(home, bob.email, PASSWORD)
        assert is_in(home)

    def test_that_browser_cannot_guess_for_ever_nor_for_others(self, bob):
        alice = make_user("Alice", email="alice@example.com", password=PASSWORD)
        EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
        home = Client()
        try_in(home, bob.email, PASSWORD)
        home.post("/accounts/logout/")
        guess(alice.email, 5)
        assert TOO_MANY in try_in(home, alice.email, PASSWORD).content.decode()
        for _attempt in range(10):
            try_in(home, bob.email, "wrong-guess-99", "203.0.113.9")
        assert TOO_MANY in try_in(home, bob.email, PASSWORD).content.decode()

    @pytest.mark.parametrize("made_up", ["", "x", "W10:1abcde:AAAAAAAAAAAAAAAAAAAAAAAAAAA", "eyJhIjoxfQ:1:2"])
    def test_a_cookie_made_up_is_none(self, bob, settings, made_up):
        guess(bob.email, 5)
        client = Client()
        client.cookies[settings.KNOWN_DEVICE_COOKIE] = made_up
        assert TOO_MANY in try_in(client, bob.email, PASSWORD).content.decode()

    def test_a_new_password_by_mail_lets_in_at_once_and_again_when_guessing_goes_on(self, bob, mailoutbox):
        guess(bob.email, 5)
        client = Client()
        client.post(RESET, {"email": bob.email})
        link = re.search(r"https?://[^/\s]+(\S+/reset/key/\S+)", mailoutbox[-1].body)[1]
        form = client.get(link, follow=True)
        new = "quite-Another-9"
        client.post(form.request["PATH_INFO"], {"password1": new, "password2": new})
        guess(bob.email, 5)
        try_in(client, bob.email, new)
        assert is_in(client)

    def test_a_right_password_does_not_count(self, bob):
        for _time in range(7):
            client = Client()
            try_in(client, bob.email, PASSWORD)
            assert is_in(client)


class TestByAddress:
    def test_ten_failures_a_minute_whatever_the_account(self, bob):
        for number in range(10):
            try_in(Client(), f"someone{number}@example.com", "wrong-guess-99", "203.0.113.7")
        assert TOO_MANY in try_in(Client(), bob.email, PASSWORD, "203.0.113.7").content.decode()
        elsewhere = Client()
        try_in(elsewhere, bob.email, PASSWORD, "203.0.113.8")
        assert is_in(elsewhere)

    def test_the_address_cannot_be_chosen_by_who_sends(self, bob):
        for number in range(10):
            Client().post(
                SIGN_IN,
                {"login": f"someone{number}@example.com", "password": "wrong-guess-99"},
                REMOTE_ADDR="203.0.113.7",
                HTTP_X_FORWARDED_FOR=f"192.0.2.{number}",
            )
        assert TOO_MANY in try_in(Client(), bob.email, PASSWORD, "203.0.113.7").content.decode()

    @pytest.mark.parametrize(("path", "allowed"), [(SIGN_UP, 20), (RESET, 20), (SIGN_IN, 30)])
    def test_requests_a_minute(self, path, allowed):
        client = Client()
        for number in range(allowed):
            assert client.post(path, {"email": f"nobody{number}@example.com"}).status_code in (200, 302)
        refused = client.post(path, {"email": "nobody@example.com"})
        assert refused.status_code == 429
        assert "尝试次数过多" in refused.content.decode()


class TestKept:
    def test_losing_redis_forgives_nothing(self, bob):
        guess(bob.email, 5)
        caches["default"].clear()
        assert TOO_MANY in try_in(Client(), bob.email, PASSWORD).content.decode()

    def test_one_signs_in_while_redis_is_gone(self, bob, monkeypatch):
        def gone(*args, **kwargs):
            raise ConnectionError

        for name in ("get", "set", "add", "delete"):
            monkeypatch.setattr(type(caches["default"]), name, gone)
        client = Client()
        try_in(client, bob.email, PASSWORD)
        assert is_in(client)


class TestNoTelling:
    @pytest.mark.parametrize("case", ["wrong", "off", "no password"])
    def test_signing_in(self, bob, hashes, case):
        if case == "off":
            User.objects.filter(pk=bob.pk).update(is_active=False)
        if case == "no password":
            bob.set_unusable_password()
            bob.save()
        known = try_in(Client(), bob.email, "wrong-guess-99")
        spent = len(hashes)
        unknown = try_in(Client(), "nobody@example.com", "wrong-guess-99")
        assert (spent, len(hashes) - spent) == (1, 1)
        assert (known.status_code, words(known)) == (unknown.status_code, words(unknown))

    def test_signing_in_too_often(self, bob):
        guess(bob.email, 5)
        guess("nobody@example.com", 5)
        answers = [try_in(Client(), one, PASSWORD) for one in (bob.email, "nobody@example.com")]
        assert words(answers[0]) == words(answers[1])

    def test_signing_up(self, bob, hashes, mailoutbox):
        form = {"name": "New", "password1": "quite-Another-9", "password2": "quite-Another-9"}
        known = Client().post(SIGN_UP, form | {"email": bob.email})
        spent = len(hashes)
        unknown = Client().post(SIGN_UP, form | {"email": "nobody@example.com"})
        assert (spent, len(hashes) - spent) == (1, 1)
        assert (known.status_code, known.headers["Location"]) == (302, unknown.headers["Location"])
        assert [mail.to for mail in mailoutbox] == [[bob.email], ["nobody@example.com"]]
        assert User.objects.get(pk=bob.pk).check_password(PASSWORD)

    def test_asking_for_a_new_password(self, bob, hashes, mailoutbox):
        known = Client().post(RESET, {"email": bob.email}, follow=True)
        unknown = Client().post(RESET, {"email": "nobody@example.com"}, follow=True)
        assert hashes == []
        assert (known.redirect_chain, words(known)) == (unknown.redirect_chain, words(unknown))
        assert [mail.to for mail in mailoutbox] == [[bob.email], ["nobody@example.com"]]


def test_the_cookie_of_a_known_browser_says_nothing_about_the_person(bob, settings):
    client = Client()
    try_in(client, bob.email, PASSWORD)
    cookie = client.cookies[settings.KNOWN_DEVICE_COOKIE]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert "bob" not in cookie.value
