"""Confirming a plan: every invitation goes out, or none does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.reviews.models import AssignmentPlan, PlannedPair, Review, Reviewer, StageRun
from funding.reviews.services import experts
from funding.reviews.services.conflicts import conflicts_of, refuse_conflicted
from funding.reviews.services.planning.plans import Shown, lock_plan, refuse_other_revision
from funding.reviews.services.telling import day, tell_reviewer
from funding.reviews.states import OPEN_REVIEWS, PairOrigin, PlanState, ReviewState, RunState
from park_portal.core.accounts.models import User
from park_portal.core.errors import DomainError, Problem, Text
from park_portal.core.jobs.services import start_job
from park_portal.core.workflow import SYSTEM, Actor, advance, require

CONFIRM: Final = "reviews.confirm_assignment"
AT_ONCE: Final = 60  # invitations that a request waits for; more are written by a worker

Told = Callable[[int, int], None]


def confirm_plan(plan: AssignmentPlan, *, actor: Actor, revision: int | None = None) -> AssignmentPlan:
    """Invite everyone whom the plan names anew, in one transaction; a second call changes nothing.

    Many invitations are written by a worker; the plan is “being confirmed” until they are. Raises ``Conflict`` when the
    plan is no longer what ``revision`` was, and ``DomainError`` with ``problems`` that name each pair which has become
    impossible; then nobody is invited.
    """
    require(actor, "funding.assign_reviews", plan)
    with transaction.atomic():
        held = lock_plan(plan)
        if held.state in (PlanState.CONFIRMING, PlanState.CONFIRMED):
            return held
        refuse_other_revision(held, revision)
        refuse_conflicted(Application.objects.filter(runs__planned__in=_new_pairs(held)).distinct(), actor)
        advance(held, "confirm", actor=actor)
        if _new_pairs(held).count() <= AT_ONCE:
            invite(held, actor=actor)
            return held
        held.revision += 1
        held.job = start_job(CONFIRM, actor=actor, params={"plan": held.pk, "revision": held.revision})
        held.save(update_fields=["job", "revision"])
    return held


def confirm_by_worker(plan_id: int, revision: int, *, actor: Actor, progress: Shown) -> None:
    """Write the invitations of a plan that is being confirmed; when one is impossible, put the plan back and say which."""
    progress(0, None)
    try:
        with transaction.atomic():
            held = lock_plan(AssignmentPlan(pk=plan_id))
            if held.state != PlanState.CONFIRMING or held.revision != revision:
                return
            invite(held, actor=actor, told=lambda done, total: progress(done, total))
    except DomainError as error:
        put_back(plan_id, [*error.problems] or [Problem(error.message)])
        raise
    except Exception:
        # Whatever went wrong, the plan goes back to those who can confirm it again.
        put_back(plan_id, [])
        raise


def put_back(plan_id: int, problems: Sequence[Problem]) -> None:
    """Return a plan whose confirmation came to nothing to those who confirm it."""
    with transaction.atomic():
        held = lock_plan(AssignmentPlan(pk=plan_id))
        if held.state == PlanState.CONFIRMING:
            diagnosis = {"code": "impossible", "problems": [str(one.message) for one in problems]}
            advance(held, "put_back", actor=SYSTEM, changes={"diagnosis": diagnosis})


def _new_pairs(plan: AssignmentPlan) -> Any:
    return PlannedPair.objects.filter(plan=plan).exclude(origin=PairOrigin.KEPT)


@dataclass
class _Round:
    """What is locked and known of everyone who is to be invited, asked for at once."""

    runs: Mapping[int, StageRun]
    people: Mapping[int, User]
    available: set[int]
    earlier: Mapping[tuple[int, int], Review]
    conflicts: Mapping[tuple[int, int], list[Text]]


def invite(plan: AssignmentPlan, *, actor: Actor, told: Told | None = None) -> None:
    """Write the reviews and invitations of a locked plan and complete it. Raises ``DomainError`` naming what cannot be."""
    pairs = list(_new_pairs(plan).order_by("run", "pk").values_list("run_id", "person_id"))
    known = _lock_all(pairs)
    refuse_conflicted((run.application for run in known.runs.values()), actor)
    now = timezone.now()
    if problems := list(_impossible(pairs, known)):
        raise DomainError(
            _("Nobody was invited: some of these pairs have become impossible meanwhile."),
            code="impossible",
            problems=problems,
        )
    for number, (run_id, person_id) in enumerate(pairs, 1):
        run = known.runs[run_id]
        earlier = known.earlier.get((run_id, person_id))
        if earlier is not None and earlier.state in (*OPEN_REVIEWS, ReviewState.SUBMITTED):
            continue  # asked by hand meanwhile
        review = experts._ask(run, known.people[person_id], earlier, actor=actor, due=_due(plan, run, now))
        tell_reviewer(
            "review.invited",
            review,
            key=f"{review.pk}:{review.assigned_at.isoformat()}",
            due=day(review.due_at),
        )
        if told is not None:
            told(number, len(pairs))
    _release_replaced(plan, actor)
    advance(
        plan,
        "complete",
        actor=SYSTEM,
        changes={"confirmed_by_id": actor.pk, "confirmed_at": now, "diagnosis": {}},
        invited=len(pairs),
    )


def _due(plan: AssignmentPlan, run: StageRun, now: datetime) -> datetime:
    return plan.due_at if plan.due_at is not None and plan.due_at > now else experts._due_of(run, now)


def _lock_all(pairs: Sequence[tuple[int, int]]) -> _Round:
    """Lock the applications, then their runs, then earlier reviews, each in order, as every service of this room does."""
    run_ids = {run for run, _person in pairs}
    people = {
        person.pk: person
        for person in User.objects.filter(pk__in={who for _run, who in pairs}).order_by("pk")
    }
    applications = {
        application.pk: application
        for application in Application.objects.select_for_update(of=("self",))
        .select_related("call__lead", "current_stage", "organisation", "project")
        .filter(runs__in=run_ids)
        .order_by("pk")
    }
    runs = {}
    for run in (
        StageRun.objects.select_for_update(of=("self",))
        .select_related("stage")
        .filter(pk__in=run_ids)
        .order_by("application", "pk")
    ):
        run.application = applications[run.application_id]
        runs[run.pk] = run
    earlier = {
        (review.run_id, review.reviewer_id): review
        for review in Review.objects.select_for_update(of=("self",))
        .filter(run__in=run_ids, reviewer__in=people)
        .order_by("pk")
    }
    available = set(Reviewer.objects.active().filter(user__in=people).values_list("user_id", flat=True))
    conflicts = conflicts_of(list(applications.values()), list(people.values()))
    return _Round(runs, people, available, earlier, conflicts)


def _impossible(pairs: Sequence[tuple[int, int]], known: _Round) -> Any:
    """Yield a problem for every pair that cannot be asked now, with the reason."""
    for run_id, person_id in pairs:
        run, person = known.runs[run_id], known.people[person_id]
        earlier = known.earlier.get((run_id, person_id))
        reasons = known.conflicts.get((run.application_id, person_id))
        why: Text | None = None
        if run.state != RunState.ACTIVE or run.application.state != ApplicationState.IN_REVIEW:
            why = gettext_lazy("the application is no longer in this stage")
        elif person_id not in known.available:
            why = gettext_lazy("is not available any more")
        elif reasons:
            why = format_lazy(gettext_lazy("conflict of interest: {reason}"), reason=reasons[0])
        elif earlier is not None and earlier.state == ReviewState.RECUSED:
            why = gettext_lazy("has declared a conflict of interest here")
        elif earlier is not None and earlier.state == ReviewState.DECLINED:
            why = gettext_lazy("has declined this application meanwhile")
        if why is not None:
            text = format_lazy(
                gettext_lazy("{number} · {person}: {why}"),
                number=run.application.number or "—",
                person=person.name,
                why=why,
            )
            yield Problem(text, anchor=f"run-{run_id}")


def _release_replaced(plan: AssignmentPlan, actor: Actor) -> None:
    """Release those whose overdue reviews others write now, if they still have not handed them in."""
    overdue = [one["review"] for one in plan.because if one["why"] == "overdue"]
    rows = Review.objects.filter(pk__in=overdue, state__in=OPEN_REVIEWS).select_related(
        "run__stage", "application", "reviewer"
    )
    for review in rows.order_by("application", "pk"):
        experts.release_reviewer(
            review, actor=actor, reason=str(_("The review was overdue; somebody else has been asked."))
        )
