"""People for tests."""

from __future__ import annotations

import itertools
from typing import Any

from django.contrib.auth.models import Group

from park_portal.core.accounts.models import Invitation, User
from park_portal.core.outbox.models import Message
from park_portal.core.outbox.services import unseal

_numbers = itertools.count(1)


def make_user(name: str = "", *, email: str = "", password: str | None = None, **fields: Any) -> User:
    """Returns a person with a verified-looking address of their own; without a password they cannot log in by form."""
    number = next(_numbers)
    email = email or f"person{number}@example.com"
    return User.objects.create_user(email, password, name=name or f"Person {number}", **fields)


def make_staff(*roles: str, name: str = "", **fields: Any) -> User:
    """Returns a member of the park's staff with the given roles, by default a programme officer."""
    user = make_user(name, is_staff=True, **fields)
    user.groups.add(*Group.objects.filter(name__in=roles or ("officer",)))
    return user


def path_of_invitation(invitation: Invitation) -> str:
    """Returns the path that the latest mail of the invitation leads to."""
    message = Message.objects.filter(key__startswith=f"account.invitation:{invitation.pk}:").latest("pk")
    return unseal(message.payload["link"], invitation.email)


def token_of(invitation: Invitation) -> str:
    """Returns the token that the latest mail of the invitation holds."""
    return path_of_invitation(invitation).rstrip("/").rpartition("/")[2]
