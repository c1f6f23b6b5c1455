"""What waits for panels, on their first page."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy, ngettext

from funding.panels.facts import sits_on_panels
from funding.panels.states import MeetingState, PanelRole
from funding.panels.views.meetings import own_meetings
from park_portal.core.frame import Card, Task, home_card
from park_portal.core.tones import tone_of

SHOWN = 5


@home_card(order=21)
def panels_card(user: Any) -> Card | None:
    """The next meetings, with what is on the agenda and still to be declared; minutes to be signed."""
    if not sits_on_panels(user):
        return None
    rows = own_meetings(user).filter(state__in=[MeetingState.PLANNED, MeetingState.OPEN, MeetingState.CLOSED])
    tasks = []
    meeting: Any  # with what own_meetings counts
    for meeting in rows.order_by("starts_at", "pk")[:SHOWN]:
        signs = meeting.state == MeetingState.CLOSED
        mine = meeting.seat_role == PanelRole.CHAIR if signs else True
        tasks.append(
            Task(
                meeting.title,
                reverse("panels:sign", args=[meeting.pk]) if signs and mine else meeting.get_absolute_url(),
                due=None if signs else meeting.starts_at,
                detail=_detail(meeting),
                state=meeting.get_state_display(),
                tone=tone_of(meeting),
                mine=mine,
            )
        )
    return Card(
        title=gettext_lazy("Panel meetings"),
        tasks=tasks,
        empty=gettext_lazy("No panel meeting is planned with you."),
        more_url=reverse("panels:list"),
    )


def _detail(meeting: Any) -> str:
    parts = [
        timezone.localtime(meeting.starts_at).strftime("%Y-%m-%d %H:%M"),
        ngettext("%(count)d item", "%(count)d items", meeting.item_count) % {"count": meeting.item_count},
    ]
    owed = 0 if meeting.seat_role == PanelRole.OBSERVER else meeting.open_count - meeting.said_count
    if owed > 0 and meeting.state in (MeetingState.PLANNED, MeetingState.OPEN):
        parts.append(
            ngettext("%(count)d declaration missing", "%(count)d declarations missing", owed)
            % {"count": owed}
        )
    return " · ".join(parts)
