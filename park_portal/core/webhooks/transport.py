"""One request to an address that a stranger named: to the public internet only, bounded in time and size.

The name is asked for once. Every address that it has must be public, and the connection goes to one of those very
addresses, with the name in TLS and in ``Host``; a name that answers otherwise a moment later changes nothing. A
redirect is an answer like any other.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address
from threading import Timer
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext_lazy as _

from park_portal.core.errors import DomainError
from park_portal.core.webhooks.states import Failure

PORTS: Final = (443, 8443)
NAME_WITHIN: Final = 4  # Seconds, for finding the addresses of the name,
ALL_WITHIN: Final = 10  # and for everything after: connection, TLS, request, answer.
KEPT_OF_ANSWER: Final = 500
# Of IPv6, what is handed out to the public; the rest leads elsewhere, NAT64 to any IPv4 address.
_PUBLIC_V6: Final = IPv6Network("2000::/3")

_names = ThreadPoolExecutor(max_workers=8, thread_name_prefix="webhook-names")


@dataclass(frozen=True)
class Answer:
    """What came back: a status with the beginning of the text, or why there is none."""

    milliseconds: int
    status: int | None = None
    text: str = ""
    failure: str = ""

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class _Failed(Exception):
    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure)


def checked_url(url: str) -> str:
    """Return ``url`` as it is asked for; raise ``DomainError`` for one that may not be."""
    wrong = DomainError(
        _("An address begins with https://, names a host and no user, and has port 443 or 8443."),
        code="url",
        field="url",
    )
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
        ascii_host = host.encode("idna").decode() if not host.isascii() else host
    except (ValueError, UnicodeError) as error:
        raise wrong from error
    local = settings.WEBHOOK_LOOPBACK
    if (
        parts.scheme not in (("https", "http") if local else ("https",))
        or not ascii_host
        or parts.username is not None
        or parts.password is not None
        or parts.fragment
        or not (local or port is None or port in PORTS)
        or any(character <= " " or character == "\x7f" for character in url.strip())
    ):
        raise wrong
    with suppress(ValueError):  # a name, which is looked up when something is sent
        if not (is_public(ascii_host) or (local and ip_address(ascii_host).is_loopback)):
            raise DomainError(
                _("This is not an address of the public internet."), code="url_private", field="url"
            )
    bracketed = f"[{ascii_host}]" if ":" in ascii_host else ascii_host
    netloc = bracketed if port is None else f"{bracketed}:{port}"
    path, query = iri_to_uri(parts.path or "/"), iri_to_uri(parts.query)
    return SplitResult(parts.scheme, netloc, path, query, "").geturl()


def is_public(address: str) -> bool:
    """Return whether an address is one of the public internet: not of this machine, this network or any in disguise."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address) and (
        ip not in _PUBLIC_V6
        or ip.ipv4_mapped is not None
        or ip.sixtofour is not None
        or ip.teredo is not None
    ):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not ip.is_unspecified


def _is_allowed(address: str, scheme: str) -> bool:
    loopback = settings.WEBHOOK_LOOPBACK and ip_address(address.partition("%")[0]).is_loopback
    return loopback or (scheme == "https" and is_public(address))


def _addresses(host: str, port: int) -> list[str]:
    """Return every address of the name, asked for once."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send ``body`` to ``url`` and return what came back. Raises nothing that the other side could cause."""
    start = time.monotonic()

    def answer(**values: Any) -> Answer:
        return Answer(milliseconds=round((time.monotonic() - start) * 1000), **values)

    try:
        status, text = _exchange(urlsplit(url), body, headers)
    except _Failed as failed:
        return answer(failure=failed.failure)
    return answer(status=status, text=text)


def _exchange(url: SplitResult, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    host = url.hostname or ""
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        addresses = _names.submit(_addresses, host, port).result(timeout=NAME_WITHIN)
    except (OSError, UnicodeError, TookTooLong) as error:
        raise _Failed(Failure.NO_PUBLIC_ADDRESS) from error
    # The same words whether the name is unknown or leads inside: nobody learns from them what is inside.
    if not addresses or not all(_is_allowed(address, url.scheme) for address in addresses):
        raise _Failed(Failure.NO_PUBLIC_ADDRESS)
    watch = _Watch(ALL_WITHIN)
    try:
        with watch:
            found = _talk(url, host, port, addresses, body, headers, watch.holds)
            # What was cut off may look complete.
            if watch.is_over:
                raise TimeoutError
            return found
    except ssl.SSLCertVerificationError as error:
        raise _Failed(Failure.CERTIFICATE) from error
    except (OSError, http.client.HTTPException) as error:
        if watch.is_over or isinstance(error, TimeoutError):
            raise _Failed(Failure.TIME) from error
        raise _Failed(
            Failure.NO_HTTP if isinstance(error, http.client.HTTPException) else Failure.NO_CONNECTION
        ) from error


class _Watch:
    """Ends the connection when the time for all of it is over, however slowly the other side drips."""

    def __init__(self, seconds: float) -> None:
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True
        self._held: socket.socket | None = None
        self.is_over = False

    def holds(self, held: socket.socket) -> None:
        self._held = held
        if self.is_over:
            raise TimeoutError

    def _end(self) -> None:
        self.is_over = True
        if self._held is not None:
            try:
                # The plain one: that of TLS would have the rest read without it.
                socket.socket.shutdown(self._held, socket.SHUT_RDWR)
            except OSError:
                return  # It has ended already.

    def __enter__(self) -> _Watch:
        self._timer.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()


def _talk(
    url: SplitResult,
    host: str,
    port: int,
    addresses: list[str],
    body: bytes,
    headers: Mapping[str, str],
    holds: Callable[[socket.socket], None],
) -> tuple[int, str]:
    sock = _connect(addresses, port, holds)
    try:
        connection: http.client.HTTPConnection
        if url.scheme == "https":
            context = ssl.create_default_context()
            sock = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
            holds(sock)
            sock.do_handshake()
            connection = http.client.HTTPSConnection(host, port, context=context)
        else:
            connection = http.client.HTTPConnection(host, port)
        connection.sock = sock
        target = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
        connection.request("POST", target, body=body, headers={**headers, "Connection": "close"})
        response = connection.getresponse()
        text = response.read(KEPT_OF_ANSWER * 4).decode("utf-8", "replace").replace("\x00", "\ufffd")
        return response.status, text[:KEPT_OF_ANSWER]
    finally:
        sock.close()


def _connect(addresses: list[str], port: int, holds: Callable[[socket.socket], None]) -> socket.socket:
    """Return a connection to the first of ``addresses`` that takes one."""
    last: OSError = OSError("no address")
    for address in addresses:
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(ALL_WITHIN / 2)
        holds(sock)
        try:
            sock.connect((address, port))
        except OSError as error:
            sock.close()
            last = error
        else:
            return sock
    raise last
