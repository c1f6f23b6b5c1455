"""What the rooms above ask of a person (``park_portal.core.accounts.standing``)."""

from __future__ import annotations

from django.db import models

from park_portal.core.accounts.models import Invitation
from park_portal.core.accounts.standing import fact


@fact
def came_by_invitation(person: models.OuterRef) -> models.Exists:
    """Whether somebody asked the person in."""
    return models.Exists(Invitation.objects.filter(accepted_by=person))
