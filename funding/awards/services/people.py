"""Who is told of an award: the people who answer for it, and the staff whose turn it is."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from funding.awards.models import Award
from park_portal.core.accounts.models import User
from park_portal.core.accounts.states import StaffRole
from park_portal.core.outbox.services import notify
from park_portal.core.text import both


def _context(award: Award, values: dict[str, Any]) -> dict[str, Any]:
    return {"award": award.number, "title": award.title, "holder": both(lambda: str(award.holder)), **values}


def tell_grantee(kind: str, award: Award, *, key: str, **values: Any) -> None:
    """Tell the people who answer for ``award``, once a ``key``."""
    notify(
        kind,
        recipients=award.application.people(),
        key=key,
        link=award.get_absolute_url(),
        context=_context(award, values),
    )


def tell_staff(
    kind: str, award: Award, *, roles: tuple[StaffRole, ...], key: str, link: str, **values: Any
) -> None:
    """Tell all staff of ``roles``, once a ``key``."""
    staff: QuerySet[User] = User.objects.with_role(*roles)
    notify(kind, recipients=staff, key=key, link=link, context=_context(award, values))
