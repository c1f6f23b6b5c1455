from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.workflow import Machine, Transition


class AwardState(models.TextChoices):
    AGREEMENT = "agreement", pgettext_lazy("award", "agreement to be signed")
    RUNNING = "running", pgettext_lazy("award", "running")
    SUSPENDED = "suspended", pgettext_lazy("award", "suspended")
    ACCEPTANCE = "acceptance", pgettext_lazy("award", "under acceptance")
    ACCEPTED = "accepted", pgettext_lazy("award", "accepted")
    TERMINATED = "terminated", pgettext_lazy("award", "terminated")
    CLOSED = "closed", pgettext_lazy("award", "closed")
    LAPSED = "lapsed", pgettext_lazy("award", "lapsed")


_A = AwardState

AWARD_MACHINE = Machine(
    name="award",
    label=_("award"),
    states=AwardState,
    initial=AwardState.AGREEMENT,
    tones={
        _A.AGREEMENT: "wait",
        _A.SUSPENDED: "bad",
        _A.ACCEPTANCE: "wait",
        _A.ACCEPTED: "good",
        _A.TERMINATED: "bad",
    },
    transitions=(
        Transition("start", (_A.AGREEMENT,), _A.RUNNING, _("Let it run"), "funding.start_award"),
        Transition("lapse", (_A.AGREEMENT,), _A.LAPSED, _("Lapse"), "funding.start_award"),
        Transition("suspend", (_A.RUNNING,), _A.SUSPENDED, _("Suspend"), "funding.suspend_award"),
        Transition("resume", (_A.SUSPENDED,), _A.RUNNING, _("Resume"), "funding.suspend_award"),
        Transition(
            "call_to_acceptance",
            (_A.RUNNING,),
            _A.ACCEPTANCE,
            _("Call to acceptance"),
            "funding.call_to_acceptance",
        ),
        Transition("accept", (_A.ACCEPTANCE,), _A.ACCEPTED, _("Accept"), "funding.release_decisions"),
        Transition(
            "continue",
            (_A.ACCEPTANCE,),
            _A.RUNNING,
            _("Not accepted: back to work"),
            "funding.call_to_acceptance",
        ),
        Transition(
            "terminate",
            (_A.RUNNING, _A.SUSPENDED, _A.ACCEPTANCE),
            _A.TERMINATED,
            _("Terminate"),
            "funding.terminate_award",
        ),
        Transition("close", (_A.ACCEPTED, _A.TERMINATED), _A.CLOSED, _("Close"), "funding.close_award"),
    ),
)


class AgreementState(models.TextChoices):
    DRAFT = "draft", pgettext_lazy("agreement", "being drawn up")
    ISSUED = "issued", pgettext_lazy("agreement", "to be signed")
    SIGNED = "signed", pgettext_lazy("agreement", "signed")


AGREEMENT_MACHINE = Machine(
    name="agreement",
    label=_("agreement"),
    states=AgreementState,
    initial=AgreementState.DRAFT,
    transitions=(
        Transition(
            "issue", (AgreementState.DRAFT,), AgreementState.ISSUED, _("Issue"), "funding.issue_agreement"
        ),
        Transition(
            "reopen",
            (AgreementState.ISSUED,),
            AgreementState.DRAFT,
            _("Take back and change"),
            "funding.issue_agreement",
        ),
        Transition(
            "sign",
            (AgreementState.ISSUED,),
            AgreementState.SIGNED,
            _("Signed by all"),
            "funding.note_signature",
        ),
    ),
)


class Party(models.TextChoices):
    PARK = "park", pgettext_lazy("agreement", "park")
    GRANTEE = "grantee", pgettext_lazy("agreement", "grantee")
    UNIVERSITY = "university", pgettext_lazy("agreement", "university")


class CategoryKind(models.TextChoices):
    """Budget categories (预算科目) of research money."""

    EQUIPMENT = "equipment", _("equipment")
    MATERIALS = "materials", _("materials")
    TESTING = "testing", _("testing and processing")
    ENERGY = "energy", _("fuel and power")
    TRAVEL = "travel", _("travel, meetings and exchange")
    PUBLICATION = "publication", _("publication, literature and IP")
    LABOUR = "labour", _("labour")
    EXPERTS = "experts", _("expert advice")
    OTHER = "other", _("other direct costs")
    INDIRECT = "indirect", _("indirect costs")


class MilestoneState(models.TextChoices):
    PLANNED = "planned", pgettext_lazy("milestone", "planned")
    SUBMITTED = "submitted", pgettext_lazy("milestone", "evidence to be checked")
    MET = "met", pgettext_lazy("milestone", "met")


MILESTONE_MACHINE = Machine(
    name="milestone",
    label=_("milestone"),
    states=MilestoneState,
    initial=MilestoneState.PLANNED,
    tones={MilestoneState.SUBMITTED: "wait", MilestoneState.MET: "good"},
    transitions=(
        Transition(
            "submit",
            (MilestoneState.PLANNED,),
            MilestoneState.SUBMITTED,
            _("Send evidence"),
            "funding.submit_milestone",
        ),
        Transition(
            "return",
            (MilestoneState.SUBMITTED,),
            MilestoneState.PLANNED,
            _("Evidence does not do"),
            "funding.check_milestone",
        ),
        Transition(
            "meet",
            (MilestoneState.SUBMITTED,),
            MilestoneState.MET,
            _("Milestone met"),
            "funding.check_milestone",
        ),
    ),
)


class AmendmentState(models.TextChoices):
    PROPOSED = "proposed", pgettext_lazy("amendment", "to be decided")
    APPROVED = "approved", pgettext_lazy("amendment", "approved")
    REFUSED = "refused", pgettext_lazy("amendment", "refused")
    WITHDRAWN = "withdrawn", pgettext_lazy("amendment", "withdrawn")


AMENDMENT_MACHINE = Machine(
    name="amendment",
    label=_("amendment"),
    states=AmendmentState,
    initial=AmendmentState.PROPOSED,
    tones={AmendmentState.PROPOSED: "wait", AmendmentState.APPROVED: "good", AmendmentState.REFUSED: "bad"},
    transitions=(
        Transition(
            "approve",
            (AmendmentState.PROPOSED,),
            AmendmentState.APPROVED,
            _("Approve"),
            "funding.decide_amendment",
        ),
        Transition(
            "refuse",
            (AmendmentState.PROPOSED,),
            AmendmentState.REFUSED,
            _("Refuse"),
            "funding.decide_amendment",
        ),
        Transition(
            "withdraw",
            (AmendmentState.PROPOSED,),
            AmendmentState.WITHDRAWN,
            _("Withdraw"),
            "funding.propose_amendment",
        ),
    ),
)


class ClawbackState(models.TextChoices):
    CLAIMED = "claimed", pgettext_lazy("clawback", "to be paid back")
    RECOVERED = "recovered", pgettext_lazy("clawback", "paid back")


CLAWBACK_MACHINE = Machine(
    name="clawback",
    label=_("clawback"),
    states=ClawbackState,
    initial=ClawbackState.CLAIMED,
    tones={ClawbackState.CLAIMED: "wait", ClawbackState.RECOVERED: "good"},
    transitions=(
        Transition(
            "recover",
            (ClawbackState.CLAIMED,),
            ClawbackState.RECOVERED,
            _("All paid back"),
            "funding.claim_back",
        ),
    ),
)
