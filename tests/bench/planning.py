"""Assigning the reviewers of a large call as staff do: 2,000 applications, a pool of 600, three reviewers each."""

from __future__ import annotations

import time
from typing import Any

from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from funding.models import AssignmentPlan, Call, Review
from funding.reviews import services
from funding.reviews.criteria import PlanCriteria
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import run_job
from tests.bench.large_call import large_call, officer

APPLICATIONS, REVIEWERS = 2_000, 600
PAGE_SECONDS = 1.0
PAGE_QUERIES = 40


def seed() -> None:
    large_call(APPLICATIONS, REVIEWERS)


def _call() -> Call:
    return large_call(APPLICATIONS, REVIEWERS)


def _done(job: Job | None) -> None:
    assert job is not None
    assert run_job(job.pk)
    ended = Job.objects.get(pk=job.pk)
    if ended.state != "done":
        raise SystemExit(f"the job ended as {ended.state}: {ended.error}")


def _proposed(**criteria: Any) -> AssignmentPlan:
    plan = services.create_plan(
        _call().stages.get(kind="expert"), actor=officer(), criteria=PlanCriteria(**criteria), seed=7
    )
    _done(services.solve_plan(plan, actor=officer()).job)
    solved = AssignmentPlan.objects.get(pk=plan.pk)
    if solved.state != "ready":
        raise SystemExit(f"the plan ended as {solved.state}: {solved.diagnosis}")
    return solved


def _told(plan: AssignmentPlan) -> str:
    found = plan.figures
    said = f"total {found['total']:,.1f}, {1 - found['total'] / found['bound']:.2%} from its bound"
    if found["worst_bound"]:
        said += f"; worst-served {found['worst']:.4f}, {1 - found['worst'] / found['worst_bound']:.1%} from its bound"
    return f"{found['pairs']:,} pairs in {found['seconds']:.0f} s; {said}"


def propose() -> str:
    """From the click to the preview, with what a new assignment asks for: worst first, one of an institution."""
    return _told(_proposed())


def open_page() -> str:
    """The preview of the latest proposal, the second time: the first compiles its templates."""
    plan = AssignmentPlan.objects.filter(call=_call(), state="ready").latest("pk")
    client = Client(headers={"Host": "localhost"})
    client.force_login(officer())
    path = reverse("admin:funding_assignmentplan_plan", args=[plan.pk])
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        start = time.perf_counter()
        response = client.get(path)
        taken = time.perf_counter() - start
    said = f"{taken * 1000:.0f} ms, {len(captured)} queries, {len(response.content) / 1000:.0f} kB"
    if response.status_code != 200 or taken > PAGE_SECONDS or len(captured) > PAGE_QUERIES:
        raise SystemExit(f"{response.status_code}: {said}")
    return said


def confirm() -> str:
    """Write the 6,000 invitations of the latest proposal, all that waits for the commit included; then forget them."""
    plan = AssignmentPlan.objects.filter(call=_call(), state="ready").latest("pk")
    before = Review.objects.count()
    with transaction.atomic():
        start = time.perf_counter()
        job = services.confirm_plan(plan, actor=officer()).job
        clicked = time.perf_counter() - start
        _done(job)
        connection.check_constraints()
        written = Review.objects.count() - before
        transaction.set_rollback(True)
    return f"{written:,} invitations; the click itself {clicked:.2f} s"


def publish_and_draw() -> str:
    """A random draw: its pool published by a worker, then drawn."""
    plan = services.create_plan(
        _call().stages.get(kind="expert"), actor=officer(), method="draw", criteria=PlanCriteria(), seed=7
    )
    start = time.perf_counter()
    asked = services.publish_draw(plan, actor=officer())
    clicked = time.perf_counter() - start
    _done(asked.job)
    _done(services.solve_plan(plan, actor=officer()).job)
    drawn = AssignmentPlan.objects.get(pk=plan.pk)
    if drawn.state != "ready":
        raise SystemExit(f"the draw ended as {drawn.state}: {drawn.diagnosis}")
    return f"{drawn.figures['pairs']:,} pairs drawn in {drawn.figures['seconds']:.0f} s; the click {clicked:.2f} s"
