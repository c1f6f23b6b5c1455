"""What somebody typed on a page: who that was, how it is read, and how it outlives the end of a session.

Reviews are written by the same script and the same kind of page as applications, and use this as well.
"""

from __future__ import annotations

import json
import time
from typing import Any, Final, cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core import signing
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from park_portal.core.accounts.models import User
from park_portal.core.errors import DomainError, Text
from park_portal.core.views import PortalMixin, refusal, wants_json

# A table's rows of cells is the deepest answer there is.
DEEPEST: Final = 4
# How much of a form, in characters, and for how long in seconds, waits for its writer to sign in again.
MOST_HELD: Final = 400_000
LONGEST_HELD: Final = 24 * 3600
_HELD: Final = "held_form"
_SALT: Final = "park.typed"


class OtherUser(DomainError):
    """The person who typed this has signed out and somebody else has signed in, in the same browser."""

    status = 401
    code = "other_user"
    default = gettext_lazy(
        "Someone else has signed in in this browser. Sign in again as yourself to save what you typed."
    )


def read_sent(request: HttpRequest, *, key: str, too_long: Text) -> dict[str, Any]:
    """Return the ``{"raw", "revision"}`` that the script sent; raise ``DomainError`` for anything else.

    What nests deeper than any answer does is refused here, before anything walks through it.
    """
    try:
        sent = json.loads(request.body)
    except RequestDataTooBig as error:
        raise DomainError(too_long, code="too_long", field=key) from error
    except (ValueError, RecursionError) as error:  # neither UTF-8 nor JSON, or brackets without end
        raise DomainError(code="unreadable") from error
    if (
        not isinstance(sent, dict)
        or type(sent.get("revision"))
        is not int  # nor true: without the revision, what others typed would be lost
        or _is_deeper(sent.get("raw"), DEEPEST)
    ):
        raise DomainError(code="unreadable")
    return sent


def _is_deeper(value: Any, levels: int) -> bool:
    """Return whether lists and objects nest deeper than ``levels``."""
    if not isinstance(value, list | dict):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in inner)


def typist_of(user: User) -> str:
    """Return the hidden field ``typist`` of a form: for whom the page was made, signed."""
    return signing.dumps(user.pk, salt=_SALT)


def check_typist(request: HttpRequest) -> None:
    """Raise ``OtherUser`` when a script sends what another person typed than the one who is signed in now.

    To be asked before what the page is about is looked for: the other person may not even see that.
    """
    if request.headers.get("X-Typist") not in (None, str(request.user.pk)):
        raise OtherUser


def _typist(request: HttpRequest) -> int | None:
    """Return the key of the person for whom the form was made that was sent; None where it does not say."""
    try:
        return int(signing.loads(request.POST.get("typist", ""), salt=_SALT))
    except signing.BadSignature:
        return None


class KeepsTyped(PortalMixin):
    """A page whose form is sent without a script: what was typed waits while its writer signs in again, then is saved."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            if request.method == "POST" and not wants_json(request):
                return _hold(request)
            return super().dispatch(request, *args, **kwargs)
        if request.method == "POST" and _typist(request) not in (None, request.user.pk):
            text = _(
                "Someone else has signed in in this browser, and nothing was saved. Press Back: what you typed is "
                "still there. Copy it, then sign in as yourself."
            )
            return refusal(request, OtherUser(text))
        held = request.session.get(_HELD)
        if held is None:
            return super().dispatch(request, *args, **kwargs)
        replayed = _replay(request, held)
        response = super().dispatch(request, *args, **kwargs)
        if request.method == "POST" and held.get("path") == request.path:
            if not replayed:
                # What is sent now was written after what waits.
                request.session.pop(_HELD, None)
            elif isinstance(response, HttpResponseRedirect):
                request.session.pop(_HELD, None)
                messages.success(request, _("What you typed before you signed in again is saved."))
        return response


def _hold(request: HttpRequest) -> HttpResponseBase:
    """Keep what was sent in the session, which signing in takes over, and lead there."""
    typist = _typist(request)
    if typist is None:
        return redirect_to_login(request.path)
    fields = {name: values for name, values in request.POST.lists() if name != "csrfmiddlewaretoken"}
    if sum(len(value) for values in fields.values() for value in values) > MOST_HELD:
        text = _(
            "Your session has ended, and nothing was saved. Press Back: what you typed is still there. Copy it, then "
            "sign in."
        )
        return refusal(request, DomainError(text, code="signed_out"))
    request.session[_HELD] = {
        "path": request.path,
        "typist": typist,
        "at": int(time.time()),
        "fields": fields,
    }
    messages.warning(
        request,
        _(
            "Your session has ended, and nothing was saved yet. Sign in: what you typed is kept here and is saved then."
        ),
    )
    if request.FILES:
        messages.warning(request, _("Files that you chose have to be chosen again."))
    return redirect_to_login(request.path)


def _replay(request: HttpRequest, held: dict[str, Any]) -> bool:
    """Turn the visit after signing in into the sending of what was held; returns whether it was this person's."""
    if (
        request.method != "GET"
        or held.get("path") != request.path
        or held.get("typist") != request.user.pk
        or held.get("at", 0) < time.time() - LONGEST_HELD
    ):
        return False
    fields = QueryDict(mutable=True)
    for name, values in held["fields"].items():
        fields.setlist(name, values)
    # Read first: whoever reads the files later would parse the (empty) body anew, over what is set here.
    assert not request.FILES
    request.method = "POST"
    request.POST = cast(Any, fields)  # The stubs know only what Django has read itself.
    return True
