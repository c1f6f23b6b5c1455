"""Reminders and what happens when a deadline passes; run often by the clock, each notice is written once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import partial
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from funding.applications.states import ApplicationState
from funding.calls.states import Acts
from funding.reviews.models import NoticeLine, Review, StageRun
from funding.reviews.services.notice import end_line
from funding.reviews.services.telling import (
    acting_people,
    day,
    link_of_run,
    name_of_stage,
    tell,
    tell_reviewer,
)
from funding.reviews.states import NoticeLineState, RunState
from park_portal.core.calendar.services import WorkingCalendar, working_calendar
from park_portal.core.calendar.working_days import SHANGHAI
from park_portal.core.outbox.models import Message

DAYS_BEFORE: Final = (1, 3)  # working days before the deadline, nearest first
Notice = tuple[str, str, Callable[[], None]]  # kind, key, how to send it


def send_reminders(now: datetime | None = None) -> int:
    """Remind those whose opinion is due in three or in one working day, tell the lead what is overdue; return how many.

    A reminder missed while the portal was down is sent late, but only the nearest; one whose day came before the person
    was asked is left out. Public notices whose period is over pass here too, should the clock have missed them.
    """
    now = now or timezone.now()
    calendar = working_calendar()
    up = NoticeLine.objects.filter(state=NoticeLineState.POSTED, notice__ends_at__lte=now)
    for line in up.order_by("application_id").values_list("pk", flat=True):
        end_line(line, now=now)
    notices = [notice for review in _open_reviews() for notice in _about_review(review, now, calendar)]
    notices += [notice for run in _open_runs() for notice in _about_stage(run, now, calendar)]
    keys = [f"{kind}:{key}" for kind, key, _send in notices]
    known = set(Message.objects.filter(key__in=keys).values_list("key", flat=True))
    sent = 0
    for kind, key, send in notices:
        if f"{kind}:{key}" not in known:
            with transaction.atomic():
                send()
            sent += 1
    return sent


def _open_reviews() -> QuerySet[Review]:
    return (
        Review.objects.open()
        .filter(run__state=RunState.ACTIVE, run__stage__acts=Acts.EXPERT)
        .select_related("reviewer", "run__stage", "application__call__lead")
    )


def _open_runs() -> QuerySet[StageRun]:
    return StageRun.objects.filter(
        state=RunState.ACTIVE, application__state=ApplicationState.IN_REVIEW
    ).select_related("stage", "application__call__lead", "application__project", "application__organisation")


def reminder_due(*, due: datetime, asked: datetime, now: datetime, calendar: WorkingCalendar) -> int | None:
    """Return which reminder (3 or 1 working days before ``due``) is to be sent at ``now``, or None.

    None, too, for one whose day was over, or had begun, when the person was ``asked``.
    """
    if now > due:
        return None
    for days in DAYS_BEFORE:
        reminder_day = calendar.shift(_day(due), -days)
        if _day(now) >= reminder_day:
            return days if _day(asked) < reminder_day else None
    return None


def _day(moment: datetime) -> date:
    return moment.astimezone(SHANGHAI).date()


def _about_review(review: Review, now: datetime, calendar: WorkingCalendar) -> Iterator[Notice]:
    key = f"{review.pk}:{day(review.due_at)}"
    due = day(review.due_at)
    run = review.run
    run.application = review.application
    if review.due_at < now:
        yield (
            "review.overdue",
            key,
            partial(
                tell,
                "review.overdue",
                application=review.application,
                recipients=[review.application.call.lead],
                key=key,
                link=link_of_run(run),
                due=due,
                reviewer=review.reviewer.name,
            ),
        )
        yield (
            "review.overdue_reviewer",
            key,
            partial(tell_reviewer, "review.overdue_reviewer", review, key=key, due=due),
        )
        return
    days = reminder_due(due=review.due_at, asked=review.assigned_at, now=now, calendar=calendar)
    if days is not None:
        key = f"{key}:{days}"
        yield (
            "review.reminder",
            key,
            partial(tell_reviewer, "review.reminder", review, key=key, due=due, days=str(days)),
        )


def _about_stage(run: StageRun, now: datetime, calendar: WorkingCalendar) -> Iterator[Notice]:
    key = f"{run.pk}:{day(run.due_at)}"
    if run.due_at < now:
        yield (
            "review.stage_overdue",
            key,
            partial(
                tell,
                "review.stage_overdue",
                application=run.application,
                recipients=[run.application.call.lead],
                key=key,
                link=link_of_run(run),
                stage=name_of_stage(run.stage),
                due=day(run.due_at),
            ),
        )
        return
    if run.stage.acts != Acts.LIAISON:
        return
    days = reminder_due(due=run.due_at, asked=run.entered_at, now=now, calendar=calendar)
    if days is not None:
        key = f"{key}:{days}"
        yield "review.liaison_reminder", key, partial(_remind_liaisons, run, key)


def _remind_liaisons(run: StageRun, key: str) -> None:
    done = set(run.reviews.submitted().values_list("reviewer_id", flat=True))
    tell(
        "review.liaison_reminder",
        application=run.application,
        recipients=[person for person in acting_people(run) if person.pk not in done],
        key=key,
        link=link_of_run(run),
        due=day(run.due_at),
    )
