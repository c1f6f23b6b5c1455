"""Sign-in in two steps: who must, what they reach until then, how it is set up, lost and reset."""

from __future__ import annotations

import base64
import re
import time
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.core.cache import caches
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from park_portal.core.accounts import services
from park_portal.core.accounts.models import User
from park_portal.core.accounts.second_factor import lacks_second_factor
from park_portal.core.accounts.states import StaffRole
from park_portal.core.audit.models import Entry
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.outbox.models import Message
from park_portal.core.tokens.services import create_token
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import make_liaison, make_university
from tests.personas import PASSWORD

pytestmark = pytest.mark.django_db

SIGN_IN, STEP, APP = "/accounts/login/", "/accounts/2fa/authenticate/", "/accounts/2fa/totp/activate/"


@pytest.fixture(autouse=True)
def _required(settings):
    settings.REQUIRE_MFA = True
    caches["limits"].clear()


def code_of(secret: str, ago: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 - ago))


def with_password(user: User) -> User:
    user.set_password(PASSWORD)
    user.save()
    EmailAddress.objects.get_or_create(user=user, email=user.email, verified=True, primary=True)
    return user


def with_app(user: User) -> str:
    """Set up an app for the user; its secret."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    TOTP.activate(user, secret)
    return secret


def sign_in(client: Client, user: User, password: str = PASSWORD):
    return client.post(SIGN_IN, {"login": user.email, "password": password})


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


class TestWhoMust:
    @pytest.mark.parametrize("role", StaffRole.values)
    def test_every_staff_role(self, role):
        assert lacks_second_factor(make_staff(role)) is True

    def test_superusers_and_liaisons_of_today_and_nobody_else(self):
        liaison, former, stranger = make_user(), make_user(), make_user()
        make_liaison(liaison, make_university())
        yesterday = timezone.localdate() - timedelta(days=1)
        make_liaison(former, make_university(), starts_on=yesterday - timedelta(days=9), ends_on=yesterday)
        superuser = make_user(is_superuser=True)
        people = [liaison, former, stranger, superuser]
        assert [lacks_second_factor(one) for one in people] == [True, False, False, True]

    def test_not_who_has_one_and_codes_alone_are_none(self):
        officer, other = make_staff(), make_staff()
        with_app(officer)
        Authenticator.objects.create(user=other, type="recovery_codes", data={"seed": "", "used_mask": 0})
        assert (lacks_second_factor(officer), lacks_second_factor(other)) == (False, True)

    def test_off_by_setting(self, settings):
        settings.REQUIRE_MFA = False
        assert lacks_second_factor(make_staff()) is False


class TestUntilThen:
    @pytest.mark.parametrize(
        "path", ["/", "/admin/", "/admin/core/user/", "/inbox/", "/about/", "/account/profile/", "/jobs/"]
    )
    def test_no_page_but_the_one_that_says_so(self, client_of, path):
        answer = client_of(make_staff("administrator")).get(path)
        assert answer.status_code == 403
        assert next(one.name for one in answer.templates) == "core/second_factor.html"
        assert reverse("mfa_activate_totp") in answer.content.decode()

    def test_json_gets_a_code(self, client_of):
        answer = client_of(make_staff()).get("/admin/", headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_missing")

    def test_nothing_is_written_and_what_was_typed_is_given_back(self, client_of):
        officer = make_staff("officer", name="Before")
        typed = {"name": "After the very long text", "phone": "", "language": "en"}
        answer = client_of(officer).post("/account/profile/", typed)
        assert answer.status_code == 403
        assert "After the very long text" in answer.content.decode()
        assert User.objects.get(pk=officer.pk).name == "Before"

    @pytest.mark.parametrize("path", ["/accounts/2fa/", "/accounts/logout/", "/accounts/email/", "/healthz"])
    def test_the_way_there_and_the_way_out_are_open(self, client_of, path):
        assert client_of(make_staff()).get(path).status_code != 403

    def test_sign_out_and_language_work(self, client_of):
        client = client_of(make_staff())
        assert client.post("/i18n/setlang/", {"language": "en", "next": "/"}).status_code == 302
        client.post("/accounts/logout/")
        assert not signed_in(client)

    def test_a_token_made_before_is_no_way_round(self, client):
        officer = make_staff("officer")
        _token, secret = create_token(actor=officer, name="Books", scopes=["calls:read"], days=1)
        answers = []
        for _time in range(2):
            answer = client.get("/api/v1/calls/", headers={"Authorization": f"Bearer {secret}"})
            answers.append(answer.status_code)
            if not Authenticator.objects.exists():
                with_app(officer)
        assert answers == [403, 200]

    def test_others_are_let_alone(self, client_of):
        assert client_of(make_user()).get("/account/profile/").status_code == 200


class TestApp:
    def test_set_up_from_the_page_that_was_asked_for_and_back(
        self, client, django_capture_on_commit_callbacks
    ):
        officer = with_password(make_staff("officer"))
        elsewhere = Client()
        sign_in(elsewhere, officer)
        sign_in(client, officer)
        assert client.get("/account/profile/").status_code == 403
        again = client.get(APP)
        assert again.headers["Location"].startswith("/accounts/reauthenticate/")
        assert client.post(again.headers["Location"], {"password": PASSWORD}).headers["Location"] == APP
        page = client.get(APP)
        secret = page.context["form"].secret
        shown = page.content.decode()
        assert secret in shown
        assert 'src="data:image/svg+xml;base64,' in shown
        assert " style=" not in shown.partition("<main")[2]
        assert client.post(APP, {"code": "000000"}).status_code == 200
        assert not Authenticator.objects.exists()
        with django_capture_on_commit_callbacks(execute=True):
            answer = client.post(APP, {"code": code_of(secret)})
        assert answer.headers["Location"] == "/accounts/2fa/recovery-codes/"
        assert sorted(Authenticator.objects.values_list("type", flat=True)) == ["recovery_codes", "totp"]
        # Sessions that began with the password alone end; this one goes on to where it was going.
        assert (signed_in(client), signed_in(elsewhere)) == (True, False)
        codes = client.get("/accounts/2fa/recovery-codes/")
        assert 'href="/account/profile/"' in codes.content.decode()
        assert client.get("/account/profile/").status_code == 200
        acts = list(Entry.objects.filter(action="user.add_factor").values_list("facts", flat=True))
        assert sorted(one["kind"] for one in acts) == ["recovery_codes", "totp"]
        told = Message.objects.get(key__startswith=f"account.security:{officer.pk}:").payload
        assert told["context"]["what"]["en"] == "An authenticator app was set up."

    def test_secrets_are_not_kept_in_the_clear(self):
        secret = with_app(make_staff())
        assert secret not in str(Authenticator.objects.get().data)

    def test_a_key_that_is_gone_makes_codes_wrong_and_breaks_nothing(self, client, settings):
        officer = with_password(make_staff())
        secret = with_app(officer)
        settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "n" * 60
        assert Authenticator.objects.get().wrap().validate_code(code_of(secret)) is True
        caches["limits"].clear()
        settings.SECRET_KEY_FALLBACKS = []
        assert Authenticator.objects.get().wrap().validate_code(code_of(secret)) is False

    def test_signing_in_asks_for_the_code_and_takes_it_once(self, client):
        officer = with_password(make_staff("officer"))
        secret = with_app(officer)
        assert sign_in(client, officer).headers["Location"] == STEP
        assert not signed_in(client)
        assert client.get("/admin/").status_code == 302
        assert client.post(STEP, {"code": "123123"}).status_code == 200
        assert not signed_in(client)
        code = code_of(secret)
        assert client.post(STEP, {"code": code}).status_code == 302
        assert client.get("/admin/").status_code == 200
        second = Client()
        sign_in(second, officer)
        assert second.post(STEP, {"code": code}).status_code == 200
        assert not signed_in(second)

    def test_an_old_code_is_refused(self, client):
        officer = with_password(make_staff())
        secret = with_app(officer)
        sign_in(client, officer)
        client.post(STEP, {"code": code_of(secret, ago=2)})
        assert not signed_in(client)

    def test_reset_of_the_password_does_not_go_round_the_second_step(self, client, mailoutbox):
        officer = with_password(make_staff("officer"))
        with_app(officer)
        client.post("/accounts/password/reset/", {"email": officer.email})
        link = re.search(r"https?://\S+?(/accounts/password/reset/key/\S+)", mailoutbox[-1].body)[1]
        form = client.get(link, follow=True)
        client.post(
            form.request["PATH_INFO"], {"password1": "quite-Another-9", "password2": "quite-Another-9"}
        )
        assert not signed_in(client)
        assert sign_in(client, officer, "quite-Another-9").headers["Location"] == STEP

    def test_changing_factors_asks_again_who_is_there(self, client):
        officer = with_password(make_staff("officer"))
        secret = with_app(officer)
        sign_in(client, officer)
        client.post(STEP, {"code": code_of(secret)})
        for path in ("totp/deactivate/", "webauthn/add/", "recovery-codes/generate/"):
            answer = client.post(f"/accounts/2fa/{path}")
            assert answer.headers["Location"].startswith("/accounts/reauthenticate/"), path
        assert Authenticator.objects.filter(type="totp").count() == 1
        assert not Authenticator.objects.filter(type="webauthn").exists()


class TestRecoveryCodes:
    @pytest.fixture
    def ready(self, client, django_capture_on_commit_callbacks):
        officer = with_password(make_staff("officer"))
        secret = with_app(officer)
        sign_in(client, officer)
        client.post(STEP, {"code": code_of(secret)})
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        client.post("/accounts/2fa/recovery-codes/generate/")
        return officer

    def test_shown_once_with_a_file_of_them_and_never_again(self, client, ready):
        first = client.get("/accounts/2fa/recovery-codes/")
        codes = first.context["unused_codes"]
        assert len(set(codes)) == 10
        assert "no-store" in first.headers["Cache-Control"]
        file = re.search(
            r'href="data:text/plain;charset=utf-8;base64,([^"]+)" download', first.content.decode()
        )[1]
        assert base64.b64decode(file).decode().split()[-10:] == codes
        second = client.get("/accounts/2fa/recovery-codes/").content.decode()
        assert not [code for code in codes if code in second]
        assert "data:text/plain" not in second
        assert client.get("/accounts/2fa/recovery-codes/download/").status_code == 404

    def test_each_lets_in_once(self, client, ready):
        [code, other, *_rest] = client.get("/accounts/2fa/recovery-codes/").context["unused_codes"]
        for typed, let_in in ((code, True), (code, False), (other, True)):
            one = Client()
            sign_in(one, ready)
            one.post(STEP, {"code": typed})
            assert signed_in(one) is let_in
        assert len(Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()) == 8

    def test_new_ones_kill_the_old(self, client, ready):
        old = client.get("/accounts/2fa/recovery-codes/").context["unused_codes"]
        client.post("/accounts/2fa/recovery-codes/generate/")
        one = Client()
        sign_in(one, ready)
        one.post(STEP, {"code": old[0]})
        assert not signed_in(one)


class TestReset:
    def test_administrator_resets_someone_elses_and_the_person_is_told(self, client):
        officer = with_password(make_staff("officer"))
        with_app(officer)
        client.force_login(officer)
        admin = make_staff("administrator")
        services.reset_second_factor(officer, actor=admin, reason="phone lost, called back")
        assert not Authenticator.objects.exists()
        assert not signed_in(client)
        entry = Entry.objects.get(action="user.reset_second_factor")
        assert (entry.actor_id, entry.before, entry.facts) == (
            admin.pk,
            {"factors": ["totp"]},
            {"reason": "phone lost, called back"},
        )
        told = Message.objects.get(key__startswith=f"account.security:{officer.pk}:").payload
        assert told["recipients"] == [officer.pk]
        assert lacks_second_factor(User.objects.get(pk=officer.pk)) is True

    def test_never_their_own_and_not_where_there_is_none(self):
        admin = make_staff("administrator")
        with_app(admin)
        with pytest.raises(DomainError) as refusal:
            services.reset_second_factor(admin, actor=admin, reason="x")
        assert refusal.value.code == "own_factor"
        with pytest.raises(DomainError) as refusal:
            services.reset_second_factor(make_user(), actor=admin, reason="x")
        assert refusal.value.code == "no_factor"
        assert Authenticator.objects.count() == 1

    @pytest.mark.parametrize("role", [role for role in StaffRole.values if role != "administrator"])
    def test_nobody_else_may(self, role):
        officer = make_staff()
        with_app(officer)
        with pytest.raises(Forbidden):
            services.reset_second_factor(officer, actor=make_staff(role), reason="x")
        assert Authenticator.objects.count() == 1

    def test_at_the_door_a_reason_is_asked(self, client_of):
        officer, admin = make_staff("officer"), make_staff("administrator")
        with_app(officer)
        with_app_of_admin = TOTP.activate(admin, "JBSWY3DPEHPK3PXP").instance.pk
        address = f"/admin/core/user/{officer.pk}/act/reset_second_factor/"
        client = client_of(admin)
        assert address in client.get(f"/admin/core/user/{officer.pk}/change/").content.decode()
        assert client.post(address, {"reason": "", "once": "a"}).status_code == 200
        assert Authenticator.objects.count() == 2
        assert client.post(address, {"reason": "lost", "once": "b"}).status_code == 302
        assert list(Authenticator.objects.values_list("pk", flat=True)) == [with_app_of_admin]
