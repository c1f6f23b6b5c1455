"""A notice as it goes to the mail server: one text in two forms, and headers of our own.

Django's own mail is put together by the email package header by header, which costs more than all else that sending
takes. These mails have few headers, all known; so they are written as what they become: RFC 5322 lines and two parts.
"""

from __future__ import annotations

import base64
import re
import secrets
from email.header import Header
from email.utils import formatdate, parseaddr
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.core.mail import BadHeaderError, EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import sanitize_address

# What stands in a header as it is.
_PLAIN_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+", re.ASCII)
# RFC 5322, 2.1.1.
_LONGEST_LINE: Final = 998


class Written:
    """A mail as bytes, with what a mail backend asks of one."""

    def __init__(self, lines: bytes) -> None:
        self.lines = lines

    def as_bytes(self, unixfrom: bool = False, linesep: str = "\r\n") -> bytes:
        return self.lines if linesep == "\r\n" else self.lines.replace(b"\r\n", linesep.encode())


class Backend(EmailBackend):
    """SMTP as Django does it; a notice is handed over as it was written, its addresses already looked at."""

    def _send(self, mail: Any) -> bool:
        if not isinstance(mail, NoticeMail):
            return bool(super()._send(mail))  # type: ignore[misc] # the stubs do not know it
        assert self.connection is not None
        self.connection.sendmail(mailbox(mail.from_email), [mailbox(mail.to[0])], mail.message().as_bytes())
        return True


class NoticeMail(EmailMultiAlternatives):
    """A mail to one address, as text and as HTML."""

    def message(self, **kwargs: Any) -> Any:
        if len(self.to) != 1 or self.cc or self.bcc or self.reply_to or self.attachments:
            raise ValueError("a notice goes to one address and has nothing attached")
        mark = secrets.token_hex(16)
        headers = {
            "Subject": _text(str(self.subject)),
            "From": address(str(self.from_email)),
            "To": address(self.to[0]),
            "Date": formatdate(localtime=settings.EMAIL_USE_LOCALTIME),
            **{name: _one_line(str(value)) for name, value in self.extra_headers.items()},
            "MIME-Version": "1.0",
            "Content-Type": f'multipart/alternative; boundary="{mark}"',
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("ascii")
        parts = [
            (self.body, "plain"),
            *((text, str(kind).partition("/")[2]) for text, kind in self.alternatives),
        ]
        edge = f"--{mark}".encode()
        body = b"".join(edge + b"\r\n" + _part(str(text), kind) + b"\r\n" for text, kind in parts)
        return Written(head + b"\r\n" + body + edge + b"--\r\n")


def _text(value: str) -> str:
    """Return a header's text in ASCII, folded."""
    plain = _one_line(value).isascii() and len(value) < 68
    return value if plain else Header(value, "utf-8", header_name="Subject").encode(linesep="\r\n")


def _one_line(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise BadHeaderError("A header holds a line break.")
    return value


def address(value: str) -> str:
    """Return an address as it stands in a header. Raises ``ValueError`` for what is none."""
    return value if _PLAIN_ADDRESS.fullmatch(value) else _address(value)


def mailbox(value: str) -> str:
    """Return an address as the envelope has it: without a name."""
    return value if _PLAIN_ADDRESS.fullmatch(value) else _mailbox(value)


@lru_cache(maxsize=64)
def _mailbox(value: str) -> str:
    return parseaddr(_address(value))[1]


@lru_cache(maxsize=64)
def _address(value: str) -> str:
    return str(sanitize_address(value, "utf-8"))


def _part(text: str, kind: str) -> bytes:
    lines = "\r\n".join(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")).encode()
    way = "7bit" if lines.isascii() else "8bit"
    if any(len(line) > _LONGEST_LINE for line in lines.split(b"\r\n")) or b"\0" in lines:
        way, lines = "base64", base64.encodebytes(lines).replace(b"\n", b"\r\n")
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {way}\r\n\r\n'
    return head.encode() + lines
