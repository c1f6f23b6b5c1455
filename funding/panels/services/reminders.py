"""The reminder of a meeting, the working day before; run often by the clock, each is written once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from funding.panels.models import Meeting
from funding.panels.services.figures import room_of
from funding.panels.services.telling import tell_panel
from funding.panels.states import STILL_OPEN, MeetingState, PanelRole
from park_portal.core.calendar.services import working_calendar
from park_portal.core.calendar.working_days import SHANGHAI
from park_portal.core.outbox.models import Message


def send_reminders(now: datetime | None = None) -> int:
    """Remind panels that meet on the next working day, each member of the items still to be declared on; return how many.

    A reminder missed while the portal was down is sent late, but not once the meeting should have begun.
    """
    now = now or timezone.now()
    calendar = working_calendar()
    today = now.astimezone(SHANGHAI).date()
    sent = 0
    waiting = Meeting.objects.filter(state=MeetingState.PLANNED, starts_at__gt=now).select_related("call")
    for meeting in waiting:
        if today < calendar.shift(meeting.starts_at.astimezone(SHANGHAI).date(), -1):
            continue
        items = set(meeting.items.filter(state__in=STILL_OPEN).values_list("pk", flat=True))
        day = meeting.starts_at.astimezone(SHANGHAI).date()
        for seat in room_of(meeting).seats:
            key = f"{meeting.pk}:{seat.member.pk}:{day}"
            if Message.objects.filter(key=f"panel.reminder:{key}").exists():
                continue
            done = set(seat.member.pledges.values_list("item_id", flat=True))
            done |= set(seat.member.recusals.values_list("item_id", flat=True))
            owed = 0 if seat.member.role == PanelRole.OBSERVER else len(items - done)
            with transaction.atomic():
                tell_panel(meeting, "panel.reminder", key=key, people=[seat.member.user], owed=str(owed))
            sent += 1
    return sent
