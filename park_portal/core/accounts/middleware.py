"""What stands between a person who has signed in and the pages."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from park_portal.core.accounts.devices import write_cookie
from park_portal.core.accounts.second_factor import lacks_second_factor
from park_portal.core.accounts.university import two_steps_there
from park_portal.core.errors import DomainError
from park_portal.core.handlers import typed_in
from park_portal.core.views import refusal, wants_json

GetResponse = Callable[[HttpRequest], HttpResponse]

# Where the second step is set up, what that needs, and the way out.
SET_UP: Final = frozenset(
    {
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_view_recovery_codes",
        "account_reauthenticate",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
        # An address that is not confirmed stands in the way of setting up.
        "account_email",
        "account_confirm_email",
        "account_email_verification_sent",
        "account_logout",
        "set_language",
        "javascript-catalog",
        "healthz",
    }
)
# Where the person was going, in the session.
GO_ON: Final = "after_second_factor"


class KnownDeviceMiddleware:
    """Let a browser remember who has signed in in it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        write_cookie(request, response)
        return response


# When the session began and was last noted as used, in seconds; kept in the session itself.
BEGUN_AT: Final = "begun_at"
SEEN_AT: Final = "seen_at"
# On the request: its session has just ended by itself.
EXPIRED: Final = "session_expired"
# How exactly a session's last use is known: it costs three queries to note it.
NOTED_EVERY: Final = 600
# Asked for beside a page, by scripts and by machines.
BESIDE: Final = frozenset({"javascript-catalog", "healthz"})


class SessionMiddleware:
    """End a session that is too old or was left alone for too long, and note the use of the others now and then."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        match = request.resolver_match
        if match is None or match.view_name in BESIDE or not request.user.is_authenticated:
            return
        now = int(time.time())
        begun, seen = request.session.get(BEGUN_AT, now), request.session.get(SEEN_AT)
        if now - begun > settings.SESSION_COOKIE_AGE or now - (seen or now) > settings.SESSION_IDLE_AGE:
            # The page goes on with nobody signed in: it asks to sign in, as after any ended session.
            setattr(request, EXPIRED, True)
            logout(request)
        elif seen is None or now - seen > NOTED_EVERY:
            UserSession.objects.create_from_request(request)
            request.session[SEEN_AT] = now


class SecondFactorMissing(DomainError):
    """The person's work asks for two steps, and they have set up one."""

    status = 403
    code = "second_factor_missing"
    default = _("Your work needs sign-in in two steps. Set up the second step first.")


class SecondFactorMiddleware:
    """Let who must sign in with two steps, and has set up one, reach nothing but where the other is set up."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        if not settings.REQUIRE_MFA or match is None or match.view_name in SET_UP:
            return None
        if not lacks_second_factor(request.user) or two_steps_there(request, request.user):
            if request.session.get(GO_ON) == request.get_full_path():
                del request.session[GO_ON]
            return None
        if wants_json(request):
            return refusal(request, SecondFactorMissing())
        if request.method == "GET":
            request.session[GO_ON] = request.get_full_path()
        return render(
            request,
            "core/second_factor.html",
            {"typed": typed_in(request), "nothing_done": request.method not in ("GET", "HEAD")},
            status=403,
        )
