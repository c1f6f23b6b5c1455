"""Browsers in which someone has signed in before: a signed cookie says for whom, and no stranger can make one.

After OWASP, “Slow Down Online Guessing Attacks with Device Cookies”.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

SALT: Final = "known device"
LASTS: Final = 365 * 24 * 3600
# Of so many people one browser remembers that they used it.
PEOPLE: Final = 5
# On the request: who showed in it that they are who they say.
SHOWN: Final = "known_device_of"


def _mark(email: str) -> str:
    return salted_hmac(SALT, email.strip().lower(), algorithm="sha256").hexdigest()[:32]


def _kept(request: HttpRequest) -> dict[str, str]:
    try:
        found = signing.loads(request.COOKIES.get(settings.KNOWN_DEVICE_COOKIE, ""), salt=SALT, max_age=LASTS)
    except signing.BadSignature:
        return {}
    return dict(found)


def known_device(request: HttpRequest, email: str) -> str:
    """Return the name of this browser for the person with ``email``; empty where they never signed in."""
    return _kept(request).get(_mark(email), "")


def remember(request: HttpRequest, user: Any) -> None:
    """Note on the request that ``user`` is known in this browser from now on."""
    setattr(request, SHOWN, user.email)


def write_cookie(request: HttpRequest, response: HttpResponse) -> None:
    """Give the browser its cookie, if somebody became known in this request."""
    email = getattr(request, SHOWN, None)
    if email is None:
        return
    kept = _kept(request)
    mine = kept.pop(_mark(email), "") or secrets.token_urlsafe(16)
    people = [*list(kept.items())[-(PEOPLE - 1) :], (_mark(email), mine)]
    response.set_cookie(
        settings.KNOWN_DEVICE_COOKIE,
        signing.dumps(people, salt=SALT),
        max_age=LASTS,
        httponly=True,
        samesite="Lax",
        secure=bool(settings.SESSION_COOKIE_SECURE),
    )
