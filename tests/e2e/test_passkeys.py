"""Passkeys in a real browser, with an authenticator that the browser plays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import Browser

from tests.e2e.visitor import Findings, Visitor, let_in
from tests.personas import PASSWORD, make_person
from tests.stack import Stack

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def findings() -> Iterator[Findings]:
    found = Findings()
    yield found
    assert not found.wrong, found.report()


def test_a_passkey_is_added_and_lets_in_as_second_step_and_alone(
    live_stack: Stack, browser: Browser, findings: Findings
):
    person = let_in(make_person("passkey_owner", language="en"))
    who = Visitor("passkey", browser=browser, stack=live_stack, language="en", findings=findings)
    page, main = who.page, who.page.locator("main")
    devices = who.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    device = devices.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]

    who.sign_in(person).open("/accounts/2fa/")
    who.follow("Add a passkey", within=main)
    who.fill(password=PASSWORD)
    who.press("Go on")
    who.fill(name="office laptop", passwordless=True)
    who.press("Add a passkey", within=main)
    who.sees("Download the codes")
    [kept] = Authenticator.objects.filter(user=person, type="webauthn")
    assert (str(kept), kept.wrap().is_passwordless) == ("office laptop", True)
    with page.expect_download() as download:
        who.follow_download("Download the codes")
    assert len(download.value.path().read_text().split()[-10:]) == 10
    for path in ("", "webauthn/", f"webauthn/keys/{kept.pk}/edit/", f"webauthn/keys/{kept.pk}/remove/"):
        who.open(f"/accounts/2fa/{path}")
    who.open("/accounts/2fa/totp/activate/")

    # After the password, as the second step.
    who.context.clear_cookies()
    who.open("/accounts/login/")
    who.fill(login=person.email, password=PASSWORD)
    who.press("Sign in", within=main)
    assert who.path() == "/accounts/2fa/authenticate/"
    who.press("Use a passkey")
    assert who.path() == "/"

    # Alone: to have the device and to be known to it are two steps already.
    who.context.clear_cookies()
    who.open("/accounts/login/")
    who.press("Sign in with a passkey")
    who.open("/account/profile/")
    assert who.path() == "/account/profile/"

    # Another device, or a finger it does not know: said in words, and nobody is in.
    devices.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": device})
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": {**DEVICE, "isUserVerified": False}})
    who.context.clear_cookies()
    who.open("/accounts/login/")
    who.find("Sign in with a passkey").click()
    page.locator("[data-passkey-failed]").first.wait_for(state="visible")
    who.look("failed")
    who.open("/account/profile/")
    assert who.path().startswith("/accounts/login/")
    who.close()
