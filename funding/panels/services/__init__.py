"""Panels: every write, by what it is about. Planning comes before the meeting, sitting and items during it, minutes after."""

from funding.panels.services.figures import Room, Tally, allowed_opinions, room_of, tally_of
from funding.panels.services.items import (
    call_item,
    conclude_item,
    count_votes,
    drop_item,
    open_vote,
    postpone_item,
    resume_item,
    vote_again,
)
from funding.panels.services.minutes import sign_minutes
from funding.panels.services.planning import (
    cancel_meeting,
    change_meeting,
    order_agenda,
    order_mark,
    place_items,
    plan_meeting,
    put_on_agenda,
    remove_member,
    seat_members,
    waiting_runs,
)
from funding.panels.services.reminders import send_reminders
from funding.panels.services.sitting import close_meeting, note_attendance, open_meeting, reopen_meeting
from funding.panels.services.voices import (
    cast_ballot,
    comment_on,
    declare_conflict,
    pledge_on,
    rate_review,
)

__all__ = [
    "Room",
    "Tally",
    "allowed_opinions",
    "call_item",
    "cancel_meeting",
    "cast_ballot",
    "change_meeting",
    "close_meeting",
    "comment_on",
    "conclude_item",
    "count_votes",
    "declare_conflict",
    "drop_item",
    "note_attendance",
    "open_meeting",
    "open_vote",
    "order_agenda",
    "order_mark",
    "place_items",
    "plan_meeting",
    "pledge_on",
    "postpone_item",
    "put_on_agenda",
    "rate_review",
    "remove_member",
    "reopen_meeting",
    "resume_item",
    "room_of",
    "seat_members",
    "send_reminders",
    "sign_minutes",
    "tally_of",
    "vote_again",
    "waiting_runs",
]
