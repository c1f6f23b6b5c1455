"""What can go wrong that a person can mend: every service raises these and nothing else for the user's mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True)
class Problem:
    """One thing to mend, with the field or page anchor where it is mended."""

    message: Text
    field: str | None = None
    anchor: str | None = None


class DomainError(Exception):
    """A refusal with a reason in the reader's language; nothing was changed."""

    status = 400
    code = "refused"
    default: Text = _("This cannot be done.")

    def __init__(
        self,
        message: Text | None = None,
        *,
        code: str | None = None,
        field: str | None = None,
        problems: Sequence[Problem] = (),
        **facts: Any,
    ) -> None:
        self.message = self.default if message is None else message
        self.code = code or self.code
        self.field = field
        self.problems = list(problems)
        self.facts = facts
        super().__init__(message)

    def __str__(self) -> str:
        return str(self.message)


def cannot_be_stored(error: Exception) -> bool:
    """Return whether ``error`` is psycopg2's, about a text with NUL or half a character, before it was sent."""
    return isinstance(error, ValueError) and (
        "NUL (0x00)" in str(error) or "surrogates not allowed" in str(error)
    )


class Forbidden(DomainError):
    """The actor may see the thing but not do this with it."""

    status = 403
    code = "forbidden"
    default = _("You may not do this. If you think you should, ask the park office.")


class IllegalTransition(DomainError):
    """The thing is in a state in which this act does not exist."""

    status = 409
    code = "illegal_transition"
    default = _(
        "This is no longer possible: someone has moved it on. Reload the page to see where it stands."
    )


class Conflict(DomainError):
    """Someone else changed the same thing in between; ``current`` holds what is stored now."""

    status = 409
    code = "conflict"
    default = _("Someone else has changed this meanwhile. Compare both texts and save again.")

    def __init__(self, message: Text | None = None, *, current: Any = None, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.current = current


class DeadlinePassed(DomainError):
    """The act was possible until a moment that has passed."""

    status = 409
    code = "deadline_passed"
    default = _("The deadline has passed.")
