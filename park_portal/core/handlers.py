"""What is answered when a request makes no sense, leads nowhere or may not be made: on the portal and to the staff."""

from __future__ import annotations

from typing import Final

from django.contrib import admin
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.views import refusal, wants_json

# Of a form that was refused, what nobody typed and what nobody else may read.
NOT_TYPED: Final = frozenset({"csrfmiddlewaretoken", "once", "act", "action", "next", "revision"})
KEPT: Final = 40
# What reading a form raises when it is broken, too long, or was not sent to its end.
UNREADABLE: Final = (BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError)


def typed_in(request: HttpRequest) -> list[str]:
    """Return the texts in a refused form, so that the page can give them back to whoever wrote them."""
    if request.method != "POST" or not getattr(request, "user", None) or not request.user.is_authenticated:
        return []
    try:
        given = [(name, value) for name, values in request.POST.lists() for value in values]
    except UNREADABLE:
        return []
    texts = [
        str(value).strip()
        for name, value in given
        if name not in NOT_TYPED and "password" not in name.lower()
    ]
    return list(dict.fromkeys(text for text in texts if text and not text.isdecimal() and text != "on"))[
        :KEPT
    ]


def in_the_administration(request: HttpRequest) -> bool:
    """Return whether the person is staff and asked for one of the staff's pages."""
    user = getattr(request, "user", None)
    return bool(request.path.startswith(reverse("admin:index")) and user is not None and user.is_staff)


def _answer(request: HttpRequest, name: str, status: int) -> HttpResponse:
    context = {"typed": typed_in(request), "nothing_done": request.method not in ("GET", "HEAD")}
    if in_the_administration(request):
        title = _("You may not do this") if status == 403 else _("This page cannot be found")
        frame = {**admin.site.each_context(request), "title": title}
        return render(request, f"admin/{name}.html", {**frame, **context}, status=status)
    return render(request, f"{name}.html", context, status=status)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the page for what the person may not do; what they typed is on it."""
    if wants_json(request):
        return refusal(request, Forbidden())
    return _answer(request, "403", 403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the page for an address that leads nowhere, or nowhere for this person."""
    return _answer(request, "404", 404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the page (or JSON) for a request that cannot be read; one that is too long is told apart."""
    too_long = isinstance(exception, RequestDataTooBig | TooManyFieldsSent)
    if wants_json(request):
        if too_long:
            return refusal(
                request, DomainError(_("This is too long to be sent. Shorten it."), code="too_long")
            )
        return refusal(request, DomainError(code="unreadable"))
    return render(request, "400.html", {"too_long": too_long}, status=400)
