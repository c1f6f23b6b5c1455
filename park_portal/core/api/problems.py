"""What a refusal looks like: RFC 9457 problem details, in the language of who asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response

from park_portal.core import context as act
from park_portal.core.errors import DomainError, cannot_be_stored

MEDIA_TYPE = "application/problem+json"


class ApiError(DomainError):
    """A refusal that only a program can run into, with its own status and code."""

    def __init__(self, status: int, code: str, message: Any, **kwargs: Any) -> None:
        self.status = status
        super().__init__(message, code=code, **kwargs)


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Return the answer to ``error``; None for what is a fault of ours."""
    body = _body(error)
    if body is None:
        return None
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = f"{wait:.0f}"
    body |= {"instance": context["request"].path, "request_id": act.current().request_id}
    response = Response(body, status=body["status"], headers=headers, content_type=MEDIA_TYPE)
    return response


def problem(request: HttpRequest, error: Exception) -> JsonResponse:
    """Return the same answer from outside the API's views: for an address that leads nowhere."""
    body = _body(error) or _problem(500, "error", _("Something went wrong on our side."))
    body |= {"instance": request.path, "request_id": act.current().request_id}
    return JsonResponse(body, status=body["status"], content_type=MEDIA_TYPE)


def _problem(status: int, code: str, title: Any, **more: Any) -> dict[str, Any]:
    # The kind of problem is a name, not an address: nothing has to answer there for as long as programs run.
    return {"type": f"urn:park:problem:{code}", "title": str(title), "status": status, "code": code, **more}


def _body(error: Exception) -> dict[str, Any] | None:
    if isinstance(error, DomainError):
        return _problem(error.status, error.code, error, **_errors(_of_domain(error)))
    if isinstance(error, Http404 | exceptions.NotFound):
        return _problem(404, "not_found", _("There is nothing here, or nothing that you may see."))
    if isinstance(error, PermissionDenied | exceptions.PermissionDenied):
        return _problem(403, "forbidden", getattr(error, "detail", "") or _("You may not do this."))
    if isinstance(error, RequestDataTooBig):
        return _problem(413, "too_long", _("This is too long to be sent. Shorten it."))
    if cannot_be_stored(error):
        return _problem(400, "nul", _("The text holds a character that cannot be stored. Remove it."))
    if isinstance(error, exceptions.ValidationError):
        return _problem(400, "invalid", _("Some fields are not right."), **_errors(_of_fields(error.detail)))
    if isinstance(error, exceptions.ParseError):
        # The framework quotes the parser, in English; the place it names is for programmers in any language.
        return _problem(
            400, "parse_error", _("The body of the request cannot be read."), detail=str(error.detail)
        )
    if isinstance(error, exceptions.APIException):
        code = error.get_codes() if isinstance(error.get_codes(), str) else error.default_code
        return _problem(error.status_code, str(code), error.detail)
    return None


def _errors(found: Iterator[dict[str, str]]) -> dict[str, Any]:
    listed = list(found)
    return {"errors": listed} if listed else {}


def _of_domain(error: DomainError) -> Iterator[dict[str, str]]:
    if error.field:
        yield {"field": error.field, "detail": str(error)}
    for one in error.problems:
        yield {"field": one.field or "", "detail": str(one.message)}


def _of_fields(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _of_fields(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _of_fields(inner, path)
    else:
        yield {"field": "" if path == "non_field_errors" else path, "detail": str(detail)}
