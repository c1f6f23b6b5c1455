"""Appointments as calendars of phones and offices understand them (iCalendar, RFC 5545)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from icalendar import Calendar, Event


@dataclass(frozen=True)
class Appointment:
    """One appointment: the same ``uid`` with a higher ``sequence`` moves it, or with ``cancelled`` takes it back."""

    uid: str
    title: str
    starts_at: datetime
    ends_at: datetime
    place: str = ""
    text: str = ""
    url: str = ""
    sequence: int = 0
    cancelled: bool = False
    # When it was last written: the same appointment gives the same bytes.
    stamp: datetime = datetime(2020, 1, 1, tzinfo=UTC)

    @property
    def method(self) -> str:
        return "CANCEL" if self.cancelled else "PUBLISH"


def ics(appointment: Appointment) -> bytes:
    """Return ``appointment`` as an .ics file."""
    event = Event()
    event.add("uid", appointment.uid)
    event.add("dtstamp", appointment.stamp.astimezone(UTC))
    event.add("dtstart", appointment.starts_at.astimezone(UTC))
    event.add("dtend", appointment.ends_at.astimezone(UTC))
    event.add("summary", appointment.title)
    event.add("sequence", appointment.sequence)
    event.add("status", "CANCELLED" if appointment.cancelled else "CONFIRMED")
    for name, value in (
        ("location", appointment.place),
        ("description", appointment.text),
        ("url", appointment.url),
    ):
        if value:
            event.add(name, value)
    calendar = Calendar()
    calendar.add("prodid", "-//Qingpu Park Portal//EN")
    calendar.add("version", "2.0")
    calendar.add("method", appointment.method)
    calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written
