"""What panels hold about those who sit on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from funding.panels.models import Meeting
from funding.panels.states import MeetingState, PanelRole
from park_portal.core.personal import Basis, Hindrance, Keep, Law, Purpose, hinders, holds

if TYPE_CHECKING:
    from park_portal.core.accounts.models import User

holds(
    "funding.Meeting",
    people=("signed_by",),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="signed_by created_by",
    plain=(
        "id call stage title title_zh_hans title_en place link starts_at minutes_planned quorum vote_kind secret order "
        "ordering state version created_at opened_at closed_at minutes signed_at signed_sha256 signed_copy"
    ),
    since="created_at",
)
holds(
    "funding.PanelMember",
    people=("user",),
    purpose=Purpose.CALLS,
    basis=Basis.CONTRACT,
    keep=Keep.PROJECT,
    linked="user",
    plain="id meeting role invited_at removed_at",
    since="invited_at",
)
holds(
    "funding.Attendance",
    people=("member__user",),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="member noted_by",
    plain="id kind item at",
    since="at",
)
holds(
    "funding.AgendaItem",
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    kept={Law.ARCHIVES: "summary reason"},
    plain="id meeting run application position state round called_at counted_at closed_at opinion score",
)
holds(
    "funding.PanelPledge",
    people=("member__user",),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="member",
    plain="id item at",
    since="at",
)
holds(
    "funding.Recusal",
    people=("member__user",),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="member recorded_by",
    kept={Law.ARCHIVES: "reason"},
    plain="id item source recorded_at",
    since="recorded_at",
)
holds(
    "funding.Turnout",
    people=("member__user",),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="member",
    plain="id item round",
)
holds(
    "funding.Ballot",
    people=("member__user",),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="member",
    kept={Law.ARCHIVES: "comment"},
    plain="id item round score choice",
)
holds(
    "funding.PanelComment",
    people=("member__user",),
    purpose=Purpose.CALLS,
    basis=Basis.CONTRACT,
    keep=Keep.PROJECT,
    linked="member",
    kept={Law.ARCHIVES: "text"},
    plain="id item at",
    since="at",
)
holds(
    "funding.UsefulnessRating",
    people=("member__user",),
    purpose=Purpose.CALLS,
    basis=Basis.CONTRACT,
    keep=Keep.PROJECT,
    linked="member",
    plain="id review item value rated_at",
    since="rated_at",
)


@hinders
def owes_signature(person: User) -> Iterable[Hindrance]:
    """Minutes wait for their chair, and a meeting for the one who is to lead it."""
    meetings = Meeting.objects.filter(
        members__user=person,
        members__role=PanelRole.CHAIR,
        members__removed_at__isnull=True,
        state__in=[MeetingState.PLANNED, MeetingState.OPEN, MeetingState.CLOSED],
    )
    for meeting in meetings[:20]:
        yield Hindrance(
            format_lazy(
                _("Chairs a panel: {meeting}. Sign its minutes, or have another chair named first."),
                meeting=str(meeting),
            ),
            meeting.get_absolute_url(),
        )
