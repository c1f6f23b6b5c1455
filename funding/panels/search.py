"""Who else reads files: panels those of the applications that they declared on, and their own minutes."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from funding.panels.models import AgendaItem, Meeting
from funding.panels.reading import access_to, answers_for_panel, as_reviewed, reads_minutes
from funding.panels.rules import member_of
from funding.panels.states import MeetingState
from funding.reviews.reading import is_blind
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import readable


@readable("funding.application")
def reads_on_panel(user: Any, document: Document) -> bool | str:
    """A member of a panel reads the files that stand in the answers shown to them, and no others."""
    if not (
        document.kind.startswith("answer:") and user.is_authenticated and document.subject_id.isdecimal()
    ):
        return False
    items = AgendaItem.objects.filter(
        application_id=document.subject_id,
        meeting__in=Meeting.objects.of_member(user)
        .exclude(state__in=[MeetingState.CANCELLED, MeetingState.SIGNED])
        .values("pk"),
    ).select_related(
        "meeting", "run__stage", "application__call", "application__organisation", "application__project"
    )
    found: bool | str = False
    for item in items:
        if not access_to(item, user, member_of(user, item.meeting)).may_read:
            continue
        files = [
            file
            for section in answers_for_panel(item)
            for question in section["questions"]
            for file in question["files"]
        ]
        for number, file in enumerate(files, 1):
            if str(document.public_id) not in str(file["url"]):
                continue
            if not is_blind(as_reviewed(item)):
                return True
            found = f"{item.application.number}-file-{number}{PurePath(document.name).suffix}"
    return found


@readable("funding.meeting")
def reads_of_meeting(user: Any, document: Document) -> bool:
    """Minutes are read by whom ``reading`` says."""
    if not user.is_authenticated or not document.subject_id.isdecimal():
        return False
    meeting = Meeting.objects.visible_to(user).filter(pk=document.subject_id).first()
    return meeting is not None and reads_minutes(meeting, user, member_of(user, meeting))
