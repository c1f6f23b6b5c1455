"""What awards hold about those whose project is funded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

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
    kept={Law.ACCOUNTING: "title"},
    plain="id number application fund budget_line organisation project amount_fen state awarded_at",
    since="awarded_at",
)


@hinders
def leads_awarded_project(person: User) -> Iterable[Hindrance]:
    """Somebody answers for the money until the award has ended."""
    running = Award.objects.filter(project__pi_user=person).exclude(state=AwardState.LAPSED)
    for award in running.order_by("id")[:20]:
        yield Hindrance(
            format_lazy(
                _("Award not ended: {award}. The project needs another lead first."), award=str(award)
            )
        )
