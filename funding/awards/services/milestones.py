"""Milestones: evidence sent, found good by somebody else, or not."""

from __future__ import annotations

from typing import Any

from django.core.files.base import File
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.awards.models import Milestone
from funding.awards.services.people import tell_grantee, tell_staff
from funding.awards.states import AwardState
from park_portal.core.accounts.states import StaffRole
from park_portal.core.audit.services import Actor
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import readable, store_document
from park_portal.core.errors import DomainError, IllegalTransition, Problem
from park_portal.core.text import clean
from park_portal.core.workflow import advance, require

KINDS = ("technical", "market")


def submit_milestone(
    milestone: Milestone,
    *,
    actor: Actor,
    technical_evidence: str,
    market_evidence: str,
    technical_file: File | None = None,
    market_file: File | None = None,
) -> Milestone:
    """Send the evidence of a milestone: what was shown technically, and what on the market. Both are needed (双验证)."""
    require(actor, "funding.submit_milestone", milestone)
    texts = {"technical": clean(technical_evidence).strip(), "market": clean(market_evidence).strip()}
    if problems := [
        Problem(_("Both technical and market evidence are needed."), field=f"{kind}_evidence")
        for kind in KINDS
        if not texts[kind]
    ]:
        raise DomainError(problems[0].message, code="required", field=problems[0].field, problems=problems)
    with transaction.atomic():
        held = Milestone.objects.select_for_update(of=("self",)).select_related("award").get(pk=milestone.pk)
        if held.award.state not in (AwardState.RUNNING, AwardState.SUSPENDED):
            raise IllegalTransition(_("The award is not running."), state=held.award.state)
        now = timezone.now()
        changes: dict[str, Any] = {f"{kind}_evidence": texts[kind] for kind in KINDS}
        for kind, file in (("technical", technical_file), ("market", market_file)):
            if file is not None:
                changes[f"{kind}_document"] = store_document(
                    file, actor=actor, subject=held, kind=f"{kind}_evidence"
                )
        changes |= {
            "submitted_by_id": actor.pk,
            "submitted_at": now,
            "checked_by": None,
            "checked_at": None,
            "answer": "",
        }
        done = advance(held, "submit", actor=actor, changes=changes)
        tell_staff(
            "award.milestone_sent",
            held.award,
            roles=(StaffRole.OFFICER,),
            key=f"milestone/{held.pk}/{now:%Y%m%d%H%M%S}",
            link=reverse("admin:funding_milestone_change", args=[held.pk]),
            milestone=str(held),
        )
    return done


def meet_milestone(milestone: Milestone, *, actor: Actor) -> Milestone:
    """Find the evidence of a milestone good; whoever sent it does not."""
    with transaction.atomic():
        _refuse_own(milestone, actor)
        changes = {"checked_by_id": actor.pk, "checked_at": timezone.now()}
        done = advance(milestone, "meet", actor=actor, changes=changes)
        tell_grantee(
            "award.milestone_met", done.award, key=f"milestone/{done.pk}/met", milestone=str(done), reason=""
        )
    return done


def return_milestone(milestone: Milestone, *, actor: Actor, reason: str) -> Milestone:
    """Say why the evidence of a milestone does not do; it can be sent again."""
    with transaction.atomic():
        _refuse_own(milestone, actor)
        now = timezone.now()
        done = advance(
            milestone,
            "return",
            actor=actor,
            reason=reason,
            changes={"checked_by_id": actor.pk, "checked_at": now, "answer": reason[:400]},
        )
        tell_grantee(
            "award.milestone_returned",
            done.award,
            key=f"milestone/{done.pk}/returned/{now:%Y%m%d%H%M%S}",
            milestone=str(done),
            reason=reason,
        )
    return done


def _refuse_own(milestone: Milestone, actor: Actor) -> None:
    if actor.pk is not None and milestone.submitted_by_id == actor.pk:
        raise DomainError(_("Who sent the evidence does not check it."), code="own_evidence")


@readable("funding.milestone")
def reads_evidence(user: Any, document: Document) -> bool:
    """Whoever sees the award reads the evidence of its milestones."""
    return Milestone.objects.visible_to(user).filter(pk=document.subject_id).exists()
