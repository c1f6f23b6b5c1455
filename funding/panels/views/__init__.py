"""The portal's pages of panels: one's meetings, the live page, an item, what is said and voted."""

from funding.panels.views import home
from funding.panels.views.acts import ItemAct, MeetingAct
from funding.panels.views.items import ConflictPage, DeclarePage, ItemPage
from funding.panels.views.meetings import (
    AgendaPage,
    CalendarFile,
    LiveFragment,
    MeetingList,
    MeetingPage,
    SignPage,
)

__all__ = [
    "AgendaPage",
    "CalendarFile",
    "ConflictPage",
    "DeclarePage",
    "ItemAct",
    "ItemPage",
    "LiveFragment",
    "MeetingAct",
    "MeetingList",
    "MeetingPage",
    "SignPage",
    "home",
]
