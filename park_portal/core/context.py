"""Where an act comes from: request id, address and the person being viewed as, carried through web and worker."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Origin:
    """The source of the current act, as the audit entry records it."""

    request_id: str = ""
    address: str | None = None
    door: str = "shell"
    on_behalf_of: int | None = None
    # Who sits in front of the screen while the request is answered as ``on_behalf_of`` would be answered.
    viewer: int | None = None


_NOWHERE = Origin()
_origin: ContextVar[Origin] = ContextVar("origin", default=_NOWHERE)


def current() -> Origin:
    """Return the origin of the act that is running now."""
    return _origin.get()


@contextmanager
def origin(
    *,
    request_id: str | None = None,
    address: str | None = None,
    door: str,
    on_behalf_of: int | None = None,
) -> Iterator[Origin]:
    """Run the block as coming from ``door`` (web, admin, worker, shell); a missing request id is made."""
    value = Origin(request_id or uuid.uuid4().hex, address, door, on_behalf_of)
    token = _origin.set(value)
    try:
        yield value
    finally:
        _origin.reset(token)


@contextmanager
def viewed(*, by: int, as_person: int) -> Iterator[Origin]:
    """Run the block as answered to the person ``as_person`` while ``by`` looks."""
    value = replace(current(), on_behalf_of=as_person, viewer=by)
    token = _origin.set(value)
    try:
        yield value
    finally:
        _origin.reset(token)
