"""Reads, in the browser, what the local mail sink kept. Local mode only: there are no such addresses in production."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

from csp.constants import SELF
from csp.decorators import csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

NAME = re.compile(r"^[0-9]+-[0-9]+-[0-9]+$")
SHOWN = 200


@dataclass(frozen=True)
class Mail:
    """One mail as it was handed to the server."""

    name: str
    received: datetime
    to: str
    sender: str
    subject: str
    text: str
    html: str
    attachments: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]


def read(path: Path) -> Mail:
    """Return the mail kept in `path`; raises `OSError` when it is gone."""
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    return Mail(
        name=path.stem,
        received=datetime.fromtimestamp(int(path.stem.split("-")[0]) / 1e9, tz=UTC),
        to=str(message["X-Envelope-To"] or message["To"] or ""),
        sender=str(message["From"] or ""),
        subject=str(message["Subject"] or ""),
        text=text.get_content() if text is not None else "",
        html=html.get_content() if html is not None else "",
        attachments=tuple(part.get_filename() or "?" for part in message.iter_attachments()),
        headers=tuple((name, str(value)) for name, value in message.items()),
    )


def mails(folder: Path, *, limit: int = SHOWN, to: str = "") -> list[Mail]:
    """Return the newest mails first; `to` keeps those whose recipient contains it."""
    found: list[Mail] = []
    for path in sorted(folder.glob("*.eml"), reverse=True):
        try:
            mail = read(path)
        except FileNotFoundError:  # somebody emptied the box meanwhile
            continue
        if to.lower() in mail.to.lower():
            found.append(mail)
        if len(found) == limit:
            break
    return found


def _folder() -> Path:
    if settings.MAIL_SINK is None:
        raise Http404
    return settings.MAIL_SINK


def _one(name: str) -> Mail:
    path = _folder() / f"{name}.eml"
    if not NAME.match(name) or not path.exists():
        raise Http404
    return read(path)


@require_safe
def mail_list(request: HttpRequest) -> HttpResponse:
    """The mails, newest first, those of one recipient on demand."""
    to = request.GET.get("to", "").strip()[:200]
    return render(
        request, "local/mail_list.html", {"mails": mails(_folder(), to=to), "to": to, "shown": SHOWN}
    )


@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type] # its types know no address with a name in it
@require_safe
def mail_detail(request: HttpRequest, name: str) -> HttpResponse:
    """One mail: its text with links that work, and its HTML in a frame of its own."""
    return render(request, "local/mail_detail.html", {"mail": _one(name)})


@require_safe
def mail_html(request: HttpRequest, name: str) -> HttpResponse:
    """The HTML of one mail, as its reader would see it, and unable to run anything."""
    response = HttpResponse(_one(name).html)
    response["Content-Security-Policy"] = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'; "
        "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
    )
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response


@require_POST
def mail_clear(request: HttpRequest) -> HttpResponse:
    """Forget all mails."""
    for path in _folder().glob("*.eml"):
        path.unlink(missing_ok=True)
    return redirect("local-mail")
