"""Where an application stands in words: state, whose turn, by when; the way through the stages; what happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.applications.models import Application
from funding.applications.states import ENDED, ApplicationState
from funding.calls.states import Acts, StageKind
from park_portal.core.audit.models import Entry
from park_portal.core.errors import Text
from park_portal.core.tones import tone_of
from park_portal.core.views import StateLine

_TURNS: dict[str, Text] = {
    Acts.OFFICER: gettext_lazy("the park office"),
    Acts.LEAD: gettext_lazy("the park office"),
    Acts.FUND_MANAGER: gettext_lazy("the fund manager"),
    Acts.LIAISON: gettext_lazy("the university's liaison"),
    Acts.EXPERT: gettext_lazy("the expert reviewers"),
}


def state_line_of(application: Application, user: Any, *, until: datetime | None = None) -> StateLine:
    """Return the first line of every page about ``application``, as ``user`` reads it.

    ``until`` is when it can last be submitted, where the caller knows already.
    """
    state = ApplicationState(application.state)
    label, tone = state.label, tone_of(application)
    if application.is_editable:
        mine = application.role_of(user) in ("owner", "editor")
        yours = _("you") if mine else _("the applicant")
        until = application.submit_until() if until is None else until
    if state == ApplicationState.DRAFT:
        if until is not None and until <= timezone.now():
            return StateLine(_("draft, not submitted in time"), "bad")
        return StateLine(label, tone, turn=yours, is_you=mine, due=until, next_step=_("fill in and submit"))
    if state == ApplicationState.RETURNED:
        return StateLine(
            label,
            tone,
            turn=yours,
            is_you=mine,
            due=until,
            next_step=_("change the opened questions and submit again"),
        )
    if state == ApplicationState.IN_REVIEW:
        stage = application.current_stage
        if stage is None:
            return StateLine(label, tone, turn=_("the park office"))
        if stage.kind == StageKind.NOTICE:
            if application.notice_until is not None:
                return _under_notice(application)
            # Who is proposed is nobody's to know before it is published.
            line = StateLine(label, tone, turn=_("the park office"), next_step=_("decision being prepared"))
        else:
            line = StateLine(label, tone, turn=str(_TURNS[stage.acts]), next_step=str(stage))
        if application.role_of(user) is None:
            return replace(line, due=application.due_at)
        # Others are at work: the applicant may know when to expect an answer, but is late with nothing.
        return replace(line, expected=expected_by(application))
    if state == ApplicationState.RESERVED:
        if application.notice_until is not None:
            return _under_notice(application)
        return StateLine(label, tone, turn=_("the park office"))
    return StateLine(label, tone)


def _under_notice(application: Application) -> StateLine:
    until = application.notice_until
    assert until is not None
    if until <= timezone.now():
        text = _("period over; objections are being answered")
        return StateLine(_("under public notice"), "wait", turn=_("the park office"), next_step=text)
    return StateLine(
        _("under public notice until %(day)s") % {"day": f"{timezone.localtime(until):%Y-%m-%d}"},
        "wait",
        expected=until,
        next_step=_("decision, once no objection is open"),
    )


def expected_by(application: Application) -> datetime | None:
    """Return when the stage that others work on should be over; None once that has passed."""
    due = application.due_at
    return due if due is not None and due > timezone.now() else None


@dataclass(frozen=True)
class Step:
    """One stage of the call as a step on the way: behind, here, or still to come."""

    name: str
    status: str  # done, here, to_come


class StepsLine:
    """The way of one application through those stages of its call that concern it."""

    @staticmethod
    def of(application: Application) -> list[Step]:
        """Return the steps, beginning with writing and ending with the stages; one query."""
        stages = list(application.call.stages.all())
        submitted = application.submitted_at is not None
        steps = [Step(_("Application"), "done" if submitted else "here")]
        here = application.current_stage.position if application.current_stage else None
        ended = application.state in (*ENDED, ApplicationState.RESERVED)
        for stage in stages:
            if stage.position != here and not application.goes_through(stage):
                continue
            if here is None:
                status = "done" if ended and application.state not in _ENDED_EARLY else "to_come"
            elif stage.position == here:
                status = "done" if ended else "here"
            else:
                status = "done" if stage.position < here else "to_come"
            steps.append(Step(str(stage), status))
        return steps


_ENDED_EARLY = (ApplicationState.WITHDRAWN, ApplicationState.REJECTED)


@dataclass(frozen=True)
class Event:
    """One thing that happened to an application."""

    at: datetime
    action: str
    text: str
    person: str
    detail: str = ""


Wording = Callable[[Entry], str]

# What the applicant may read of the audit trail; everything else is the office's own.
_EVENTS: dict[str, Text] = {
    "application.start": gettext_lazy("Begun"),
    "application.submit": gettext_lazy("Submitted"),
    "application.return": gettext_lazy("Returned for changes"),
    "application.resubmit": gettext_lazy("Submitted again"),
    "application.withdraw": gettext_lazy("Withdrawn"),
    "application.reject": gettext_lazy("Rejected at screening"),
    "application.approve": gettext_lazy("Approved"),
    "application.decline": gettext_lazy("Declined"),
    "application.reserve": gettext_lazy("Put on the reserve list"),
    "application.extend": gettext_lazy("Time extended"),
}
_WITH_REASON = ("application.withdraw", "application.reject", "application.extend")


def timeline_of(application: Application, *, for_applicant: bool) -> list[Event]:
    """Return what happened, latest first; an applicant reads “the park office” for its people. One query."""
    entries = (
        Entry.objects.filter(
            object_type="funding.application", object_id=str(application.pk), action__in=list(_EVENTS)
        )
        .select_related("actor")
        .order_by("-id")[:100]
    )
    return [_event(entry, for_applicant=for_applicant) for entry in entries]


def _event(entry: Entry, *, for_applicant: bool) -> Event:
    person = str(entry.actor) if entry.actor else _("the portal")
    if for_applicant and entry.actor is not None and entry.actor.is_staff:
        person = _("the park office")
    detail = ""
    if entry.action in ("application.submit", "application.resubmit"):
        detail = _("Version %(number)d") % {"number": entry.facts.get("version", 1)}
    elif entry.action in _WITH_REASON:
        detail = str(entry.facts.get("reason", ""))
    if entry.action == "application.extend" and entry.after:
        until = parse_datetime(str(entry.after.get("until")))
        detail = f"→ {timezone.localtime(until):%Y-%m-%d %H:%M}\n{detail}" if until else detail
    return Event(entry.at, entry.action, str(_EVENTS[entry.action]), person, detail)
