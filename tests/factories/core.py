"""People for tests."""

from __future__ import annotations

import itertools
from typing import Any

from django.contrib.auth.models import Group

from park_portal.core.accounts.models import Invitation, User
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import store_document
from park_portal.core.outbox.models import Message
from park_portal.core.outbox.services import unseal
from park_portal.core.tokens.models import ApiToken
from park_portal.core.tokens.services import create_token
from park_portal.core.tokens.states import Scope
from tests.core.documents.samples import PDF
from tests.factories import fill, makes

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


@makes("core.ApiToken")
def api_token(**values: Any) -> ApiToken:
    made = {"actor": make_user(), "name": "Lab books", "scopes": Scope.values, "days": 30, **values}
    return create_token(**made)[0]


@makes("core.Document")
def document(**values: Any) -> Document:
    if values:
        return fill("core.Document", **values)
    owner = make_user()
    return store_document(
        PDF + str(next(_numbers)).encode(), actor=owner, subject=owner, kind="cv", name="cv.pdf"
    )
