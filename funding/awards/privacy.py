"""What awards hold about those whose project is funded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from funding.awards.models import Award
from funding.awards.states import AwardState
from park_portal.core.personal import Basis, Hindrance, Keep, Law, Purpose, hinders, holds

if TYPE_CHECKING:
    from park_portal.core.accounts.models import User

holds(
    "funding.Award",
    people=("project__pi_user",),
    purpose=Purpose.AWARDS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    kept={Law.ACCOUNTING: "title state_reason"},
    plain=(
        "id number application fund budget_line organisation project amount_fen state awarded_at "
        "acceptance_call acceptance recognised_fen"
    ),
    since="awarded_at",
)

_OF_AWARD: Any = {"purpose": Purpose.AWARDS, "basis": Basis.LAW, "keep": Keep.PROJECT}
holds("funding.AgreementTemplate", plain="id fund body body_zh_hans body_en")
holds(
    "funding.Agreement",
    **_OF_AWARD,
    people=("award__project__pi_user",),
    kept={Law.ACCOUNTING: "pi_name scope"},
    plain=(
        "id award state version amount_fen starts_on ends_on trl_start trl_target report_months document created_at"
    ),
    since="created_at",
)
holds(
    "funding.Signature",
    **_OF_AWARD,
    people=("noted_by",),
    kept={Law.ACCOUNTING: "name"},
    linked="noted_by",
    plain="id agreement version party signed_on scan noted_at",
    since="noted_at",
)
holds(
    "funding.Amendment",
    **_OF_AWARD,
    people=("proposed_by", "decided_by"),
    kept={Law.ACCOUNTING: "reason answer pi_name scope"},
    linked="proposed_by decided_by",
    plain="id agreement number state amount_fen category tranche ends_on proposed_at decided_at",
    since="proposed_at",
)
holds("funding.BudgetCategory", plain="id award kind planned_fen amount_fen")
holds(
    "funding.BudgetShift",
    **_OF_AWARD,
    people=("actor",),
    kept={Law.ACCOUNTING: "reason"},
    linked="actor",
    plain="id award source target amount_fen at",
    since="at",
)
holds(
    "funding.Milestone",
    **_OF_AWARD,
    people=("submitted_by", "checked_by"),
    kept={Law.ACCOUNTING: "title technical_goal market_goal technical_evidence market_evidence answer"},
    linked="submitted_by checked_by",
    plain=("id award number due_on trl state technical_document market_document submitted_at checked_at"),
    since="submitted_at",
)
holds("funding.Tranche", plain="id award number amount_fen milestone condition")
holds(
    "funding.Clawback",
    **_OF_AWARD,
    people=("claimed_by",),
    kept={Law.ACCOUNTING: "reason"},
    linked="claimed_by",
    plain="id award amount_fen due_on state claimed_at",
    since="claimed_at",
)


@hinders
def leads_awarded_project(person: User) -> Iterable[Hindrance]:
    """Somebody answers for the money until the award has ended."""
    running = Award.objects.filter(project__pi_user=person).exclude(
        state__in=[AwardState.LAPSED, AwardState.CLOSED]
    )
    for award in running.order_by("id")[:20]:
        yield Hindrance(
            format_lazy(
                _("Award not ended: {award}. The project needs another lead first."), award=str(award)
            )
        )
