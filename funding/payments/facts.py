"""What menus ask of a person on every page (``park_portal.core.accounts.standing``)."""

from __future__ import annotations

from django.db import models

from funding.awards.models import Award
from incubator.organisations.models import Membership
from incubator.projects.models import ProjectMember
from park_portal.core.accounts.standing import fact


@fact
def has_award(person: models.OuterRef) -> models.Exists:
    """Belongs to who holds an award: of the organisation, of the project's team, or its principal investigator."""
    members = Membership.objects.filter(user=person)
    teams = ProjectMember.objects.filter(user=person)
    return models.Exists(
        Award.objects.filter(
            models.Q(organisation__in=members.values("organisation"))
            | models.Q(project__in=teams.values("project"))
            | models.Q(project__pi_user=person)
        )
    )
