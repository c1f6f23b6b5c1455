"""What menus and lists ask of a person on every page (``park_portal.core.accounts.standing``)."""

from __future__ import annotations

from typing import Any

from django.db import models

from incubator.organisations.models import Liaison, Membership
from park_portal.core.accounts.second_factor import asks_second_factor
from park_portal.core.accounts.standing import fact, rows_of


@fact
def is_liaison_today(person: models.OuterRef) -> models.Exists:
    """Liaison of any university or faculty today."""
    return models.Exists(Liaison.objects.current().filter(user=person))


asks_second_factor(is_liaison_today)


@fact
def belongs_to_any(person: models.OuterRef) -> Any:
    """Whether the person belongs to an organisation, or to a project, which is a room further up."""
    members = Membership.objects.filter(user=person)
    return models.Exists(members) | models.Exists(rows_of(person, "project_places"))
