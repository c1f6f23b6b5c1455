"""What every request carries: where it comes from, and the language of the person who sent it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from ipaddress import ip_address

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from park_portal.core import context
from park_portal.core.api.problems import ApiError, problem
from park_portal.core.errors import DomainError, cannot_be_stored
from park_portal.core.views import refusal

_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")

GetResponse = Callable[[HttpRequest], HttpResponse]


class OriginMiddleware:
    """Give each request an id and make its origin known to the audit trail."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _REQUEST_ID.match(given) else uuid.uuid4().hex
        door = (
            "admin"
            if request.path.startswith("/admin/")
            else "api"
            if request.path.startswith("/api/")
            else "web"
        )
        with context.origin(request_id=request_id, address=_address(request), door=door):
            response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response


def _address(request: HttpRequest) -> str | None:
    """Return the client's address: the last one a trusted proxy added, or that of the connection."""
    remote = request.META.get("REMOTE_ADDR") or None
    hops = settings.TRUSTED_PROXIES
    forwarded = [
        part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()
    ]
    if hops and len(forwarded) >= hops:
        remote = forwarded[-hops]
    try:
        return str(ip_address(remote)) if remote else None
    except ValueError:
        return None


class PlainHttpMiddleware:
    """Refuse a program that speaks plain HTTP. A browser is led to HTTPS; a program would go on sending its token in the
    clear, and nobody would notice.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if (
            not settings.SECURE_SSL_REDIRECT
            or request.is_secure()
            or not request.path_info.startswith("/api/")
        ):
            return self.get_response(request)
        with translation.override(translation.get_language_from_request(request)):
            text = _(
                "Use https://. A token that was sent along has crossed the network in the clear: revoke it."
            )
            return problem(request, ApiError(403, "plain_http", text))


class HeadersMiddleware(CSPMiddleware):
    """Say with every answer, static files included, what a browser may do with it, and that it keeps no copy of what was
    answered to somebody who is known.

    A view that names its own policy keeps it (``csp.decorators``, or the header itself).
    """

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and request.path_info.startswith("/admin/"):
            parts.replace = {**settings.ADMIN_CONTENT_SECURITY_POLICY, **(parts.replace or {})}
        return parts

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response = super().process_response(request, response)
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", settings.CROSS_ORIGIN_RESOURCE_POLICY)
        if settings.SESSION_COOKIE_NAME in request.COOKIES or "Authorization" in request.headers:
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class NulMiddleware:
    """Leave NUL characters out of addresses: nobody types them, and PostgreSQL keeps no text that holds one.

    In a form a field refuses them by itself; what reaches the database all the same is refused like other bad input.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        # What is left may again read as one ("%0%000").
        while "%00" in query or "\0" in query:
            query = query.replace("%00", "").replace("\0", "")
            request.META["QUERY_STRING"] = query
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not cannot_be_stored(exception):
            return None
        return refusal(
            request,
            DomainError(_("The text holds a character that cannot be stored. Remove it."), code="nul"),
        )


class LanguageMiddleware:
    """Use the language a signed-in person chose; everyone else's comes from the cookie or the browser."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and request.user.is_authenticated:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)


class RefusalMiddleware:
    """Turn a refusal that no view caught into the page that says what happened, instead of an error of ours."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return refusal(request, exception) if isinstance(exception, DomainError) else None
