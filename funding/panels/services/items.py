"""One item of the agenda, from being called to its result. The meeting is locked first, so of two clicks one comes second."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.panels.models import AgendaItem
from funding.panels.services.common import (
    lock_item,
    need_reason,
    note_standing,
    refuse_unless_in_session,
    refuse_unless_reviewable,
    refuse_unless_under_way,
    show,
    step_in,
    step_out,
)
from funding.panels.services.figures import Room, allowed_opinions, room_of, tally_of
from funding.panels.states import ON_THE_TABLE, ItemState, MeetingState
from funding.reviews.services import conclude_panel
from funding.reviews.services.stages import LONGEST_COMMENT
from park_portal.core.accounts.models import User
from park_portal.core.errors import DomainError, IllegalTransition, Problem
from park_portal.core.text import clean
from park_portal.core.workflow import Actor, advance, require


def call_item(item: AgendaItem, *, actor: Actor) -> AgendaItem:
    """Put ``item`` on the table: everyone sees it within seconds, and who has a conflict with it is noted as having left."""
    with transaction.atomic():
        held = lock_item(item)
        require(actor, "funding.run_panel_item", held)
        if held.state == ItemState.CURRENT:
            return held
        refuse_unless_in_session(held.meeting)
        refuse_unless_reviewable(held)
        other = held.meeting.items.filter(state__in=ON_THE_TABLE).exclude(pk=held.pk).first()
        if other is not None:
            raise IllegalTransition(
                _("%(number)s is on the table. Close or postpone it first.")
                % {"number": other.application.number},
                code="other_item",
            )
        note_standing(held.meeting, [held], held.meeting.members.seated())
        require(actor, "funding.run_panel_item", held)  # what was just noted may be about whoever calls it
        held = advance(held, "call", actor=actor, changes={"called_at": timezone.now(), "reason": ""})
        step_out(held, actor=actor)
        show(held.meeting)
    return held


def open_vote(item: AgendaItem, *, actor: Actor) -> AgendaItem:
    """Let the members vote on ``item``. Refused without a quorum in the room."""
    with transaction.atomic():
        held = lock_item(item)
        require(actor, "funding.run_panel_item", held)
        if held.state == ItemState.VOTING:
            return held
        refuse_unless_in_session(held.meeting)
        refuse_unless_reviewable(held)
        note_standing(held.meeting, [held], held.meeting.members.seated())
        room = room_of(held.meeting, held)
        if not room.has_quorum:
            raise no_quorum(room)
        held = advance(held, "open_vote", actor=actor, changes={"round": held.round + 1})
        show(held.meeting)
    return held


def count_votes(item: AgendaItem, *, actor: Actor) -> AgendaItem:
    """Close the vote on ``item``: its ballots are final and the count is shown. Refused without a quorum."""
    with transaction.atomic():
        held = lock_item(item)
        require(actor, "funding.run_panel_item", held)
        if held.state == ItemState.COUNTED:
            return held
        refuse_unless_in_session(held.meeting)
        refuse_unless_reviewable(held)
        note_standing(held.meeting, [held], held.meeting.members.seated())
        room = room_of(held.meeting, held)
        barred = [seat for seat in room.voted if seat.is_recused]
        if barred:
            raise DomainError(
                _(
                    "%(people)s voted and must not have: a conflict of interest is on record. Hold the vote again."
                )
                % {"people": _names(barred)},
                code="conflict_of_interest",
            )
        if not room.vote_has_quorum:
            raise no_quorum(room, voted=True)
        held = advance(held, "count", actor=actor, changes={"counted_at": timezone.now()})
        show(held.meeting)
    return held


def vote_again(item: AgendaItem, *, actor: Actor, reason: str) -> AgendaItem:
    """Go back to the discussion: the ballots so far stay on file and do not count."""
    why = need_reason(reason, _("Say why the vote is held again."))
    with transaction.atomic():
        held = lock_item(item)
        require(actor, "funding.run_panel_item", held)
        if held.state == ItemState.CURRENT:
            return held
        refuse_unless_in_session(held.meeting)
        held = advance(
            held, "vote_again", actor=actor, changes={"counted_at": None, "reason": why}, reason=why
        )
        show(held.meeting)
    return held


def conclude_item(item: AgendaItem, *, actor: User, opinion: str, summary: str) -> AgendaItem:
    """Close ``item`` with the panel's recommendation and the chair's summary; its application moves on.

    The panel's score is the mean of the ballots. A vote by yes and no binds the recommendation.
    """
    text = clean(summary or "").strip()
    if not text:
        raise DomainError(
            _("Write in a few sentences what the panel found: it stands in the minutes."),
            code="required",
            field="summary",
        )
    if len(text) > LONGEST_COMMENT:
        raise DomainError(
            _("At most %(most)d characters; these are %(count)d. Nothing is lost: shorten it and go on.")
            % {"most": LONGEST_COMMENT, "count": len(text)},
            code="too_long",
            field="summary",
        )
    with transaction.atomic():
        held = lock_item(item)
        require(actor, "funding.run_panel_item", held)
        if held.state == ItemState.CLOSED:
            if (held.opinion, held.summary) == (opinion, text):
                return held
            raise IllegalTransition(
                _("This item is closed already, with the recommendation “%(opinion)s”. Nothing was changed.")
                % {"opinion": held.get_opinion_display()},
                code="already_done",
            )
        refuse_unless_in_session(held.meeting)
        refuse_unless_reviewable(held)
        tally = tally_of(held)
        if opinion not in allowed_opinions(held.meeting, tally):
            raise DomainError(
                _("The vote does not allow this recommendation."), code="unknown_opinion", field="opinion"
            )
        held = advance(
            held,
            "conclude",
            actor=actor,
            changes={"opinion": opinion, "score": tally.score, "summary": text, "closed_at": timezone.now()},
        )
        try:
            with transaction.atomic():
                conclude_panel(held.run, actor=actor, opinion=opinion, score=tally.score, comment=text)
        except IntegrityError as error:
            raise DomainError(
                _(
                    "You have already given an opinion on %(number)s in this stage; let somebody else close the item."
                )
                % {"number": held.application.number},
                code="already_done",
            ) from error
        step_in(held, actor=actor)
        show(held.meeting)
    return held


def postpone_item(item: AgendaItem, *, actor: Actor, reason: str) -> AgendaItem:
    """Leave ``item`` for later: today, or another meeting. Ballots of a vote that was under way do not count."""
    why = need_reason(reason, _("Say why it is postponed: it stands in the minutes."))
    return _set_aside(item, "postpone", ItemState.POSTPONED, actor, why)


def drop_item(item: AgendaItem, *, actor: Actor, reason: str) -> AgendaItem:
    """Take ``item`` off the agenda."""
    why = need_reason(reason, _("Say why it comes off the agenda: it stands in the minutes."))
    return _set_aside(item, "drop", ItemState.DROPPED, actor, why)


def _set_aside(item: AgendaItem, name: str, target: str, actor: Actor, reason: str) -> AgendaItem:
    with transaction.atomic():
        held = lock_item(item)
        require(actor, "funding.run_panel_item", held)
        if held.state == target:
            return held
        refuse_unless_under_way(held.meeting)
        was_on_the_table = held.is_on_the_table
        held = advance(held, name, actor=actor, changes={"reason": reason, "counted_at": None}, reason=reason)
        if was_on_the_table and held.meeting.state == MeetingState.OPEN:
            step_in(held, actor=actor)
        show(held.meeting)
    return held


def resume_item(item: AgendaItem, *, actor: Actor) -> AgendaItem:
    """Put an item that was postponed or taken off back on the agenda, at its end."""
    with transaction.atomic():
        held = lock_item(item)
        require(actor, "funding.run_panel_item", held)
        if held.state == ItemState.WAITING:
            return held
        refuse_unless_under_way(held.meeting)
        refuse_unless_reviewable(held)
        last = held.meeting.items.order_by("-position").values_list("position", flat=True).first() or 0
        try:
            with transaction.atomic():
                held = advance(
                    held,
                    "resume",
                    actor=actor,
                    changes={"position": last + 1, "reason": "", "called_at": None},
                )
        except IntegrityError as error:
            raise DomainError(
                _("%(number)s is on the agenda of another meeting now.")
                % {"number": held.application.number},
                code="other_meeting",
            ) from error
        show(held.meeting)
    return held


def no_quorum(room: Room, *, voted: bool = False) -> DomainError:
    """Return the refusal that says how many are in the room, or have voted, and who is missing."""
    there = len(room.voted) if voted and room.has_quorum else len(room.present)
    text = (
        gettext_lazy("No quorum: {count} of the {quorum} votes needed are in.")
        if voted and room.has_quorum
        else gettext_lazy(
            "No quorum: {count} of the {quorum} voting members needed are in the room for this item."
        )
    )
    waited = room.expected if voted and room.has_quorum else room.missing
    problems = (
        [Problem(format_lazy(gettext_lazy("missing: {people}"), people=_names(waited)))] if waited else []
    )
    return DomainError(
        format_lazy(text, count=there, quorum=room.quorum), code="no_quorum", problems=problems
    )


def _names(seats: list) -> str:
    return " · ".join(str(seat.member.user) for seat in seats)
