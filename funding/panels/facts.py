"""What menus ask of a person on every page (``park_portal.core.accounts.standing``)."""

from __future__ import annotations

from django.db import models

from funding.panels.models import PanelMember
from park_portal.core.accounts.standing import fact


@fact
def sits_on_panels(person: models.OuterRef) -> models.Exists:
    """Sits, or sat, on the panel of a meeting."""
    return models.Exists(PanelMember.objects.filter(user=person, removed_at__isnull=True))
