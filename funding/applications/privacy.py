"""What applications hold about those who wrote them and are named in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from funding.applications.models import Application
from funding.applications.states import ApplicationState
from park_portal.core.personal import Basis, Hindrance, Keep, Law, Purpose, hinders, holds

if TYPE_CHECKING:
    from park_portal.core.accounts.models import User

holds(
    "funding.Application",
    people=("created_by",),
    purpose=Purpose.CALLS,
    basis=Basis.CONTRACT,
    keep=Keep.PROJECT,
    linked="created_by",
    kept={Law.ARCHIVES: "title"},
    plain="id call kind organisation project amount_fen number state current_stage due_at notice_until submitted_at decided_at "
    "created_at updated_at",
    since="created_at",
)
holds(
    "funding.Answer",
    people=("updated_by",),
    purpose=Purpose.CALLS,
    basis=Basis.CONTRACT,
    keep=Keep.PROJECT,
    linked="updated_by",
    kept={Law.ARCHIVES: "value"},
    plain="id application question revision updated_at",
    since="updated_at",
)
holds("funding.AnswerFile", plain="id application question document removed_at")
holds(
    "funding.Version",
    people=("submitted_by",),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="submitted_by",
    kept={Law.ARCHIVES: "form answers"},
    plain="id application number digest submitted_at",
    since="submitted_at",
)
holds(
    "funding.Return",
    people=("returned_by",),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="returned_by",
    kept={Law.ARCHIVES: "message"},
    plain="id application version stage due_at returned_at answered_at",
    since="returned_at",
)
holds(
    "funding.ReturnItem",
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    kept={Law.ARCHIVES: "comment"},
    plain="id returned question",
)
holds(
    "funding.Extension",
    people=("granted_by",),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="granted_by",
    kept={Law.ARCHIVES: "reason"},
    plain="id application until granted_at",
    since="granted_at",
)

_OPEN = (
    ApplicationState.DRAFT,
    ApplicationState.IN_REVIEW,
    ApplicationState.RETURNED,
    ApplicationState.RESERVED,
)


@hinders
def has_open_applications(person: User) -> Iterable[Hindrance]:
    """Who answers for an application that is not decided withdraws it or hands it over first."""
    own = Q(created_by=person) | Q(project__pi_user=person)
    for application in Application.objects.filter(own, state__in=_OPEN).distinct().order_by("id")[:20]:
        yield Hindrance(
            format_lazy(
                _("Application not decided yet: {application}. Withdraw it first, or wait for the decision."),
                application=str(application),
            ),
            application.get_absolute_url(),
        )
