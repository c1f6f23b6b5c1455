"""“View as”: a member of the staff sees the portal as somebody else does, for half an hour, and can change nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from park_portal.core import context
from park_portal.core.accounts.models import User
from park_portal.core.accounts.services import end_viewing, refuse_viewing
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.handlers import typed_in
from park_portal.core.views import refusal, wants_json

# In the session of the member of the staff: whom they view as, and until when, in seconds.
KEY: Final = "view_as"
LASTS: Final = 30 * 60
SAFE: Final = ("GET", "HEAD", "OPTIONS")
# Answered to the member of the staff themselves: the way back and out, and what is beside the page.
THEIR_OWN: Final = frozenset(
    {"view-as-end", "account_logout", "set_language", "javascript-catalog", "healthz"}
)
# How somebody signs in, by page or program, is nobody else's to see; nor is the administration theirs.
CLOSED: Final = ("/accounts/", "/account/tokens", "/account/webhooks", "/admin/")
# The audit trail is written, and the session that carries the messages.
_WRITTEN: Final = re.compile(r'^\s*(INSERT INTO "core_entry"|(UPDATE|INSERT INTO) "django_session")')
_READS: Final = re.compile(
    r"^\s*(SELECT|SAVEPOINT|RELEASE|ROLLBACK|SHOW|EXPLAIN|DECLARE|FETCH|CLOSE)\b", re.I
)


class ViewOnly(Forbidden):
    """Who views as somebody else changes nothing."""

    code = "view_only"
    default = _("You are viewing the portal as somebody else: nothing can be changed. End it first.")


@dataclass(frozen=True)
class Viewing:
    """One request of somebody who views as another person."""

    person: User
    viewer: User
    until: int

    @property
    def until_moment(self) -> datetime:
        return datetime.fromtimestamp(self.until, tz=timezone.get_current_timezone())


def begin(request: HttpRequest, person: User) -> None:
    """Let the session view as ``person`` from the next request on."""
    request.session[KEY] = {"person": person.pk, "until": int(time.time()) + LASTS}


def end(request: HttpRequest, user: Any, *, why: str) -> User | None:
    """End it, note why, and return who was viewed; None where nobody was."""
    kept = request.session.pop(KEY, None)
    person = User.objects.filter(pk=kept["person"]).first() if kept else None
    if person is not None:
        end_viewing(person, actor=user, why=why)
    return person


def viewing_of(request: HttpRequest) -> Viewing | None:
    """Return who is viewed in this request, for the banner: also on a page that is not shown as theirs."""
    found: Viewing | None = getattr(request, "view_as", None)
    session, user = getattr(request, "session", None), getattr(request, "user", None)
    if found is not None or session is None or not isinstance(user, User) or KEY not in session:
        return found
    kept = session[KEY]
    person = User.objects.filter(pk=kept["person"]).first()
    return Viewing(person, user, kept["until"]) if person is not None else None


def _refuse_writes(execute: Callable[..., Any], sql: str, params: Any, many: bool, state: Any) -> Any:
    if not (_READS.match(sql) or _WRITTEN.match(sql)):
        raise ViewOnly
    return execute(sql, params, many, state)


class ViewAsMiddleware:
    """Answer as the person who is viewed would be answered, and refuse every write: by method, and in the database."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with ExitStack() as stack:
            request.view_as_stack = stack  # type: ignore[attr-defined]
            return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or match.view_name in THEIR_OWN or not request.user.is_authenticated:
            return None
        kept = request.session.get(KEY)
        if kept is None:
            return None
        viewer: User = request.user
        if kept["until"] <= time.time():
            return self._over(request, viewer, why="time", said=_("Viewing has ended: half an hour is over."))
        person = User.objects.filter(pk=kept["person"]).first()
        try:
            refuse_viewing(person, viewer)
        except DomainError:
            return self._over(request, viewer, why="no longer allowed", said=_("Viewing has ended."))
        assert person is not None
        request.user = person
        request.view_as = Viewing(person, viewer, kept["until"])  # type: ignore[attr-defined]
        stack: ExitStack = request.view_as_stack  # type: ignore[attr-defined]
        stack.enter_context(context.viewed(by=viewer.pk, as_person=person.pk))
        stack.enter_context(connection.execute_wrapper(_refuse_writes))
        if request.method not in SAFE or request.path.startswith(CLOSED):
            return _refused(request)
        return None

    def _over(self, request: HttpRequest, viewer: User, *, why: str, said: Any) -> HttpResponse:
        end(request, viewer, why=why)
        if request.method not in SAFE or wants_json(request):
            # What was sent was meant for the other person: it must not be done in the viewer's own name.
            return _refused(request)
        messages.info(request, said)
        return HttpResponseRedirect(reverse("home"))


def _refused(request: HttpRequest) -> HttpResponse:
    if wants_json(request):
        return refusal(request, ViewOnly())
    return render(request, "core/view_only.html", {"typed": typed_in(request)}, status=403)
