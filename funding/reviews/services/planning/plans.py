"""A plan from being begun to being discarded; working it out and confirming it have files of their own."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.calls.models import Stage
from funding.calls.states import Acts
from funding.reviews.criteria import MOST_LOAD, MOST_REVIEWS, PlanCriteria
from funding.reviews.models import AssignmentPlan, PlanPool
from funding.reviews.services.planning.inputs import pool_of, runs_of_plan, take_pool
from funding.reviews.states import PlanFloor, PlanMethod, PlanState, ReviewerKind
from park_portal.core.audit.services import changes_of, record
from park_portal.core.errors import Conflict, DomainError, IllegalTransition, Problem
from park_portal.core.jobs.services import cancel_job, start_job
from park_portal.core.workflow import SYSTEM, Actor, advance, require

SOLVE: Final = "reviews.assignment"
PUBLISH: Final = "reviews.publish_draw"
READ_AT_ONCE: Final = 20_000  # pairs of a pool that a request waits for; a larger one is read by a worker
Shown = Callable[..., None]  # progress(done, total, message), as a job shows it
LARGEST_SEED: Final = 2**53 - 1  # what every program reads as a whole number


def create_plan(
    stage: Stage,
    *,
    actor: Actor,
    method: str = PlanMethod.OPTIMAL,
    criteria: PlanCriteria | None = None,
    seed: int | None = None,
    due_at: datetime | None = None,
    invites_replacements: bool = False,
) -> AssignmentPlan:
    """Begin an assignment of reviewers for the applications of an expert stage. A seed not given is made."""
    require(actor, "funding.assign_reviews")
    if stage.acts != Acts.EXPERT:
        raise DomainError(_("This stage is not reviewed by assigned experts."), code="not_expert")
    if method not in PlanMethod.values:
        raise DomainError(_("Choose best match or random draw."), code="unknown_method", field="method")
    wanted = criteria or PlanCriteria(per_application=stage.required_count)
    _refuse_wrong(wanted, due_at, seed)
    with transaction.atomic():
        plan = AssignmentPlan.objects.create(
            call=stage.call,
            stage=stage,
            method=method,
            criteria=wanted.as_json(),
            seed=secrets.randbelow(10**9) if seed is None else seed,
            due_at=due_at,
            invites_replacements=invites_replacements,
            created_by_id=actor.pk,
        )
        record("assignment_plan.create", plan, actor=actor, after={"method": method, **plan.criteria})
    return plan


def change_plan(
    plan: AssignmentPlan, *, actor: Actor, revision: int | None = None, **values: Any
) -> AssignmentPlan:
    """Change criteria, seed, due date or the switch; what was worked out by other criteria is to be worked out again.

    ``values``: ``criteria`` (PlanCriteria), ``seed``, ``due_at``, ``invites_replacements``. The switch may be turned in
    any state. Raises ``Conflict`` when the plan is no longer what ``revision`` was.
    """
    require(actor, "funding.assign_reviews", plan)
    if values.keys() - {"criteria", "seed", "due_at", "invites_replacements"}:
        raise TypeError(f"not part of a plan: {sorted(values)}")
    with transaction.atomic():
        held = lock_plan(plan, revision)
        wanted = values.get("criteria", held.asked)
        _refuse_wrong(wanted, values.get("due_at"), values.get("seed"))
        if "criteria" in values:
            values["criteria"] = wanted.as_json()
        before, after = changes_of(held, values)
        if not after:
            return held
        solved_by = after.keys() & {"criteria", "seed"}
        if solved_by and held.published_at is not None:
            raise IllegalTransition(
                _("The pool and the seed of this draw are published; begin another one to change them."),
                code="published",
            )
        if after.keys() - {"invites_replacements"} and held.state not in (
            PlanState.DRAFT,
            PlanState.READY,
            PlanState.FAILED,
        ):
            raise IllegalTransition()
        for key in after:
            setattr(held, key, values[key])
        held.__dict__.pop("asked", None)
        held.revision += 1
        held.save(update_fields=[*after, "revision"])
        record("assignment_plan.update", held, actor=actor, before=before, after=after)
        if solved_by and held.state != PlanState.DRAFT:
            advance(held, "change", actor=actor)
    return held


def _refuse_wrong(criteria: PlanCriteria, due_at: datetime | None, seed: int | None) -> None:
    problems: list[Problem] = []
    if not 1 <= criteria.per_application <= MOST_REVIEWS:
        text = _("An application has 1 to %(most)d reviewers.") % {"most": MOST_REVIEWS}
        problems.append(Problem(text, field="per_application"))
    if not 1 <= criteria.max_load <= MOST_LOAD:
        text = _("A reviewer reads 1 to %(most)d applications.") % {"most": MOST_LOAD}
        problems.append(Problem(text, field="max_load"))
    if not 0 <= criteria.min_load <= criteria.max_load:
        problems.append(Problem(_("The least load is above the greatest."), field="min_load"))
    if criteria.floor not in PlanFloor.values or (
        criteria.floor == PlanFloor.NUMBER
        and not (criteria.floor_value is not None and 0 <= criteria.floor_value <= 1)
    ):
        problems.append(
            Problem(_("Say how well each application is to match, from 0 to 1."), field="floor_value")
        )
    if not 0 <= criteria.minimum <= 1:
        problems.append(Problem(_("A match is a number from 0 to 1."), field="minimum"))
    if unknown := [kind for kind in (*criteria.mix, *criteria.pool.kinds) if kind not in ReviewerKind.values]:
        text = _("There is no kind of reviewers called %(kind)s.") % {"kind": unknown[0]}
        problems.append(Problem(text, field="mix"))
    if sum(criteria.mix.values()) > criteria.per_application or any(n < 0 for n in criteria.mix.values()):
        problems.append(Problem(_("The mix asks for more reviewers than an application has."), field="mix"))
    if not 0 <= criteria.together <= 100:
        problems.append(Problem(_("Choose a share from 0 to 100."), field="together"))
    if criteria.max_shared is not None and criteria.max_shared < 1:
        problems.append(Problem(_("Two reviewers share at least one application."), field="max_shared"))
    if seed is not None and not 0 <= seed <= LARGEST_SEED:
        problems.append(Problem(_("A seed is a whole number of at most 15 digits."), field="seed"))
    if due_at is not None and due_at <= timezone.now():
        problems.append(Problem(_("The deadline lies in the past."), field="due_at"))
    if problems:
        raise DomainError(problems[0].message, code="criteria", field=problems[0].field, problems=problems)


def publish_draw(plan: AssignmentPlan, *, actor: Actor) -> AssignmentPlan:
    """Fix pool, criteria and seed of a draw before it is made; a second call changes nothing.

    A large pool is read by a worker: the plan has a job then, and is published when it is done.
    """
    require(actor, "funding.assign_reviews", plan)
    with transaction.atomic():
        held = lock_plan(plan)
        if held.published_at is not None:
            return held
        if not held.is_draw:
            raise DomainError(_("Only a random draw has a pool to be published."), code="no_draw")
        if held.state not in (PlanState.DRAFT, PlanState.FAILED):
            raise IllegalTransition()
        if held.is_being_published:
            return held
        if runs_of_plan(held).count() * len(pool_of(held.asked)) <= READ_AT_ONCE:
            _publish(held, take_pool(held), actor=actor)
            return held
        held.job = start_job(PUBLISH, actor=actor, params={"plan": held.pk, "revision": held.revision})
        held.save(update_fields=["job"])
    return held


def publish_by_worker(plan_id: int, revision: int, *, actor: Actor, progress: Shown) -> None:
    """Read the pool of a draw and publish it, unless the draw was changed or published meanwhile."""
    plan = AssignmentPlan.objects.select_related("stage", "call", "parent").get(pk=plan_id)
    if plan.published_at is not None or plan.revision != revision:
        return
    progress(0, None, _("Reading applications, reviewers and conflicts of interest"))
    pool = take_pool(plan)
    with transaction.atomic():
        held = lock_plan(plan)
        if held.published_at is not None or held.revision != revision or held.state == PlanState.DISCARDED:
            return
        pool.plan = held
        _publish(held, pool, actor=actor)


def _publish(held: AssignmentPlan, pool: PlanPool, *, actor: Actor) -> None:
    keep_pool(pool)
    held.published_at = timezone.now()
    held.revision += 1
    held.save(update_fields=["published_at", "revision"])
    record("assignment_plan.publish", held, actor=actor, after={"seed": held.seed, "pool": pool.digest})


def keep_pool(pool: PlanPool) -> PlanPool:
    """Store ``pool`` in the place of the plan's earlier one."""
    values = {field.attname: getattr(pool, field.attname) for field in PlanPool._meta.concrete_fields}
    values.pop("plan_id")
    kept, _created = PlanPool.objects.update_or_create(plan=pool.plan, defaults=values)
    return kept


def solve_plan(plan: AssignmentPlan, *, actor: Actor, revision: int | None = None) -> AssignmentPlan:
    """Have a plan worked out by a worker; while it is, a second call changes nothing."""
    require(actor, "funding.assign_reviews", plan)
    with transaction.atomic():
        held = lock_plan(plan)
        if held.state == PlanState.SOLVING:
            return held
        refuse_other_revision(held, revision)
        if held.is_draw and held.parent is None:
            if held.published_at is None:
                raise DomainError(
                    _("Publish the pool and the seed first: nobody may choose them after the draw."),
                    code="not_published",
                )
            if held.solved_at is not None:
                raise IllegalTransition(_("This draw is made; it is made once."), code="drawn")
        begin_solving(held, actor=actor)
    return held


def begin_solving(held: AssignmentPlan, *, actor: Actor) -> None:
    """Move a locked plan to a worker."""
    advance(held, "solve", actor=actor, changes={"diagnosis": {}})
    held.revision += 1
    # Two jobs of one plan are told apart by the revision that they work out.
    held.job = start_job(SOLVE, actor=actor, params={"plan": held.pk, "revision": held.revision})
    held.save(update_fields=["job", "revision"])


def stop_solving(plan: AssignmentPlan, *, actor: Actor) -> AssignmentPlan:
    """Call the worker back; what was there before stays as it was."""
    with transaction.atomic():
        held = lock_plan(plan)
        if held.state == PlanState.DRAFT:
            return held
        advance(held, "stop", actor=actor)
        if held.job is not None and held.job.is_open:
            cancel_job(held.job, actor=SYSTEM)
    return held


def discard_plan(plan: AssignmentPlan, *, actor: Actor) -> AssignmentPlan:
    """Give a plan up; it stays on record. Twice is once."""
    with transaction.atomic():
        held = lock_plan(plan)
        if held.state == PlanState.DISCARDED:
            return held
        return advance(held, "discard", actor=actor)


def lock_plan(plan: AssignmentPlan, revision: int | None = None) -> AssignmentPlan:
    """Return the plan as stored, locked. Raises ``Conflict`` when its revision is another than the one given."""
    held: AssignmentPlan = (
        AssignmentPlan.objects.select_for_update(of=("self",))
        .select_related("call__lead", "stage", "parent", "job")
        .get(pk=plan.pk)
    )
    refuse_other_revision(held, revision)
    return held


def refuse_other_revision(held: AssignmentPlan, revision: int | None) -> None:
    if revision is not None and held.revision != revision:
        raise Conflict(
            _(
                "Someone else has changed this assignment meanwhile. Nothing of yours was stored; look at what stands "
                "there now and do it again."
            ),
            current=held,
        )
