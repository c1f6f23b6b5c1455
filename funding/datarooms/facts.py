"""What menus ask of a person on every page (``park_portal.core.accounts.standing``)."""

from __future__ import annotations

from django.db import models

from funding.datarooms.models import DataRoomInvestor
from incubator.organisations.models import Membership
from incubator.organisations.states import Role
from park_portal.core.accounts.standing import fact


@fact
def fills_a_room(person: models.OuterRef) -> models.Exists:
    """Owns or edits an organisation, and so its data room."""
    return models.Exists(Membership.objects.filter(user=person, role__in=[Role.OWNER, Role.EDITOR]))


@fact
def is_let_in(person: models.OuterRef) -> models.Exists:
    """On the list of investors of some company."""
    return models.Exists(DataRoomInvestor.objects.filter(user=person, removed_at__isnull=True))
