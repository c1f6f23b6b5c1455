"""Whose turn it is with an award, as far as this room knows; the rooms above add theirs."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _

from funding.applications.states import ApplicationState
from funding.awards.hooks import Turn, awaits
from funding.awards.models import Agreement, Award
from funding.awards.states import (
    AgreementState,
    AmendmentState,
    AwardState,
    ClawbackState,
    MilestoneState,
    Party,
)


def _admin(thing: object, name: str) -> str:
    return reverse(f"admin:funding_{name}_change", args=[thing.pk])  # type: ignore[attr-defined] # a record


@awaits
def agreement_turns(award: Award) -> Iterator[Turn]:
    """The money held, the agreement drawn up, issued, signed; then the start."""
    if award.state != AwardState.AGREEMENT:
        return
    if award.budget_line_id is None:
        yield Turn(_("fund manager"), _("Choose the budget line that pays it"), url=_admin(award, "award"))
    agreement: Agreement | None = getattr(award, "agreement", None)
    if agreement is None:
        yield Turn(_("park office"), _("Draw the agreement up"), url=_admin(award, "award"))
    elif agreement.state == AgreementState.DRAFT:
        yield Turn(_("fund manager"), _("Issue the agreement"), url=_admin(agreement, "agreement"))
    elif agreement.state == AgreementState.ISSUED:
        done = {one.party for one in agreement.signatures.all() if one.version == agreement.version}
        for party in agreement.parties:
            if party not in done:
                yield Turn(Party(party).label, _("Sign the agreement"), url=_admin(agreement, "agreement"))
    else:
        yield Turn(_("fund manager"), _("Let the award run"), url=_admin(award, "award"))


@awaits
def plan_turns(award: Award) -> Iterator[Turn]:
    """The next milestone, evidence to be checked, amendments to be decided."""
    if award.state not in (AwardState.RUNNING, AwardState.SUSPENDED):
        return
    planned = [m for m in award.milestones.all() if m.state == MilestoneState.PLANNED]
    for milestone in sorted(planned, key=lambda one: one.number)[:1]:
        yield Turn(
            _("grantee"),
            _("Send the evidence of milestone %(milestone)s") % {"milestone": milestone},
            milestone.due_on,
            reverse("awards:milestone", args=[award.pk, milestone.number]),
        )
    for milestone in award.milestones.all():
        if milestone.state == MilestoneState.SUBMITTED:
            yield Turn(
                _("park office"),
                _("Check the evidence of milestone %(milestone)s") % {"milestone": milestone},
                url=_admin(milestone, "milestone"),
            )
    for amendment in award.agreement.amendments.all():
        if amendment.state == AmendmentState.PROPOSED:
            yield Turn(
                _("fund manager"),
                _("Decide on amendment %(number)s") % {"number": amendment.number},
                url=_admin(amendment, "amendment"),
            )
    if award.state == AwardState.SUSPENDED:
        yield Turn(_("fund manager"), _("Resume or terminate the award"), url=_admin(award, "award"))


@awaits
def end_turns(award: Award) -> Iterator[Turn]:
    """Acceptance, claims, closing."""
    if award.state == AwardState.ACCEPTANCE and award.acceptance_call is not None:
        call = award.acceptance_call
        sent = call.applications.filter(organisation=award.organisation_id, project=award.project_id).exclude(
            state__in=[ApplicationState.DRAFT, ApplicationState.WITHDRAWN]
        )
        if sent.exists():
            yield Turn(_("panel"), _("Decide on the acceptance"))
        else:
            yield Turn(
                _("grantee"),
                _("Apply for acceptance"),
                call.closes_at.date(),
                reverse("applications:start", args=[call.code]),
            )
    for claim in award.clawbacks.all():
        if claim.state == ClawbackState.CLAIMED:
            yield Turn(_("grantee"), _("Pay the claimed money back"), claim.due_on)
    if award.state in (AwardState.ACCEPTED, AwardState.TERMINATED):
        yield Turn(_("finance"), _("Close the award"), url=_admin(award, "award"))
