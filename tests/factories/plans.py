"""Assignments of reviewers in each state, and the workers that they wait for."""

from __future__ import annotations

from typing import Any

from funding.models import AssignmentPlan, Call, PlannedPair, PlanPool, StageRun
from funding.reviews import services
from funding.reviews.criteria import PlanCriteria
from park_portal.core.accounts.models import User
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import run_job
from park_portal.core.outbox.models import Message
from park_portal.core.outbox.services import handle_message
from park_portal.core.workflow import SYSTEM
from tests.factories import make, makes
from tests.factories.reviews import expert_run, make_expert, make_review_call, shared_call


def make_plan(
    call: Call | None = None,
    *,
    applications: int = 0,
    experts: int = 0,
    method: str = "optimal",
    actor: Any = SYSTEM,
    seed: int | None = 7,
    due_at: Any = None,
    invites_replacements: bool = False,
    **criteria: Any,
) -> AssignmentPlan:
    """Returns a plan that is being prepared, for this many new applications, with this many more experts in the pool."""
    call = call or make_review_call("expert", "decision")
    for _ in range(applications):
        expert_run(call)
    for number in range(experts):
        make_expert(institution=f"研究院{number}")
    return services.create_plan(
        call.stages.get(kind="expert"),
        actor=actor,
        method=method,
        criteria=PlanCriteria(**{"per_application": 2, **criteria}),
        seed=seed,
        due_at=due_at,
        invites_replacements=invites_replacements,
    )


def work_off_jobs() -> list[Job]:
    """Does the jobs that wait, as a worker would, and returns them."""
    waiting = list(Job.objects.filter(state="queued", kind__startswith="reviews.").order_by("pk"))
    for job in waiting:
        run_job(job.pk)
        job.refresh_from_db()
    return waiting


def ring() -> None:
    """Does what the outbox was told of people who stepped back."""
    for message in Message.objects.filter(topic="review.stepped_back", status="waiting").order_by("pk"):
        assert handle_message(message.pk)


def solved(plan: AssignmentPlan, *, actor: Any = SYSTEM) -> AssignmentPlan:
    """Returns the plan after a worker has worked it out."""
    if plan.is_draw and plan.published_at is None:
        services.publish_draw(plan, actor=actor)
    services.solve_plan(plan, actor=actor)
    work_off_jobs()
    return AssignmentPlan.objects.get(pk=plan.pk)


def confirmed(plan: AssignmentPlan, *, actor: Any = SYSTEM) -> AssignmentPlan:
    """Returns the plan after its invitations went out."""
    services.confirm_plan(solved(plan, actor=actor), actor=actor)
    return AssignmentPlan.objects.get(pk=plan.pk)


def pairs_of(plan: AssignmentPlan) -> set[tuple[int, int]]:
    return set(PlannedPair.objects.filter(plan=plan).values_list("run_id", "person_id"))


def names_of(run: StageRun) -> list[User]:
    return list(User.objects.filter(reviews__run=run).order_by("pk"))


@makes("funding.AssignmentPlan")
def plan(**values: Any) -> AssignmentPlan:
    if "stage" in values or "parent" in values:
        stage = values.pop("stage", None) or values["parent"].stage
        return AssignmentPlan.objects.create(**{"call": stage.call, "stage": stage, **values})
    call = values.pop("call", None) or shared_call("expert", "decision")
    return AssignmentPlan.objects.create(call=call, stage=call.stages.get(kind="expert"), **values)


@makes("funding.PlanPool")
def pool(**values: Any) -> PlanPool:
    plan = values.pop("plan", None) or make("funding.AssignmentPlan")
    return PlanPool.objects.create(
        plan=plan, **{"affinity": b"", "barred": b"", "digest": "0" * 64, **values}
    )


@makes("funding.PlannedPair")
def pair(**values: Any) -> PlannedPair:
    plan = values.pop("plan", None) or make("funding.AssignmentPlan")
    values.setdefault("person", None) or values.update(person=make_expert())
    values.setdefault("run", None) or values.update(run=expert_run(plan.call))
    return PlannedPair.objects.create(plan=plan, **{"affinity": "0.5000", "origin": "solved", **values})
