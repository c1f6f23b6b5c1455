"""What staff see first: their queues and the figures of the day.

Cards of the rooms stand together here, because the roof alone knows all of them.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, Final

from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.calls.models import Call
from funding.calls.states import CallState, StageKind
from funding.decisions.models import Decision, Letter
from funding.decisions.states import DecisionState, LetterState
from funding.panels.models import Meeting
from funding.panels.states import MeetingState
from funding.reviews.models import NoticeLine, Objection, Review, StageRun
from funding.reviews.services import acts_of, runs_of_experts, without_short
from funding.reviews.states import OPEN_REVIEWS, NoticeLineState, RunState
from park_portal.core.accounts.rules import (
    is_administrator,
    is_auditor,
    is_fund_manager,
    is_lead,
    is_officer,
    sees_records,
)
from park_portal.core.admin.home import (
    Figure,
    Line,
    StaffCard,
    cards_of,
    figures_of,
    list_url,
    record_url,
    staff_card,
    staff_figures,
)
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.states import JobState
from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.outbox.states import DeliveryStatus, MessageStatus

SHOWN: Final = 8


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the figures and cards of the person's roles to the admin's first page."""
    cards = cards_of(request.user)
    return {
        **context,
        "today": timezone.localtime(),
        # Noughts would only hide the figures that ask for something.
        "figures": [figure for figure in figures_of(request.user) if figure["number"]],
        "wide_cards": [card for card in cards if card.wide],
        "side_cards": [card for card in cards if not card.wide],
    }


def _end_of_today() -> datetime:
    tomorrow = timezone.localdate() + timedelta(days=1)
    return timezone.make_aware(datetime.combine(tomorrow, time()))


def _my_runs(user: Any) -> Any:
    return StageRun.objects.filter(state=RunState.ACTIVE, stage__acts__in=acts_of(user))


def _assign_url(**chosen: Any) -> str:
    address = _maybe("admin:funding_stagerun_assign")
    return f"{address}?{urlencode(chosen)}" if address else ""


# --- figures


@staff_figures(order=10)
def my_queue(user: Any) -> list[Figure]:
    if not acts_of(user):
        return []
    now, end, runs = timezone.now(), _end_of_today(), _my_runs(user)
    return [
        Figure(_("waiting for us"), runs, list_url("funding.stagerun", turn="mine")),
        Figure(
            _("due today"),
            runs.filter(due_at__gte=now, due_at__lt=end),
            list_url("funding.stagerun", turn="mine", due="today"),
            "wait",
        ),
        Figure(
            pgettext_lazy("figure", "overdue"),
            runs.filter(due_at__lt=now),
            list_url("funding.stagerun", turn="mine", due="overdue"),
            "bad",
        ),
    ]


@staff_figures(order=15)
def reviewers_to_assign(user: Any) -> list[Figure]:
    if not user.has_perm("funding.assign_reviews"):
        return []
    return [Figure(_("reviewers to assign"), runs_of_experts(short=True), _assign_url(short=1), "wait")]


@staff_figures(order=20)
def reviews_overdue(user: Any) -> list[Figure]:
    if not (is_officer(user) or is_auditor(user)):
        return []
    now = timezone.now()
    return [
        Figure(
            _("expert reviews overdue"),
            Review.objects.filter(state__in=OPEN_REVIEWS, due_at__lt=now),
            list_url("funding.review", state__in=",".join(OPEN_REVIEWS), due="overdue"),
            "bad",
        ),
    ]


@staff_figures(order=25)
def panels_to_be_finished(user: Any) -> list[Figure]:
    """Minutes that nobody has signed, and meetings that nobody has closed: their applications stand still."""
    if not is_officer(user):
        return []
    return [
        Figure(
            _("panel minutes to be signed"),
            Meeting.objects.filter(state=MeetingState.CLOSED),
            list_url("funding.meeting", state__exact=MeetingState.CLOSED.value),
            "wait",
        ),
        Figure(
            _("panel meetings left open"),
            Meeting.objects.filter(
                state=MeetingState.OPEN, starts_at__lt=timezone.now() - timedelta(hours=24)
            ),
            list_url("funding.meeting", state__exact=MeetingState.OPEN.value),
            "bad",
        ),
    ]


@staff_figures(order=30)
def to_be_decided(user: Any) -> list[Figure]:
    if not (is_officer(user) or is_fund_manager(user)):
        return []
    figures = [
        Figure(
            _("decisions to release"),
            Decision.objects.filter(state=DecisionState.PENDING),
            list_url("funding.decision", state__exact="pending"),
            "wait",
        )
    ]
    if is_officer(user):
        figures += [
            Figure(
                _("letters to check"),
                Letter.objects.filter(state=LetterState.DRAFT),
                list_url("funding.letter", state__exact="draft"),
                "wait",
            ),
            Figure(
                _("projects under public notice"),
                NoticeLine.objects.filter(state=NoticeLineState.POSTED),
                list_url("funding.noticeline", state__exact="posted"),
                "wait",
            ),
            Figure(
                _("objections to answer"),
                Objection.objects.filter(resolved_at__isnull=True),
                list_url("funding.objection", resolved_at__isempty="1"),
                "wait",
            ),
        ]
    return figures


@staff_figures(order=90)
def what_failed(user: Any) -> list[Figure]:
    if not (is_administrator(user) or is_lead(user)):
        return []
    now = timezone.now()
    stuck, week = now - timedelta(minutes=5), now - timedelta(days=7)
    figures = [
        Figure(
            _("messages that failed"),
            Message.objects.filter(status=MessageStatus.FAILED),
            list_url("core.message", status__exact="failed"),
            "bad",
        ),
        Figure(
            _("mails that failed"),
            Delivery.objects.filter(status=DeliveryStatus.FAILED),
            list_url("core.delivery", status__exact="failed"),
            "bad",
        ),
    ]
    if is_administrator(user):
        figures += [
            Figure(
                _("messages waiting for over 5 minutes"),
                Message.objects.filter(status=MessageStatus.WAITING, due_at__lt=stuck),
                list_url("core.message", status__exact="waiting", due_at__lt=stuck.isoformat()),
                "bad",
            ),
            Figure(
                _("jobs that failed in 7 days"),
                Job.objects.filter(state=JobState.FAILED, created_at__gte=week),
                list_url("core.job", state__exact="failed", created_at__gte=week.isoformat()),
                "bad",
            ),
        ]
    return figures


# --- cards


@staff_card(order=10)
def my_tasks(user: Any) -> StaffCard | None:
    """What waits for the person's role, most urgent first."""
    if not acts_of(user):
        return None
    now, end = timezone.now(), _end_of_today()
    waiting = _my_runs(user)
    if user.has_perm("funding.assign_reviews"):  # they stand in a card of their own, below
        waiting = without_short(waiting)
    runs = waiting.select_related("application", "stage").order_by("due_at", "id")[:SHOWN]
    lines = [
        Line(
            title=f"{run.application.number} {run.application.title}",
            url=_work_url(run),
            detail=run.stage,
            due=run.due_at,
            tone="bad" if run.due_at < now else "wait" if run.due_at < end else "",
        )
        for run in runs
    ]
    return StaffCard(
        _("My tasks"),
        lines=lines,
        empty=_(
            "Nothing waits for you. Applications appear here when they reach a stage in which your role acts."
        ),
        more_url=list_url("funding.stagerun", turn="mine"),
        more_label=_("All that is waiting"),
        wide=True,
    )


def _work_url(run: StageRun) -> str:
    return _maybe("admin:funding_stagerun_work", run.pk) or record_url(run)


@staff_card(order=15)
def experts_to_assign(user: Any) -> StaffCard | None:
    """Applications in expert review that fewer people were asked about than the stage wants."""
    if not user.has_perm("funding.assign_reviews"):
        return None
    now = timezone.now()
    runs = runs_of_experts(short=True).select_related("application", "stage").order_by("due_at", "id")[:SHOWN]
    lines = [
        Line(
            title=f"{run.application.number} {run.application.title}",
            url=f"{_assign_url(run=run.pk)}#pool",
            detail=_("%(asked)d of %(wanted)d reviewers asked")
            % {"asked": run.asked, "wanted": run.stage.required_count},  # type: ignore[attr-defined] # annotated above
            due=run.due_at,
            tone="bad" if run.due_at < now else "",
        )
        for run in runs
    ]
    if not lines:
        return None
    return StaffCard(
        _("Reviewers to assign"),
        lines=lines,
        more_url=_assign_url(short=1),
        more_label=_("All that lack reviewers"),
        wide=True,
    )


@staff_card(order=20)
def applications_per_stage(user: Any) -> StaffCard | None:
    """Where the applications that are under way stand, as a chart that is a table."""
    if not sees_records(user):
        return None
    now = timezone.now()
    under_way = [ApplicationState.IN_REVIEW, ApplicationState.RETURNED, ApplicationState.RESERVED]
    counted = (
        Application.objects.filter(state__in=under_way)
        .order_by()
        .values("state", "current_stage__kind")
        .annotate(number=Count("pk"), late=Count("pk", filter=Q(due_at__lt=now)))
    )
    rows: dict[str, dict[str, int]] = {str(kind): {"on_time": 0, "late": 0, "away": 0} for kind in StageKind}
    reserved = 0
    for found in counted:
        if found["state"] == ApplicationState.RESERVED:
            reserved += found["number"]
        elif found["current_stage__kind"] is not None:
            row = rows[found["current_stage__kind"]]
            if found["state"] == ApplicationState.RETURNED:
                row["away"] += found["number"]
            else:
                row["late"] += found["late"]
                row["on_time"] += found["number"] - found["late"]
    most = max([reserved, *(sum(row.values()) for row in rows.values())], default=0) or 1
    bars = [
        _bar(
            StageKind(kind).label,
            row,
            most,
            list_url("funding.application", stage=kind) if sum(row.values()) else "",
        )
        for kind, row in rows.items()
    ]
    on_reserve = {"on_time": reserved, "late": 0, "away": 0}
    bars.append(
        _bar(
            ApplicationState.RESERVED.label,
            on_reserve,
            most,
            list_url("funding.application", state="reserved") if reserved else "",
        )
    )
    return StaffCard(
        _("Applications per stage"),
        more_url=list_url("funding.application"),
        more_label=_("All applications"),
        wide=True,
        template="admin/_stages.html",
        context={"bars": bars, "any": any(bar["total"] for bar in bars)},
    )


def _bar(label: Any, row: dict[str, int], most: int, url: str) -> dict[str, Any]:
    total = sum(row.values())
    segments, start = [], 0.0
    for name, number in row.items():
        width = round(100 * number / most, 2)
        if number:
            segments.append({"name": name, "x": round(start, 2), "width": width})
        start += width
    return {"label": label, "url": url, "total": total, "segments": segments, **row}


@staff_card(order=30)
def calls_closing(user: Any) -> StaffCard | None:
    """Open calls by closing minute and those that open next, with the numbers of drafts and applications."""
    if not sees_records(user):
        return None
    here = Application.objects.filter(call=OuterRef("pk")).order_by().values("call")
    calls = (
        Call.objects.filter(state__in=[CallState.OPEN, CallState.PUBLISHED])
        .annotate(
            drafts=_counted(here.filter(state=ApplicationState.DRAFT)),
            submitted=_counted(here.filter(submitted_at__isnull=False)),
        )
        .order_by(F("state").asc(), "closes_at")[:6]
    )
    soon = timezone.now() + timedelta(days=7)
    lines = [
        Line(
            title=str(call),
            url=record_url(call),
            detail=_numbers(call) if call.state == CallState.OPEN else _opening(call),
            due=call.closes_at if call.state == CallState.OPEN else None,
            tone="wait" if call.state == CallState.OPEN and call.closes_at < soon else "",
        )
        for call in calls
    ]
    return StaffCard(
        _("Calls open or to open"),
        lines=lines,
        empty=_("No call is open or announced."),
        more_url=list_url("funding.call"),
        more_label=_("All calls"),
    )


def _counted(rows: Any) -> Any:
    return Coalesce(Subquery(rows.annotate(n=Count("pk")).values("n")), 0)


def _opening(call: Any) -> str:
    return _("opens %(when)s") % {"when": f"{timezone.localtime(call.opens_at):%m-%d %H:%M}"}


def _numbers(call: Any) -> str:
    submitted = ngettext("%(n)d application", "%(n)d applications", call.submitted) % {"n": call.submitted}
    drafts = ngettext("%(n)d draft", "%(n)d drafts", call.drafts) % {"n": call.drafts}
    return f"{submitted} · {drafts}"


@staff_card(order=40)
def late_reviewers(user: Any) -> StaffCard | None:
    """Reviews whose day has passed: a reminder or a replacement is due."""
    if not is_officer(user):
        return None
    late = (
        Review.objects.filter(state__in=OPEN_REVIEWS, due_at__lt=timezone.now())
        .select_related("application", "reviewer")
        .order_by("due_at")[:SHOWN]
    )
    lines = [
        Line(
            title=str(review.reviewer),
            url=record_url(review),
            detail=f"{review.application.number} {review.application.title}",
            due=review.due_at,
            tone="bad",
        )
        for review in late
    ]
    return StaffCard(
        _("Reviews overdue"),
        lines=lines,
        empty=_("No review is overdue."),
        more_url=list_url("funding.review", state__in=",".join(OPEN_REVIEWS)) if lines else "",
        more_label=_("All open reviews"),
    )


@staff_card(order=60)
def first_steps(user: Any) -> StaffCard | None:
    """In a park without a call: what to do first."""
    if not is_officer(user) or Call.objects.exists():
        return None
    steps = [
        (
            _("Import the organisations and research projects you know"),
            "admin:incubator_organisation_changelist",
        ),
        (_("Name the liaisons of the university and its faculties"), "admin:incubator_liaison_changelist"),
        (_("Fill the pool of expert reviewers"), "admin:funding_reviewer_changelist"),
        (_("Build the first call from the standard form"), "admin:funding_call_changelist"),
    ]
    return StaffCard(_("First steps"), lines=[Line(title, _maybe(name)) for title, name in steps])


def _maybe(name: str, *args: Any) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


@staff_card(order=90)
def failures(user: Any) -> StaffCard | None:
    """For who keeps the system going: what went wrong last."""
    if not is_administrator(user):
        return None
    failed = Message.objects.filter(status=MessageStatus.FAILED).order_by("-id")[:SHOWN]
    lines = [
        Line(title=message.topic, url=record_url(message), detail=message.error[:120], due=None, tone="bad")
        for message in failed
    ]
    return StaffCard(
        _("What failed"),
        lines=lines,
        empty=_("Every message was delivered."),
        more_url=list_url("core.message", status__exact="failed") if lines else "",
        more_label=_("All failed messages"),
        wide=True,
    )
