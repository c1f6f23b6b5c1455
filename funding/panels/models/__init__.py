"""The tables of panels: meetings, who sits on them, the agenda, who was in the room, votes, what was said."""

from funding.panels.models.agenda import AgendaItem, PanelPledge, Recusal
from funding.panels.models.meetings import Attendance, Meeting, PanelMember
from funding.panels.models.talk import PanelComment, UsefulnessRating
from funding.panels.models.votes import Ballot, Turnout

__all__ = [
    "AgendaItem",
    "Attendance",
    "Ballot",
    "Meeting",
    "PanelComment",
    "PanelMember",
    "PanelPledge",
    "Recusal",
    "Turnout",
    "UsefulnessRating",
]
