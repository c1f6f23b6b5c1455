"""What menus ask of a person on every page (``park_portal.core.accounts.standing``)."""

from __future__ import annotations

from django.db import models

from funding.awards.models import Award
from park_portal.core.accounts.standing import fact


@fact
def holds_awards(person: models.OuterRef) -> models.Exists:
    """Belongs to an organisation or a research project that was given an award."""
    return models.Exists(
        Award.objects.filter(
            models.Q(organisation__memberships__user=person)
            | models.Q(project__pi_user=person)
            | models.Q(project__team__user=person)
        )
    )
