"""What a panel is told, and the meeting as a calendar understands it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from funding.calls.services import notify_of_call
from funding.panels.models import Meeting
from funding.panels.states import STILL_OPEN, MeetingState
from funding.reviews.services.telling import in_languages
from park_portal.core.accounts.models import User
from park_portal.core.calendar.ics import Appointment, ics
from park_portal.core.outbox.registry import KINDS
from park_portal.core.outbox.services import absolute


def moment(meeting: Meeting) -> str:
    """Return when the meeting begins, in Shanghai, as notices write it."""
    return timezone.localtime(meeting.starts_at).strftime("%Y-%m-%d %H:%M")


def tell_panel(
    meeting: Meeting,
    kind: str,
    *,
    key: str,
    people: Iterable[User] | None = None,
    signs: bool = False,
    **context: Any,
) -> None:
    """Write a notice of ``kind`` to ``people``, or to everyone on the panel."""
    if people is None:
        people = User.objects.filter(panel_seats__meeting=meeting, panel_seats__removed_at__isnull=True)
    chosen = [person for person in people if person.is_active]
    if not chosen:
        return
    place = " · ".join(part for part in (meeting.place, meeting.link) if part) or "—"
    notify_of_call(
        meeting.call,
        kind,
        recipients=chosen,
        key=key,
        link=reverse("panels:sign", args=[meeting.pk]) if signs else meeting.get_absolute_url(),
        context={
            "meeting": in_languages(meeting, "title"),
            "when": moment(meeting),
            "place": place,
            "items": str(meeting.items.filter(state__in=STILL_OPEN).count()),
            **context,
        },
        calendar=ics(appointment_of(meeting)) if KINDS[kind].calendar else b"",
    )


def appointment_of(meeting: Meeting) -> Appointment:
    """Return the meeting for a calendar, in the language in force."""
    return Appointment(
        uid=f"panel-{meeting.pk}@{settings.MAIL_DOMAIN}",
        title=meeting.title,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        place=" · ".join(part for part in (meeting.place, meeting.link) if part),
        text=absolute(meeting.get_absolute_url()),
        url=absolute(meeting.get_absolute_url()),
        sequence=meeting.version,
        cancelled=meeting.state == MeetingState.CANCELLED,
        stamp=meeting.created_at,
    )
