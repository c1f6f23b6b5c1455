"""Who must sign in with two steps, and who does.

Staff must; a room adds further people by a predicate over a person:

    asks_second_factor(is_liaison_today)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.db import models

from park_portal.core.accounts.standing import fact, rows_of

# Recovery codes are no factor of their own: they stand in for one of these.
FACTORS: Final = ("totp", "webauthn")

_asked: list[Callable[[Any], bool]] = []


def asks_second_factor(predicate: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Ask two steps of everyone of whom ``predicate`` is true."""
    _asked.append(predicate)
    return predicate


@fact
def has_second_factor(person: models.OuterRef) -> models.Exists:
    """Whether the person has set up an authenticator app or a passkey."""
    return models.Exists(rows_of(person, "authenticator").filter(type__in=FACTORS))


def must_have_second_factor(user: Any) -> bool:
    """Return whether this portal lets ``user`` work only after two steps."""
    return bool(
        settings.REQUIRE_MFA
        and user.is_authenticated
        and user.is_active
        and (user.is_staff or user.is_superuser or any(predicate(user) for predicate in _asked))
    )


def lacks_second_factor(user: Any) -> bool:
    """Return whether ``user`` must set up a second step before anything else."""
    return must_have_second_factor(user) and not has_second_factor(user)
