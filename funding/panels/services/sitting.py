"""The sitting itself: opened, who is in the room, closed with its minutes."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.panels.models import Meeting, PanelMember
from funding.panels.services.common import (
    is_present,
    is_reviewable,
    lock_meeting,
    note_standing,
    refuse_unless_in_session,
    show,
    step,
)
from funding.panels.services.minutes import write_minutes
from funding.panels.services.telling import tell_panel
from funding.panels.states import (
    ON_THE_TABLE,
    STILL_OPEN,
    AutomaticReason,
    ItemState,
    MeetingState,
    Movement,
    PanelRole,
)
from park_portal.core.audit.services import record
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.workflow import SYSTEM, Actor, advance, may, require


def open_meeting(meeting: Meeting, *, actor: Actor) -> Meeting:
    """Open the meeting; conflicts are looked up once more, and whoever opens it is in the room."""
    with transaction.atomic():
        held = lock_meeting(meeting.pk)
        require(actor, "funding.run_panel", held)
        if held.state == MeetingState.OPEN:
            return held
        if not held.members.seated().filter(role=PanelRole.CHAIR).exists():
            raise DomainError(_("The panel has no chair."), code="no_chair")
        if not held.items.filter(state=ItemState.WAITING).exists() and held.state == MeetingState.PLANNED:
            raise DomainError(_("There is nothing on the agenda."), code="no_items")
        note_standing(held, held.items.filter(state__in=STILL_OPEN), held.members.seated())
        held = advance(held, "open", actor=actor, changes={"opened_at": timezone.now()})
        own = None if actor.pk is None else held.members.seated().filter(user_id=actor.pk).first()
        if own is not None:
            _note(held, own, Movement.CAME, actor=actor)
        show(held)
    return held


def note_attendance(member: PanelMember, *, actor: Actor, present: bool) -> PanelMember:
    """Note that ``member`` has come or left; members for themselves, whoever runs the meeting for all."""
    with transaction.atomic():
        held = lock_meeting(member.meeting_id)
        seat = held.members.seated().select_related("user").filter(pk=member.pk).first()
        if seat is None:
            raise DomainError(_("This person is no longer on the panel."), code="not_on_panel")
        if seat.user_id != actor.pk and not may(actor, "funding.run_panel", held):
            raise Forbidden(rule="funding.run_panel")
        refuse_unless_in_session(held)
        if is_present(seat) != present:
            _note(held, seat, Movement.CAME if present else Movement.LEFT, actor=actor)
            show(held)
    return seat


def _note(meeting: Meeting, member: PanelMember, kind: str, *, actor: Actor) -> None:
    member.movements.create(kind=kind, noted_by_id=actor.pk)
    record("meeting.attendance", meeting, actor=actor, after={"person": member.user_id, "kind": kind})
    if kind != Movement.CAME:
        return
    for item in meeting.items.filter(state__in=ON_THE_TABLE, recusals__member=member):
        step(item, [member], Movement.STEPPED_OUT, actor=actor)


def close_meeting(meeting: Meeting, *, actor: Actor) -> Meeting:
    """Close the meeting: what was not reached is postponed, everyone leaves, the minutes are written and go to the chair."""
    with transaction.atomic():
        held = lock_meeting(meeting.pk)
        require(actor, "funding.run_panel", held)
        if held.state == MeetingState.CLOSED:
            return held
        refuse_unless_in_session(held)
        table = held.items.filter(state__in=ON_THE_TABLE).select_related("application").first()
        if table is not None:
            raise DomainError(
                _("%(number)s is on the table. Close or postpone it first.")
                % {"number": table.application.number},
                code="other_item",
            )
        for item in held.items.filter(state=ItemState.WAITING).select_related("run", "application"):
            name, why = (
                ("postpone", AutomaticReason.NOT_REACHED)
                if is_reviewable(item)
                else ("drop", AutomaticReason.OVER)
            )
            advance(item, name, actor=SYSTEM, changes={"reason": why.value}, reason=why.value)
        for member in list(held.members.seated().present()):
            _note(held, member, Movement.LEFT, actor=SYSTEM)
        held = advance(held, "close", actor=actor, changes={"closed_at": timezone.now()})
        write_minutes(held, actor=actor)
        chair = held.members.seated().select_related("user").get(role=PanelRole.CHAIR)
        assert held.closed_at is not None
        tell_panel(
            held,
            "panel.to_sign",
            key=f"{held.pk}:{held.closed_at.isoformat()}",
            people=[chair.user],
            signs=True,
        )
        show(held)
    return held


def reopen_meeting(meeting: Meeting, *, actor: Actor) -> Meeting:
    """Open a meeting again whose minutes nobody has signed; they are written anew when it is closed."""
    with transaction.atomic():
        held = lock_meeting(meeting.pk)
        require(actor, "funding.run_panel", held)
        if held.state == MeetingState.OPEN:
            return held
        held = advance(held, "reopen", actor=actor, changes={"closed_at": None})
        own = None if actor.pk is None else held.members.seated().filter(user_id=actor.pk).first()
        if own is not None:
            _note(held, own, Movement.CAME, actor=actor)
        show(held)
    return held
