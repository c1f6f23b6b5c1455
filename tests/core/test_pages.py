"""The portal's frame: first pages, language, sign-in, refusals."""

import re
import uuid
from urllib.parse import quote

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import SESSION_KEY
from django.contrib.messages import get_messages
from django.core import mail
from django.template.loader import render_to_string
from django.test import Client
from django.utils.translation import override

from park_portal.core.accounts import services
from park_portal.core.accounts.models import User
from tests.factories.applications import make_call as make_open_call
from tests.factories.core import path_of_invitation
from tests.personas import PASSWORD, address, make_person, person

pytestmark = pytest.mark.django_db

PUBLIC = [
    "/",
    "/about/",
    "/privacy/",
    "/accessibility/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
]
OWN = [
    "/",
    "/inbox/",
    "/account/profile/",
    "/account/notifications/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/logout/",
    "/jobs/",
    "/search/",
]


def text_of(response) -> str:
    return response.content.decode()


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_public_page_is_in_the_language_asked_for_and_has_nothing_inline(client, path, language):
    response = client.get(path, headers={"accept-language": language})
    assert response.status_code == 200
    page = text_of(response)
    assert f'<html lang="{"zh-Hans" if language == "zh-hans" else "en"}"' in page
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", page)
    assert not re.search(r'(src|href)="(https?:)?//', page)


@pytest.mark.parametrize("path", OWN)
def test_own_page_opens_and_has_nothing_inline(client_of, path):
    response = client_of("founder").get(path)
    assert response.status_code == 200
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text_of(response))


@pytest.mark.parametrize("path", OWN[1:])
def test_own_page_of_signed_out_visitor_is_the_sign_in_page(client, path):
    response = client.get(path)
    assert response.status_code == 302


def test_language_of_a_person_is_used_and_can_be_switched_without_a_script(client_of, people):
    founder = people("founder")
    User.objects.filter(pk=founder.pk).update(language="en")
    client = client_of("founder")
    assert '<html lang="en"' in text_of(client.get("/inbox/", headers={"accept-language": "zh-CN"}))
    response = client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/inbox/?unread=1"})
    assert response["Location"] == "/inbox/?unread=1"
    assert '<html lang="zh-Hans"' in text_of(client.get("/inbox/"))


def test_profile_changes_name_phone_and_language(client_of, people):
    founder = people("founder")
    client = client_of("founder")
    client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/"})
    response = client.post(
        "/account/profile/", {"name": "陈思远 🧬 𠮷", "phone": "021 5555", "language": "en"}, follow=True
    )
    founder.refresh_from_db()
    assert (founder.name, founder.phone, founder.language) == ("陈思远 🧬 𠮷", "021 5555", "en")
    # The choice made last counts, not the cookie kept before.
    assert '<html lang="en"' in text_of(response)


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "a\x00b"), ("name", "x" * 81), ("name", ""), ("language", "fr"), ("phone", "1" * 999)],
)
def test_profile_refuses_bad_input_and_keeps_what_was_typed(client_of, people, field, value):
    founder = people("founder")
    sent = {"name": "New name", "phone": "555", "language": "en", field: value}
    response = client_of("founder").post("/account/profile/", sent)
    assert response.status_code == 422
    page = text_of(response)
    assert f'href="#id_{field}"' in page
    if field != "name":
        assert "New name" in page
    before = founder.name
    founder.refresh_from_db()
    assert (founder.name, founder.phone) == (before, "")


def test_sign_up_verify_and_sign_in(client):
    email = f"lin-{uuid.uuid4().hex}@example.com"  # Mails to one address are limited, across runs too.
    response = client.post(
        "/accounts/signup/",
        {
            "name": "林晓岚",
            "email": email,
            "password1": "long-enough-secret",
            "password2": "long-enough-secret",
        },
        headers={"accept-language": "en"},
    )
    assert response.status_code == 302
    user = User.objects.get(email=email)
    assert (user.name, user.language) == ("林晓岚", "en")
    link = re.search(r"https?://[^/\s]+(/accounts/confirm-email/\S+)", mail.outbox[0].body)[1]
    page = client.get(link)
    assert page.status_code == 200
    client.post(link)
    signed_in = client.post("/accounts/login/", {"login": email.upper(), "password": "long-enough-secret"})
    assert signed_in["Location"] == "/"


def signed_up(client, next_=""):
    """Sign somebody up on the way to ``next_``; return the address and the path of the link in the mail."""
    email = f"new-{uuid.uuid4().hex}@example.com"
    password = "long-enough-secret"
    sent = {"name": "New", "email": email, "password1": password, "password2": password}
    client.post("/accounts/signup/", sent | ({"next": next_} if next_ else {}))
    link = re.search(r"https?://[^/\s]+(/accounts/confirm-email/\S+)", mail.outbox[-1].body)[1]
    return email, link


def test_newcomer_lands_where_they_were_going_though_the_mail_is_read_in_another_browser(client):
    call = make_open_call()
    start = f"/applications/start/{call.code}/"
    way_in = client.get(start)
    assert way_in["Location"] == f"/accounts/login/?next={start}"
    assert f"/accounts/signup/?next={quote(start, safe='')}" in text_of(client.get(way_in["Location"]))
    email, link = signed_up(client, start)
    elsewhere = Client()
    page = text_of(elsewhere.get(link))
    assert f'<input type="hidden" name="next" value="{start}">' in page
    confirmed = elsewhere.post(link.partition("?")[0], {"next": start, "password": "long-enough-secret"})
    assert confirmed["Location"] == start
    login = elsewhere.get(start)["Location"]
    sent = {"login": email, "password": "long-enough-secret", "next": start}
    assert elsewhere.post(login, sent)["Location"] == start
    assert elsewhere.get(start).status_code == 200


@pytest.mark.parametrize("outside", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_link_of_the_mail_leads_to_no_other_site(client, outside):
    _email, link = signed_up(client, outside)
    assert "next" not in link
    assert "evil" not in client.post(link, {"next": outside})["Location"]


def test_nobody_confirms_their_address_for_an_account_that_a_stranger_made(client):
    email, link = signed_up(client)
    address = EmailAddress.objects.get(email=email)
    elsewhere = Client()
    assert 'type="password"' in text_of(elsewhere.get(link))
    assert 'type="password"' not in text_of(client.get(link))
    for guess in ({}, {"password": "not-the-one"}, {"password": "nul\0"}):
        refused = elsewhere.post(link, guess)
        assert refused.status_code == 200
        assert 'id="password-wrong"' in text_of(refused)
        address.refresh_from_db()
        assert not address.verified
    # The owner of the address makes the account theirs by a new password, which the stranger does not know.
    elsewhere.post("/accounts/password/reset/", {"email": email})
    way = re.search(r"https?://[^/\s]+(/accounts/password/reset/key/\S+)", mail.outbox[-1].body)[1]
    form = elsewhere.get(way)["Location"]
    elsewhere.post(form, {"password1": "the-owners-own-secret", "password2": "the-owners-own-secret"})
    assert elsewhere.post(link, {"password": "long-enough-secret"}).status_code == 200
    elsewhere.post(link, {"password": "the-owners-own-secret"})
    address.refresh_from_db()
    assert address.verified
    stranger = client.post("/accounts/login/", {"login": email, "password": "long-enough-secret"})
    assert stranger.status_code == 200
    client.get("/accounts/confirm-email/")
    assert SESSION_KEY not in client.session


def test_link_of_the_mail_opened_again_says_that_the_address_is_confirmed(client):
    email, link = signed_up(client, "/calls/")
    client.post(link)
    elsewhere = Client()
    for again in (elsewhere.get(link), elsewhere.post(link)):
        assert again.status_code == 200
        page = text_of(again)
        assert f"<strong>{email}</strong>" in page
        assert 'href="/accounts/login/?next=/calls/"' in page
    made_up = text_of(elsewhere.get("/accounts/confirm-email/made-up/"))
    assert email not in made_up
    assert 'href="/accounts/login/?next=/"' in made_up


def test_invitation_opened_with_the_wrong_account_leads_out_and_back(client_of, people):
    invitation = services.invite_staff("new@example.com", actor=people("superuser"), role="officer")
    path = path_of_invitation(invitation)
    client = client_of("stranger")
    page = text_of(client.get(path))
    assert f'<input type="hidden" name="next" value="{path}">' in page
    assert client.post("/accounts/logout/", {"next": path})["Location"] == path
    assert f"/accounts/login/?next={path}" in text_of(client.get(path))


def test_invitation_accepted_says_what_one_has_joined_once(client_of, people):
    new = make_person("newcomer")
    path = path_of_invitation(services.invite_staff(new.email, actor=people("superuser"), role="officer"))
    client = client_of(new)
    assert [str(m) for m in get_messages(client.post(path).wsgi_request)] == ["您已加入园区工作人员。"]
    assert len(get_messages(client.post(path).wsgi_request)) == 1


def test_sign_up_does_not_tell_whether_an_address_is_known(client, people):
    people("founder")
    sent = {"name": "X", "password1": "long-enough-secret", "password2": "long-enough-secret"}
    known = client.post("/accounts/signup/", {**sent, "email": address("founder")})
    unknown = client.post("/accounts/signup/", {**sent, "email": f"{uuid.uuid4().hex}@example.com"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])


def test_password_reset_sends_a_link_that_sets_a_new_one(client):
    user = make_person(f"forgetful-{uuid.uuid4().hex}")
    client.post("/accounts/password/reset/", {"email": user.email})
    link = re.search(r"https?://[^/\s]+(/accounts/password/reset/key/\S+)", mail.outbox[0].body)[1]
    page = client.get(link, follow=True)
    assert page.status_code == 200
    done = client.post(
        page.redirect_chain[-1][0], {"password1": "another-long-secret", "password2": "another-long-secret"}
    )
    assert done.status_code == 302
    assert client.login(email=user.email, password="another-long-secret")
    assert not client.login(email=user.email, password=PASSWORD)


def test_sign_in_with_a_wrong_password_or_null_bytes_is_refused_in_words(client, people):
    people("founder")
    for password in ("wrong", "a\x00b"):
        response = client.post("/accounts/login/", {"login": address("founder"), "password": password})
        assert response.status_code == 200
        assert 'role="alert"' in text_of(response)
    response = client.post("/accounts/login/", {"login": "a\x00b@example.com", "password": "x"})
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("path", "field"),
    [("/accounts/login/", "login"), ("/accounts/signup/", "email"), ("/accounts/password/reset/", "email")],
)
def test_null_byte_at_the_door_is_named_rightly_in_chinese(client, path, field):
    page = text_of(client.post(path, {field: "a\x00b@example.com"}, headers={"accept-language": "zh-hans"}))
    assert "空字符串" not in page
    assert "空字符" in page


def test_account_that_is_switched_off_is_told_in_one_word_for_account(client):
    page = text_of(client.get("/accounts/inactive/", headers={"accept-language": "zh-hans"}))
    assert "账号" in page
    assert "帐号" not in page


def test_page_that_does_not_exist_is_told_kindly(client_of):
    response = client_of("founder").get("/there/is/no/such/page/")
    assert response.status_code == 404
    assert "error-page" in text_of(response)


def test_invitation_that_nobody_sent_is_told_kindly(client):
    response = client.get("/invitations/made-up/")
    assert response.status_code == 410


def test_invitation_posted_with_a_made_up_token_is_refused_not_broken(client_of):
    response = client_of("founder").post("/invitations/made-up/")
    assert response.status_code == 400
    assert 'role="alert"' in text_of(response)


def test_home_of_each_persona_costs_at_most_twelve_queries(client_of, django_assert_max_num_queries):
    for name in ("founder", "investigator", "liaison", "stranger", "officer", "superuser"):
        client = client_of(person(name))
        client.get("/")
        with django_assert_max_num_queries(12):
            assert client.get("/").status_code == 200


def test_sign_up_while_the_mail_server_is_down_is_told_in_words(client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 1
    email = f"{uuid.uuid4().hex}@example.com"
    sent = {"name": "X", "email": email, "password1": "long-enough-secret", "password2": "long-enough-secret"}
    response = client.post("/accounts/signup/", sent)
    assert response.status_code == 503
    assert 'role="alert"' in text_of(response)


def test_form_that_expired_is_told_in_words(people):
    client = Client(enforce_csrf_checks=True)
    response = client.post("/accounts/login/", {"login": address("founder"), "password": PASSWORD})
    assert response.status_code == 403
    assert "error-page" in text_of(response)


def test_page_of_our_own_failure_needs_nothing_and_speaks_both_languages():
    with override("en"):
        english = render_to_string("500.html")
    with override("zh-hans"):
        chinese = render_to_string("500.html")
    assert "Something went wrong on our side" in english
    assert '<html lang="zh-Hans">' in chinese
    assert "Something" not in chinese
