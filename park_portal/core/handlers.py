"""What is answered when a request makes no sense before any page has seen it."""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from park_portal.core.errors import DomainError
from park_portal.core.views import refusal, wants_json


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
