"""Awards: what an approved application is given."""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse

from funding.applications.models import Application
from funding.awards.models import Award
from park_portal.core.accounts.models import User
from park_portal.core.accounts.states import StaffRole
from park_portal.core.audit.services import Actor, record
from park_portal.core.money import format_yuan
from park_portal.core.outbox.services import notify
from park_portal.core.text import both
from park_portal.core.workflow import advance


def open_award(application: Application, *, actor: Actor, amount_fen: int) -> Award:
    """Open the award of an approved application over ``amount_fen`` fen; a second call returns the same award.

    The caller has checked the right to decide.
    """
    with transaction.atomic():
        award, created = Award.objects.get_or_create(
            application=application,
            defaults={
                "number": f"{application.number}-A",
                "fund_id": application.call.fund_id,
                "organisation_id": application.organisation_id,
                "project_id": application.project_id,
                "title": application.title,
                "amount_fen": amount_fen,
            },
        )
        if not created:
            return award
        record("award.open", award, actor=actor, after={"number": award.number, "amount_fen": amount_fen})
        notify(
            "award.opened",
            recipients=User.objects.with_role(StaffRole.FUND_MANAGER, StaffRole.FINANCE),
            key=str(award.pk),
            link=reverse("admin:funding_award_change", args=[award.pk]),
            context={
                "award": award.number,
                "title": award.title,
                "holder": both(lambda: str(application.applicant)),
                "amount": format_yuan(amount_fen),
            },
        )
    return award


def start_award(award: Award, *, actor: Actor) -> Award:
    """Note that the agreement is signed: the award runs."""
    return advance(award, "start", actor=actor)


def lapse_award(award: Award, *, actor: Actor, reason: str) -> Award:
    """Let an award lapse whose agreement was not signed."""
    return advance(award, "lapse", actor=actor, reason=reason)
