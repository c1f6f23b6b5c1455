"""Signing in with the university, against a real provider in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount, SocialToken
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.test import Client
from django.utils import timezone

from incubator.organisations import services
from incubator.organisations.models import Liaison, LiaisonClaim
from park_portal import local
from park_portal.core.accounts import university
from park_portal.core.accounts.models import User
from park_portal.core.audit.models import Entry
from park_portal.core.errors import DomainError, Forbidden
from tests.core.accounts.test_sessions import in_as, is_in, known
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import make_faculty, make_liaison, make_university
from tests.personas import PASSWORD

# One provider for all of them.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("university")]

LOGIN = "/accounts/oidc/university/login/"
CALLBACK = "http://testserver/accounts/oidc/university/login/callback/"
MFA = {"id_token": {"amr": ["pwd", "mfa"]}}


class Provider:
    """The running provider, and one browser in which somebody is signed in to it."""

    def __init__(self, port: int, said: Path) -> None:
        self.url, self.said = f"http://127.0.0.1:{port}", said
        self.become("zhang")

    def become(self, name: str, *, verified: bool = True, **claims: dict) -> None:
        """Sign in over there as ``name``, of whom the provider says ``claims`` (by id_token and userinfo)."""
        self.said.write_text(json.dumps(claims))
        self.browser = requests.Session()
        self.browser.trust_env = False
        assert self.browser.get(f"{self.url}/become/{name}/{int(verified)}/").text == "in"

    def go(self, address: str) -> str:
        """Follow ``address`` over there until it leads back, and return where to."""
        while address.startswith(self.url):
            answer = self.browser.get(address, allow_redirects=False)
            assert answer.status_code in (301, 302), answer.text[:1000]
            address = requests.compat.urljoin(address, answer.headers["Location"])
        return address


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("idp")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    environment = {**os.environ, "IDP_DATABASE": str(folder / "idp.sqlite3"), "IDP_KEY": pem}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.core.accounts.idp", CALLBACK],
        cwd=local.ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Provider(int(process.stdout.readline()), folder / "idp.sqlite3.json")
        finally:
            process.kill()


@pytest.fixture
def idp(running, settings, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    settings.OIDC_ISSUER = running.url
    app = {
        "provider_id": "university",
        "name": "Fudan",
        "client_id": "portal",
        "secret": "portal-secret",
        "settings": {"server_url": running.url, "oauth_pkce_enabled": True},
    }
    only = {**settings.SOCIALACCOUNT_PROVIDERS["openid_connect"], "APPS": [app]}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": only}
    running.become("zhang")
    return running


def leave(client: Client, **query: str) -> str:
    """Press the button, and return the address over there."""
    answer = client.post(LOGIN, query_params=query)
    assert answer.status_code == 302, answer.content.decode()[:500]
    return answer.headers["Location"]


def come_in(client: Client, idp: Provider, **query: str):
    """Sign in by the university, all the way, and return the portal's answer."""
    back = idp.go(leave(client, **query))
    assert back.startswith(CALLBACK + "?")
    return client.get(back)


def zhang(**fields) -> User:
    """Somebody who has been here with the university before."""
    user = known()
    User.objects.filter(pk=user.pk).update(email="zhang@fudan.example", **fields)
    EmailAddress.objects.filter(user=user).update(email="zhang@fudan.example")
    return User.objects.get(pk=user.pk)


def claim(value: str = "office", **fields) -> LiaisonClaim:
    university = fields.pop("organisation", None) or make_university()
    return services.create_claim(actor=make_staff("officer"), value=value, organisation=university, **fields)


class TestProtocol:
    def test_code_with_pkce_state_and_nonce_and_nothing_that_the_link_adds(self, idp):
        client = Client()
        address = leave(client, scope="everything", auth_params="prompt=none&nonce=mine")
        asked = {key: value[0] for key, value in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["state"]) == len(asked["nonce"]) == 32  # 192 bits
        assert asked["nonce"] == client.session["university_nonce"] != "mine"
        assert (" ".join(sorted(asked["scope"].split())), "prompt" in asked) == (
            "email openid profile",
            False,
        )
        assert client.get(LOGIN).status_code == 200  # A link alone begins nothing.

    def test_an_answer_to_another_browser_or_another_question_is_not_believed(self, idp):
        client, mallory = Client(), Client()
        back = idp.go(leave(mallory))
        assert not SocialAccount.objects.exists()
        client.get(back)  # Mallory's answer in somebody's browser.
        assert not is_in(client)
        back = idp.go(leave(client))
        session = client.session
        session["university_nonce"] = "of another sign-in"
        session.save()
        answer = client.get(back)
        assert "没有登录" in answer.content.decode()
        assert not is_in(client)
        mallory.get(back)
        assert not is_in(mallory)
        assert not SocialAccount.objects.exists()

    def test_an_answer_counts_once(self, idp):
        client, other = Client(), Client()
        back = idp.go(leave(client))
        client.get(back)
        assert is_in(client)
        other.get(back)
        assert not is_in(other)

    def test_a_token_that_somebody_else_signed_is_not_believed(self, idp, monkeypatch):
        from allauth.socialaccount.internal import jwtkit

        stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
        monkeypatch.setattr(jwtkit, "lookup_kid_jwk", lambda keys, kid: stranger)
        client = Client()
        come_in(client, idp)
        assert not is_in(client)
        assert not User.objects.filter(email="zhang@fudan.example").exists()

    @pytest.mark.parametrize("alg", ["HS256", "none"])
    def test_a_token_signed_in_another_way_is_not_believed(self, idp, monkeypatch, alg):
        monkeypatch.setattr(university.jwt, "get_unverified_header", lambda token: {"alg": alg})
        client = Client()
        come_in(client, idp)
        assert not is_in(client)

    def test_a_provider_that_calls_itself_another_is_not_believed(self, idp, settings):
        client = Client()
        back = idp.go(leave(client))
        settings.OIDC_ISSUER = "https://id.example.cn"
        client.get(back)
        assert not is_in(client)
        assert not SocialAccount.objects.exists()

    def test_a_provider_that_sends_on_elsewhere_is_not_followed(self, idp, settings):
        app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
        app["settings"]["server_url"] = f"{idp.url}/elsewhere/.well-known/openid-configuration"
        answer = Client().post(LOGIN)
        assert (answer.status_code, "未能通过学校统一身份认证登录" in answer.content.decode()) == (401, True)

    def test_the_sign_in_page_has_the_button(self, idp):
        page = Client().get("/accounts/login/").content.decode()
        assert "使用复旦大学统一身份认证登录" in page
        assert f'action="{LOGIN}"' in page

    def test_a_university_that_does_not_answer_is_told_in_words(self, idp, settings):
        settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"]["server_url"] = (
            "http://127.0.0.1:9"
        )
        answer = Client().post(LOGIN)
        assert "未能通过学校统一身份认证登录" in answer.content.decode()

    def test_without_an_issuer_nobody_is_offered_it(self, client):
        assert LOGIN not in client.get("/accounts/login/").content.decode()
        assert client.post(LOGIN).status_code == 404
        assert client.get(urlsplit(CALLBACK).path).status_code == 404


class TestWhoIsWho:
    def test_a_newcomer_gets_an_account_and_no_right(self, idp):
        idp.become("wang", userinfo={"name": "王芳"}, id_token={"groups": ["park-staff"], "is_staff": True})
        client = Client()
        come_in(client, idp)
        assert is_in(client)
        user = User.objects.get(email="wang@fudan.example")
        assert (user.name, user.is_staff, user.is_superuser, user.roles) == (
            "王芳",
            False,
            False,
            frozenset(),
        )
        assert EmailAddress.objects.get(user=user).verified is True
        assert not user.has_usable_password()
        assert not SocialToken.objects.exists()
        assert Entry.objects.get(action="user.sign_in").facts == {"by": "socialaccount"}
        assert Entry.objects.get(action="user.join_university").actor_id == user.pk
        come_in(Client(), idp)
        assert User.objects.filter(email="wang@fudan.example").count() == 1

    @pytest.mark.parametrize("own", [True, False])
    def test_an_account_that_is_there_is_not_taken_over(self, idp, own):
        victim = zhang() if own else make_user(email="zhang@fudan.example")
        client = Client()
        answer = come_in(client, idp)
        assert answer.status_code == 409
        assert "登录并关联" in answer.content.decode()
        assert not is_in(client)
        assert not SocialAccount.objects.exists()
        assert User.objects.get(email="zhang@fudan.example") == victim

    def test_its_owner_signs_in_to_it_and_joins(self, idp):
        owner = zhang()
        client = in_as(owner)
        session = client.session
        session["account_authentication_methods"][0]["at"] -= 600
        session.save()
        answer = come_in(client, idp, process="connect")
        # A while ago: who is it?
        assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
        assert not SocialAccount.objects.exists()
        client.post(answer.headers["Location"], {"password": PASSWORD})
        assert SocialAccount.objects.get().user == owner
        page = client.get("/accounts/3rdparty/").content.decode()
        assert "已关联" in page
        other = Client()
        come_in(other, idp)
        assert is_in(other)
        # Parted again, the university lets nobody in here.
        client.post("/accounts/3rdparty/", {"account": SocialAccount.objects.get().pk})
        assert Entry.objects.filter(action="user.part_from_university", actor=owner).count() == 1
        assert come_in(Client(), idp).status_code == 409

    @pytest.mark.parametrize(("name", "verified"), [("zhang", False), ("li", True)])
    def test_by_a_confirmed_address_of_their_own_alone(self, idp, name, verified):
        client = in_as(zhang())
        idp.become(name, verified=verified)
        assert come_in(client, idp, process="connect").status_code == 409
        assert not SocialAccount.objects.exists()

    def test_an_address_that_the_university_has_not_confirmed_makes_nobody(self, idp):
        idp.become("li", verified=False)
        client = Client()
        answer = come_in(client, idp)
        assert (answer.status_code, is_in(client)) == (409, False)
        assert not User.objects.filter(email="li@fudan.example").exists()

    def test_who_was_switched_off_stays_out(self, idp):
        come_in(Client(), idp)
        User.objects.filter(email="zhang@fudan.example").update(is_active=False)
        client = Client()
        come_in(client, idp)
        assert not is_in(client)


class TestRights:
    def test_the_claim_gives_them_and_takes_them(self, idp):
        university = make_university()
        faculty = make_faculty(university)
        mapping = claim("bio", organisation=university, faculty=faculty)
        idp.become("zhang", userinfo={"department": ["bio", "no-such-place"]})
        client = Client()
        come_in(client, idp)
        user = User.objects.get(email="zhang@fudan.example")
        given = Liaison.objects.get(user=user)
        today = timezone.localdate()
        assert (given.organisation, given.faculty, given.by_claim, given.active) == (
            university,
            faculty,
            mapping,
            True,
        )
        assert given.ends_on == today + services.CLAIM_LASTS
        entry = Entry.objects.get(action="liaison.appoint")
        assert (entry.actor_id, entry.facts) == (None, {"claim": "bio"})
        come_in(Client(), idp)
        assert Liaison.objects.count() == 1
        # The university says so no more: gone at the next sign-in, and so are the sessions from before.
        idp.become("zhang", userinfo={"department": "other"})
        fresh = Client()
        come_in(fresh, idp)
        assert not Liaison.objects.current().exists()
        assert (is_in(client), is_in(fresh)) == (False, True)
        assert Entry.objects.get(action="liaison.end").facts == {"reason": "claim gone"}

    def test_what_staff_gave_stays_and_what_staff_withdraw_goes(self, idp, client_of):
        university = make_university()
        mapping = claim("bio", organisation=university)
        user = make_user()
        by_hand = make_liaison(user, university)
        services.grant_by_claims(user, frozenset({"bio"}))
        services.grant_by_claims(user, frozenset())
        assert list(Liaison.objects.current().filter(user=user)) == [by_hand]
        other = make_user()
        services.grant_by_claims(other, frozenset({"bio"}))
        client = client_of(other)
        services.update_claim(mapping, actor=make_staff("lead"), value="chemistry")
        assert not Liaison.objects.current().filter(user=other).exists()
        assert not is_in(client)
        services.grant_by_claims(other, frozenset({"chemistry"}))
        services.remove_claim(mapping, actor=make_staff("lead"))
        assert not Liaison.objects.current().filter(user=other).exists()

    @pytest.mark.parametrize(
        ("dates", "term"),
        [((-5, -1), None), ((1, 9), None), ((-5, 3), 3), ((-5, None), services.CLAIM_LASTS.days)],
    )
    def test_a_claim_holds_between_its_dates(self, dates, term):
        today = timezone.localdate()
        start, end = (None if days is None else today + timedelta(days=days) for days in dates)
        claim("bio", starts_on=start, ends_on=end)
        user = make_user()
        services.grant_by_claims(user, frozenset({"bio"}))
        given = [one.ends_on for one in Liaison.objects.filter(user=user)]
        assert given == ([] if term is None else [today + timedelta(days=term)])

    def test_the_table_is_kept_by_officers_in_the_administration(self, client_of):
        university = make_university()
        form = {
            "value": " bio ",
            "organisation": university.pk,
            "faculty": "",
            "starts_on": "2026-01-01",
            "ends_on": "",
        }
        officer = client_of("officer")
        assert officer.post("/admin/incubator/liaisonclaim/add/", form).status_code == 302
        made = LiaisonClaim.objects.get()
        assert made.value == "bio"
        assert officer.post("/admin/incubator/liaisonclaim/add/", form).status_code == 200  # once is enough
        address = f"/admin/incubator/liaisonclaim/{made.pk}/change/"
        assert officer.post(address, {**form, "value": "life"}).status_code == 302
        assert Entry.objects.filter(object_type="incubator.liaisonclaim").count() == 2
        for who in ("finance", "administrator", "stranger"):
            assert client_of(who).post(address, form).status_code in (302, 403)
            with pytest.raises(Forbidden):
                services.remove_claim(made, actor=User.objects.get(email=f"{who}@people.example"))
        assert LiaisonClaim.objects.get().value == "life"
        with pytest.raises(DomainError):
            services.update_claim(made, actor=make_staff("lead"), faculty=make_faculty(make_university()))


class TestTwoSteps:
    def test_those_of_the_university_count_only_if_it_says_so(self, idp, settings):
        settings.REQUIRE_MFA = True
        claim("bio")
        told = {"userinfo": {"department": "bio", "amr": ["mfa"]}}  # Not signed: worth nothing here.
        idp.become("zhang", **told)
        client = Client()
        come_in(client, idp)
        assert client.get("/account/profile/").status_code == 403
        idp.become("zhang", **told, **MFA)
        other = Client()
        come_in(other, idp)
        assert other.get("/account/profile/").status_code == 200
        # That was in one browser: the first still lacks it.
        assert client.get("/account/profile/").status_code == 403

    def test_who_has_set_up_ours_is_asked_for_it_unless_two_were_taken(self, idp):
        come_in(Client(), idp)
        TOTP.activate(User.objects.get(email="zhang@fudan.example"), "JBSWY3DPEHPK3PXP")
        client = Client()
        assert come_in(client, idp).headers["Location"].startswith("/accounts/2fa/authenticate/")
        assert not is_in(client)
        idp.become("zhang", **MFA)
        client = Client()
        come_in(client, idp)
        assert is_in(client)
