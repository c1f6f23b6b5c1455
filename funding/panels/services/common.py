"""What every write of this room begins and ends with: the meeting locked, then the item; what pages show counted up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db import models
from django.utils.translation import gettext as _

from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.panels.models import AgendaItem, Attendance, Meeting, PanelMember, Recusal
from funding.panels.states import ON_THE_TABLE, MeetingState, Movement, RecusalSource
from funding.reviews.services import conflicts_of
from funding.reviews.states import RunState
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import record
from park_portal.core.errors import DomainError, IllegalTransition
from park_portal.core.text import both, clean
from park_portal.core.workflow import SYSTEM, Actor

LONGEST_REASON: Final = 400


def lock_meeting(pk: int) -> Meeting:
    """Return the meeting, locked: whatever is done with it or with one of its items waits here."""
    return Meeting.objects.select_for_update(of=("self",)).select_related("call", "stage").get(pk=pk)


def lock_item(item: AgendaItem) -> AgendaItem:
    """Return the item as it is stored, with its meeting locked before it."""
    meeting = lock_meeting(item.meeting_id)
    held: AgendaItem = (
        AgendaItem.objects.select_for_update(of=("self",))
        .select_related("run__stage", "application__call")
        .get(pk=item.pk)
    )
    held.meeting = meeting
    return held


def show(meeting: Meeting) -> None:
    """Have the live pages look again: something that they show has changed."""
    Meeting.objects.filter(pk=meeting.pk).update(version=models.F("version") + 1)


def refuse_unless_in_session(meeting: Meeting) -> None:
    if meeting.state != MeetingState.OPEN:
        raise IllegalTransition(_("The meeting is not in session."), code="not_in_session")


def refuse_unless_under_way(meeting: Meeting) -> None:
    if not meeting.is_under_way:
        raise IllegalTransition(
            _("This meeting is over; nothing about it can be changed any more."), code="meeting_over"
        )


def is_reviewable(item: AgendaItem) -> bool:
    """Return whether the application still waits for this panel."""
    return item.run.state == RunState.ACTIVE and item.application.state == ApplicationState.IN_REVIEW


def refuse_unless_reviewable(item: AgendaItem) -> None:
    if is_reviewable(item):
        return
    raise IllegalTransition(
        _("%(number)s no longer waits for the panel: %(state)s. Take it off the agenda.")
        % {
            "number": item.application.number,
            "state": item.application.get_state_display()
            if item.application.state != ApplicationState.IN_REVIEW
            else item.run.get_state_display(),
        },
        code="not_in_panel",
    )


def note_standing(
    meeting: Meeting, applications: Iterable[AgendaItem], members: Iterable[PanelMember]
) -> list[Recusal]:
    """Write down who of ``members`` must leave for which of the items by what the portal knows today; return what is new.

    Whoever is in the room while such an item is on the table is noted as having left it.
    """
    items = {item.application_id: item for item in applications}
    seats = {member.user_id: member for member in members}
    found = conflicts_of(
        list(
            Application.objects.filter(pk__in=items).select_related(
                "project", "organisation", "project__university"
            )
        ),
        list(User.objects.filter(pk__in=seats)),
    )
    known = set(Recusal.objects.filter(item__in=items.values()).values_list("item_id", "member_id"))
    new = []
    for (application, person), reasons in sorted(found.items()):
        item, member = items[application], seats[person]
        if (item.pk, member.pk) in known:
            continue
        reason = " / ".join(both(reasons[0].__str__).values())[:LONGEST_REASON]
        new.append(recuse(item, member, source=RecusalSource.STANDING, reason=reason, actor=SYSTEM))
    return new


def recuse(item: AgendaItem, member: PanelMember, *, source: str, reason: str, actor: Actor) -> Recusal:
    """Write down that ``member`` leaves the room for ``item``, and that they have left it where it is on the table."""
    recusal = Recusal.objects.create(
        item=item, member=member, source=source, reason=reason, recorded_by_id=actor.pk
    )
    record(
        "agenda_item.recuse",
        item,
        actor=actor,
        after={"person": member.user_id, "source": source, "reason": reason},
    )
    if item.state in ON_THE_TABLE and is_present(member):
        step(item, [member], Movement.STEPPED_OUT, actor=actor)
    return recusal


def is_present(member: PanelMember) -> bool:
    last = member.movements.filter(kind__in=[Movement.CAME, Movement.LEFT]).order_by("-id").first()
    return last is not None and last.kind == Movement.CAME


def step(item: AgendaItem, members: Iterable[PanelMember], kind: str, *, actor: Actor) -> None:
    """Note that ``members`` left the room for ``item``, or came back after it."""
    for member in members:
        Attendance.objects.create(member=member, kind=kind, item=item, noted_by_id=actor.pk)


def step_out(item: AgendaItem, *, actor: Actor) -> None:
    """Note that those in the room who may not stay for ``item`` leave it."""
    gone = item.meeting.members.seated().present().filter(recusals__item=item)
    step(item, gone, Movement.STEPPED_OUT, actor=actor)


def step_in(item: AgendaItem, *, actor: Actor) -> None:
    """Note that those who left the room for ``item``, and not the meeting, are back."""
    last = item.movements.filter(member=models.OuterRef("pk")).order_by("-id").values("kind")[:1]
    back = (
        item.meeting.members.seated()
        .present()
        .annotate(last=models.Subquery(last))
        .filter(last=Movement.STEPPED_OUT)
    )
    step(item, list(back), Movement.STEPPED_IN, actor=actor)


def seat_of(meeting: Meeting, user: Any) -> PanelMember | None:
    """Return the place of ``user`` on the panel, if they have one."""
    return meeting.members.seated().filter(user_id=user.pk).first()


def tidy(text: str, longest: int = LONGEST_REASON) -> str:
    return clean(text or "").strip()[:longest]


def need_reason(text: str, message: str) -> str:
    """Return ``text`` tidied; raises ``DomainError`` with ``message`` where there is none."""
    found = tidy(text)
    if not found:
        raise DomainError(message, code="required", field="reason")
    return found
