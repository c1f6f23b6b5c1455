"""A request that is sent again does its work once: ``Idempotency-Key``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import wraps
from typing import Any, Final, TypeVar

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from park_portal.core.accounts.models import User
from park_portal.core.api.models import IdempotentAnswer
from park_portal.core.api.problems import ApiError

KEPT: Final = timedelta(hours=24)
LONGEST: Final = 255
View = TypeVar("View", bound=Callable[..., Response])


def idempotent(method: View) -> View:
    """Answer a repeated request of the same person and key with the first answer, and do nothing.

    The key is written in the transaction of the act: of two at the same moment the second waits for the first. What
    was refused is not kept, so that it may be tried again.
    """

    @wraps(method)
    def once(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return method(view, request, *args, **kwargs)
        if not 1 <= len(key) <= LONGEST or not key.isascii() or not key.isprintable():
            raise ApiError(400, "idempotency_key", _("An Idempotency-Key is 1 to 255 plain characters."))
        assert isinstance(request.user, User)  # nobody else may write
        fingerprint = _fingerprint(request)
        with transaction.atomic():
            if (made := _claim(request.user.pk, key, fingerprint)) is None:
                return _again(IdempotentAnswer.objects.get(user=request.user, key=key), fingerprint)
            response = method(view, request, *args, **kwargs)
            body = _without(response.data, getattr(view, "told_once", ()))
            IdempotentAnswer.objects.filter(pk=made).update(status=response.status_code, body=body)
            return response

    return once  # type: ignore[return-value] # the same arguments, the same answer


def _without(data: Any, names: Sequence[str]) -> Any:
    """Return an answer as it may be kept: what is told once is in no table, and not in the repetition."""
    return {name: value for name, value in data.items() if name not in names} if names and data else data


def _fingerprint(request: Request) -> str:
    sent = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if not is_upload(request):
        sent.update(request._request.body)
        return sent.hexdigest()
    # Of an upload what was sent, not how: each form of it has another boundary.
    for name, file in sorted(request.FILES.items()):
        sent.update(f"{name} {file.name} {file.size}\n".encode())
        for chunk in file.chunks():
            sent.update(chunk)
        file.seek(0)
    return sent.hexdigest()


def is_upload(request: Request) -> bool:
    """Return whether the request brings files: larger than what is read at once."""
    return str(request.content_type or "").startswith("multipart/")


def _claim(user_id: int, key: str, fingerprint: str) -> int | None:
    """Write the key down and return its row's id; None when it is there already."""
    table = connection.ops.quote_name(IdempotentAnswer._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (user_id, key, fingerprint, created_at) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT (user_id, key) DO NOTHING RETURNING id",
            [user_id, key, fingerprint, timezone.now()],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _again(stored: IdempotentAnswer, fingerprint: str) -> Response:
    if stored.fingerprint != fingerprint:
        raise ApiError(
            422,
            "idempotency_mismatch",
            _("This Idempotency-Key was used for another request. Use a new one for each."),
        )
    return Response(stored.body, status=stored.status, headers={"Idempotency-Replayed": "true"})


def forget_answers() -> int:
    """Delete the answers that are older than a day and return how many."""
    found, _by_model = IdempotentAnswer.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    return found
