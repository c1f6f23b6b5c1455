"""Replacing those who step back: a decline, a recusal or an overdue review leads to a plan that fills the places."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from funding.applications.states import ApplicationState
from funding.calls.services import notify_of_call
from funding.reviews.models import AssignmentPlan, PlannedPair, Review
from funding.reviews.services.figures import COUNTED
from funding.reviews.services.planning.confirming import confirm_plan
from funding.reviews.services.planning.inputs import AWAY
from funding.reviews.services.planning.plans import begin_solving, lock_plan
from funding.reviews.services.telling import staff_of
from funding.reviews.states import OPEN_PLANS, OPEN_REVIEWS, PairOrigin, PlanState, RunState
from park_portal.core.accounts.states import StaffRole
from park_portal.core.audit.services import record
from park_portal.core.errors import DomainError
from park_portal.core.workflow import SYSTEM, advance

OVERDUE: Final = "overdue"


def plan_of(run_id: int, person_id: int) -> int | None:
    """Return the id of the confirmed plan by which this person was asked for this application, or None."""
    found = (
        PlannedPair.objects.filter(run=run_id, person=person_id, plan__state=PlanState.CONFIRMED)
        .order_by("-plan")
        .values_list("plan__parent_id", "plan_id")
        .first()
    )
    return None if found is None else found[0] or found[1]


def on_stepped_back(run_id: int, person_id: int) -> AssignmentPlan | None:
    """Answer to somebody who stepped back from an application, where a plan had put them there."""
    found = plan_of(run_id, person_id)
    return None if found is None else answer(found)


def answer(root_id: int) -> AssignmentPlan | None:
    """Have replacements found for everyone of the plan who has stepped back and is not replaced; None when nobody has.

    However many step back at once, there is one open plan for all of them; called again with the same facts, nothing
    changes. What staff discarded is not proposed again.
    """
    with transaction.atomic():
        root = lock_plan(AssignmentPlan(pk=root_id))
        if root.state != PlanState.CONFIRMED:
            return None
        answered = {
            one["key"]
            for because in AssignmentPlan.objects.filter(parent=root).values_list("because", flat=True)
            for one in because
        }
        new = [one for one in stepped_back(root) if one["key"] not in answered]
        if not new:
            return None
        child = AssignmentPlan.objects.filter(parent=root, state__in=OPEN_PLANS).first()
        if child is None:
            child = _begin(root, new)
            begin_solving(child, actor=SYSTEM)
            return child
        child = lock_plan(child)
        if child.state == PlanState.CONFIRMING:
            return None  # the clock asks again when it is over
        child.because = [*child.because, *new]
        child.save(update_fields=["because"])
        if child.state != PlanState.SOLVING:
            begin_solving(child, actor=SYSTEM)
        return child


def _begin(root: AssignmentPlan, because: list[dict[str, Any]]) -> AssignmentPlan:
    child = AssignmentPlan.objects.create(
        call=root.call,
        stage=root.stage,
        parent=root,
        method=root.method,  # of a draw, those who come next by the same published seed
        criteria=root.asked.changed(min_load=0).as_json(),
        seed=root.seed,
        because=because,
        created_by=None,
    )
    record("assignment_plan.create", child, actor=SYSTEM, after={"parent": root.pk, "because": because})
    return child


def stepped_back(root: AssignmentPlan) -> list[dict[str, Any]]:
    """Return {review, why, key} of each review of the plan that came to nothing and left its application short."""
    now = timezone.now()
    planned = PlannedPair.objects.filter(
        Q(plan=root) | Q(plan__parent=root, plan__state=PlanState.CONFIRMED),
        run=models.OuterRef("run"),
        person=models.OuterRef("reviewer"),
    )
    rows = list(
        Review.objects.filter(
            Q(state__in=AWAY) | Q(state__in=OPEN_REVIEWS, due_at__lt=now),
            run__stage=root.stage_id,
            run__state=RunState.ACTIVE,
            application__state=ApplicationState.IN_REVIEW,
        )
        .filter(models.Exists(planned))
        .order_by("pk")
        .values_list("pk", "run_id", "state", "assigned_at", "due_at")
    )
    runs = {run for _pk, run, *_rest in rows}
    wanted = Counter(PlannedPair.objects.filter(plan=root, run__in=runs).values_list("run_id", flat=True))
    late = Q(state__in=OPEN_REVIEWS, due_at__lt=now)
    have = Counter(
        Review.objects.filter(run__in=runs, state__in=COUNTED).exclude(late).values_list("run_id", flat=True)
    )
    found = []
    for pk, run, state, asked, due in rows:
        if have[run] >= wanted[run]:
            continue
        why = OVERDUE if state in OPEN_REVIEWS else str(state)
        moment = due if why == OVERDUE else asked
        found.append({"review": pk, "why": why, "key": f"{pk}:{why}:{moment.isoformat()}"})
    return found


def on_solved(plan: AssignmentPlan) -> AssignmentPlan:
    """Go on with replacements that were worked out: invite them where staff said so, or tell staff; and of none, tell why.

    An overdue review is only given to somebody else by staff: its reviewer may be about to hand it in.
    """
    if plan.parent is None:
        return plan
    if plan.state == PlanState.FAILED:
        _tell("assignment.failed", plan)
        return plan
    if plan.state != PlanState.READY:
        return plan
    late = any(one["why"] == OVERDUE for one in plan.because)
    if plan.parent.invites_replacements and not late and not plan.figures.get("short"):
        try:
            confirmed = confirm_plan(plan, actor=SYSTEM)
        except DomainError:  # a pair has become impossible since: staff see which
            _tell("assignment.proposed", plan)
            return plan
        _tell("assignment.replaced", confirmed)
        return confirmed
    _tell("assignment.proposed", plan)
    return plan


def _tell(kind: str, plan: AssignmentPlan) -> None:
    names = (
        PlannedPair.objects.filter(plan=plan)
        .exclude(origin=PairOrigin.KEPT)
        .order_by("run__application__number")
        .values_list("run__application__number", "person__name")
    )
    lines = "\n".join(f"{number} · {person}" for number, person in names[:20])
    if kind == "assignment.failed":
        numbers = Review.objects.filter(pk__in=[one["review"] for one in plan.because]).values_list(
            "application__number", flat=True
        )
        lines = ", ".join(sorted({number or "—" for number in numbers}))
    notify_of_call(
        plan.call,
        kind,
        recipients=staff_of(plan.call, StaffRole.OFFICER),
        key=str(plan.pk),
        link=reverse("admin:funding_assignmentplan_plan", args=[plan.pk]),
        context={"applications": lines},
    )


def tend_plans() -> int:
    """Look after plans by the clock: answer to overdue reviews, free plans whose worker died; return how many moved."""
    moved = _free_interrupted()
    roots = AssignmentPlan.objects.filter(
        state=PlanState.CONFIRMED, parent=None, stage__runs__state=RunState.ACTIVE
    )
    for root in list(roots.order_by("pk").distinct().values_list("pk", flat=True)):
        if answer(root) is not None:
            moved += 1
    return moved


def _free_interrupted() -> int:
    """Nobody is left before a bar that does not move: what a worker left behind can be begun again."""
    moved = 0
    stuck = AssignmentPlan.objects.filter(state__in=[PlanState.SOLVING, PlanState.CONFIRMING])
    for plan in stuck.select_related("job").order_by("pk"):
        if plan.job is not None and plan.job.is_open:
            continue
        with transaction.atomic():
            held = lock_plan(plan)
            if held.state != plan.state or held.revision != plan.revision:
                continue
            name = "fail" if held.state == PlanState.SOLVING else "put_back"
            diagnosis = {"code": "interrupted", "knots": [], "loosen": []}
            advance(held, name, actor=SYSTEM, changes={"diagnosis": diagnosis})
            if name == "fail":
                on_solved(held)
            moved += 1
    return moved
