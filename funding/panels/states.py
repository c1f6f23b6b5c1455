from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.workflow import Machine, Transition


class MeetingState(models.TextChoices):
    PLANNED = "planned", pgettext_lazy("meeting", "planned")
    OPEN = "open", pgettext_lazy("meeting", "in session")
    CLOSED = "closed", pgettext_lazy("meeting", "minutes to be signed")
    SIGNED = "signed", pgettext_lazy("meeting", "minutes signed")
    CANCELLED = "cancelled", pgettext_lazy("meeting", "cancelled")


MEETING_MACHINE = Machine(
    name="meeting",
    label=_("panel meeting"),
    states=MeetingState,
    initial=MeetingState.PLANNED,
    tones={
        MeetingState.PLANNED: "info",
        MeetingState.OPEN: "wait",
        MeetingState.CLOSED: "wait",
        MeetingState.SIGNED: "good",
    },
    transitions=(
        Transition(
            "open",
            (MeetingState.PLANNED,),
            MeetingState.OPEN,
            pgettext_lazy("meeting", "Open the meeting"),
            "funding.run_panel",
        ),
        Transition(
            "close",
            (MeetingState.OPEN,),
            MeetingState.CLOSED,
            pgettext_lazy("meeting", "Close the meeting"),
            "funding.run_panel",
        ),
        Transition(
            "reopen",
            (MeetingState.CLOSED,),
            MeetingState.OPEN,
            pgettext_lazy("meeting", "Open it again"),
            "funding.run_panel",
        ),
        Transition(
            "sign",
            (MeetingState.CLOSED,),
            MeetingState.SIGNED,
            _("Sign the minutes"),
            "funding.sign_minutes",
        ),
        Transition(
            "cancel",
            (MeetingState.PLANNED,),
            MeetingState.CANCELLED,
            pgettext_lazy("meeting", "Cancel the meeting"),
            "funding.plan_panels",
        ),
    ),
)

# What can still change about who sits on a panel and what is on its agenda.
UNDER_WAY = (MeetingState.PLANNED, MeetingState.OPEN)


class ItemState(models.TextChoices):
    WAITING = "waiting", pgettext_lazy("agenda item", "waiting")
    CURRENT = "current", pgettext_lazy("agenda item", "under discussion")
    VOTING = "voting", pgettext_lazy("agenda item", "being voted on")
    COUNTED = "counted", pgettext_lazy("agenda item", "votes counted")
    CLOSED = "closed", pgettext_lazy("agenda item", "closed")
    POSTPONED = "postponed", pgettext_lazy("agenda item", "postponed")
    DROPPED = "dropped", pgettext_lazy("agenda item", "off the agenda")


# Between ballots and result there is a state of its own: the recommendation is worded when the count is known, and
# nobody knows the count while ballots are still cast.
ITEM_MACHINE = Machine(
    name="agenda_item",
    label=_("item of a panel's agenda"),
    states=ItemState,
    initial=ItemState.WAITING,
    tones={
        ItemState.WAITING: "neutral",
        ItemState.CURRENT: "info",
        ItemState.VOTING: "wait",
        ItemState.COUNTED: "wait",
        ItemState.CLOSED: "good",
        ItemState.POSTPONED: "neutral",
        ItemState.DROPPED: "neutral",
    },
    transitions=(
        Transition(
            "call", (ItemState.WAITING,), ItemState.CURRENT, _("Call this item"), "funding.run_panel_item"
        ),
        Transition(
            "open_vote", (ItemState.CURRENT,), ItemState.VOTING, _("Open the vote"), "funding.run_panel_item"
        ),
        Transition(
            "count", (ItemState.VOTING,), ItemState.COUNTED, _("Close the vote"), "funding.run_panel_item"
        ),
        Transition(
            "vote_again",
            (ItemState.VOTING, ItemState.COUNTED),
            ItemState.CURRENT,
            _("Hold the vote again"),
            "funding.run_panel_item",
        ),
        Transition(
            "conclude",
            (ItemState.COUNTED,),
            ItemState.CLOSED,
            pgettext_lazy("agenda item", "Close the item"),
            "funding.run_panel_item",
        ),
        Transition(
            "postpone",
            (ItemState.WAITING, ItemState.CURRENT, ItemState.VOTING),
            ItemState.POSTPONED,
            pgettext_lazy("agenda item", "Postpone"),
            "funding.run_panel_item",
        ),
        Transition(
            "drop",
            (ItemState.WAITING, ItemState.CURRENT, ItemState.VOTING, ItemState.COUNTED, ItemState.POSTPONED),
            ItemState.DROPPED,
            _("Take off the agenda"),
            "funding.run_panel_item",
        ),
        Transition(
            "resume",
            (ItemState.POSTPONED, ItemState.DROPPED),
            ItemState.WAITING,
            _("Take up again"),
            "funding.run_panel_item",
        ),
    ),
)

ON_THE_TABLE = (ItemState.CURRENT, ItemState.VOTING, ItemState.COUNTED)
STILL_OPEN = (ItemState.WAITING, *ON_THE_TABLE)
VOTED = (ItemState.COUNTED, ItemState.CLOSED)


class PanelRole(models.TextChoices):
    CHAIR = "chair", pgettext_lazy("panel", "chair")
    MEMBER = "member", pgettext_lazy("panel", "member")
    SECRETARY = "secretary", pgettext_lazy("panel", "secretary")
    OBSERVER = "observer", pgettext_lazy("panel", "observer")


VOTERS = (PanelRole.CHAIR, PanelRole.MEMBER)
RUNNERS = (PanelRole.CHAIR, PanelRole.SECRETARY)


class VoteKind(models.TextChoices):
    SCORES = "scores", _("scores from 0 to 100")
    YES_NO = "yes_no", _("yes, no or abstain")


class Choice(models.TextChoices):
    YES = "yes", pgettext_lazy("vote", "yes")
    NO = "no", pgettext_lazy("vote", "no")
    ABSTAIN = "abstain", pgettext_lazy("vote", "abstain")


class AgendaOrder(models.TextChoices):
    STAFF = "staff", _("as typed by staff")
    SPREAD = "spread", _("most divided reviews first")
    LINE = "line", _("closest to the funding line first")


class Movement(models.TextChoices):
    """What is noted of who is in the room: of the meeting, and of one item that somebody leaves it for."""

    CAME = "came", pgettext_lazy("attendance", "came")
    LEFT = "left", pgettext_lazy("attendance", "left")
    STEPPED_OUT = "stepped_out", _("left the room for an item")
    STEPPED_IN = "stepped_in", _("came back after the item")


class AutomaticReason(models.TextChoices):
    """Why the portal itself put an item aside: the code is kept, everyone reads it in their own language."""

    NOT_REACHED = "auto.not_reached", _("not reached")
    OVER = "auto.over", _("no longer waits for the panel")


class RecusalSource(models.TextChoices):
    STANDING = "standing", _("conflict on record")
    DECLARED = "declared", _("declared by the member")
