"""Working a plan out: what the worker does, from looking at the pool to the pairs on file."""

from __future__ import annotations

import hashlib
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.reviews.criteria import PlanCriteria
from funding.reviews.models import AssignmentPlan, Calculation, PlannedPair, PlanPool, fingerprint
from funding.reviews.services.planning.inputs import Inputs, inputs_of, take_pool
from funding.reviews.services.planning.outcome import diagnosis_of, figures_of, too_few, too_long
from funding.reviews.services.planning.plans import Shown, keep_pool, lock_plan
from funding.reviews.services.planning.replacing import on_solved
from funding.reviews.states import CalculationKind, PairOrigin, PlanFloor, PlanState
from park_portal.core.workflow import SYSTEM, advance

if TYPE_CHECKING:
    from funding.reviews.assignment import Assignment

LONGEST: Final = 900.0  # seconds for the plan itself; a job may take 25 minutes
SHOWN_WITHIN: Final = (
    80.0  # seconds from the start to the preview: what else would give has what is left of them
)
MOST_ROUNDS: Final = 5  # of a replacement during which others step back

STEPS: Final = {
    "checking": _("Looking whether it can be done"),
    "total": _("Looking for the best matches"),
    "worst": _("Looking after the worst-served application"),
    "rounding": _("Settling who reads what"),
    "options": _("Looking which criterion stands in the way"),
    "done": _("Comparing with other loads"),
}


def work_out(plan_id: int, revision: int, progress: Shown) -> AssignmentPlan | None:
    """Work out the plan that was asked for in ``revision``; return it, or None when it is no longer wanted.

    Nothing is kept of a plan that was stopped, discarded or asked for anew meanwhile. What is impossible ends in the
    state “failed” with its diagnosis; any other error too, and is raised again for the job to fail.
    """
    try:
        for _round in range(MOST_ROUNDS):
            found = _work_out(plan_id, revision, progress)
            if found is not None or not _is_wanted(plan_id, revision):
                return found
    except Exception:
        # Whatever went wrong, nobody is left before a bar that does not move.
        _fail(plan_id, revision, {"code": "broken", "knots": [], "loosen": []})
        raise
    _fail(plan_id, revision, {"code": "restless", "knots": [], "loosen": []})
    return None


def _is_wanted(plan_id: int, revision: int) -> bool:
    return AssignmentPlan.objects.filter(pk=plan_id, state=PlanState.SOLVING, revision=revision).exists()


def _work_out(plan_id: int, revision: int, progress: Shown) -> AssignmentPlan | None:
    """One round; None when the plan is no longer wanted, or others have stepped back since it began."""
    from funding.reviews.assignment import (
        Infeasible,
        OutOfTime,
    )  # numpy and scipy: only the worker waits for them

    plan = AssignmentPlan.objects.select_related("stage", "call", "parent").get(pk=plan_id)
    if plan.state != PlanState.SOLVING or plan.revision != revision:
        return None
    begun = time.monotonic()
    progress(0, 100, _("Reading applications, reviewers and conflicts of interest"))
    pool = PlanPool.objects.get(plan=plan) if plan.published_at is not None else take_pool(plan)
    asked = max(pool.terms["need"], default=0)
    if not pool.runs or len(pool.people) < asked:
        return _fail(plan_id, revision, too_few(pool, asked), pool)
    inputs = inputs_of(plan, pool)
    start = time.monotonic()
    try:
        result = find(plan, inputs, progress=_told(progress, 10, 75))
    except Infeasible as error:
        return _fail(plan_id, revision, diagnosis_of(error, pool), pool)
    except OutOfTime as error:
        return _fail(plan_id, revision, too_long(error), pool)
    taken = time.monotonic() - start
    figures = figures_of(pool, inputs, result, is_draw=plan.is_draw, seconds=taken)
    if not plan.is_draw and plan.parent_id is None:
        figures["alternatives"] = list(alternatives(plan.asked, inputs, result, begun, progress))
    progress(95, 100, _("Keeping the result"))
    with transaction.atomic():
        held = lock_plan(plan)
        if held.state != PlanState.SOLVING or held.revision != revision:
            return None
        if [one["key"] for one in held.because] != [one["key"] for one in plan.because]:
            return None  # somebody has stepped back since: their places are to be filled as well
        _keep(held, pool, inputs, result, figures)
        return on_solved(held)


def find(
    plan: AssignmentPlan, inputs: Inputs, *, progress: Callable[[float, str], None] | None = None
) -> Assignment:
    """Return the assignment that the plan's method gives for ``inputs``; the same every time."""
    from funding.reviews.assignment import assign, draw  # numpy and scipy: only the worker waits for them

    conditions = inputs.conditions(plan.asked)
    if plan.is_draw:
        return draw(inputs.closed == 0, seed=plan.seed, deadline=LONGEST, progress=progress, **conditions)
    return assign(
        inputs.matches,
        forbidden=inputs.closed != 0,
        floor=Inputs.floor(plan.asked),
        seed=plan.seed,
        deadline=LONGEST,
        progress=progress,
        **conditions,
    )


def _told(progress: Shown, start: int, end: int) -> Callable[[float, str], None]:
    def told(share: float, step: str) -> None:
        progress(start + round(share * (end - start)), 100, STEPS.get(step, ""))

    return told


# --- what else would give


def alternatives(
    criteria: PlanCriteria, inputs: Inputs, result: Assignment, start: float, progress: Shown
) -> Iterator[dict[str, Any]]:
    """Yield what other loads and floors would give; those that cannot be worked out in time say so."""
    from funding.reviews.assignment import (
        Infeasible,
        OutOfTime,
        assign,
    )  # numpy and scipy: only the worker waits for them

    varied = list(variations(criteria, inputs, result))
    for number, (changes, given) in enumerate(varied):
        progress(75 + 20 * number // max(1, len(varied)), 100, STEPS["done"])
        left = SHOWN_WITHIN - (time.monotonic() - start)
        line: dict[str, Any] = {"changes": changes}
        try:
            if left < 1:
                raise OutOfTime(0, "options")
            conditions = {**inputs.conditions(criteria), "floor": Inputs.floor(criteria), **given}
            found = assign(
                inputs.matches,
                forbidden=inputs.closed != 0,
                seed=result.seed,
                deadline=left,
                **conditions,
            )
        except Infeasible as error:
            line["missing"] = error.missing
            line["code"] = error.reason
        except OutOfTime:
            line["code"] = "out_of_time"
        else:
            line.update(
                total=round(found.total, 4),
                worst=round(found.worst, 4),
                total_change=round(found.total - result.total, 4),
                worst_change=round(found.worst - result.worst, 4),
                most=max(found.loads, default=0),
            )
        yield line


def variations(
    criteria: PlanCriteria, inputs: Inputs, result: Assignment
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield ({criterion: other value}, what ``assign`` is told instead): other floors, lower and higher loads."""
    for floor in (PlanFloor.BEST, PlanFloor.NONE):
        if floor != criteria.floor:
            yield {"floor": floor.value}, {"floor": Inputs.floor(criteria.changed(floor=floor.value))}
    fixed = Counter(column for _row, column in inputs.fixed)
    able, most = sum(1 for one in inputs.able if one), max(result.loads, default=0)
    even = math.ceil(sum(inputs.need) / able) if able else most
    loads = {even, (even + most) // 2, most - 1}
    if most == criteria.max_load:  # more would only help where the load binds
        loads |= {most + 1, most + max(2, most // 2)}
    for load in sorted(load for load in loads if load >= even and load != most):
        limits = [max(min(one, load), fixed[place]) for place, one in enumerate(inputs.able)]
        least = [min(one, limits[place]) for place, one in enumerate(inputs.least)]
        yield {"max_load": load}, {"max_load": limits, "min_load": least}


# --- what is kept


def _keep(
    held: AssignmentPlan, pool: PlanPool, inputs: Inputs, result: Assignment, figures: dict[str, Any]
) -> None:
    pool.plan = held
    if held.published_at is None:
        keep_pool(pool)
    asked = {(row, column) for row, column in pool.terms["fixed"]}
    stood = set(inputs.fixed) - asked
    origin = PairOrigin.DRAWN if held.is_draw else PairOrigin.SOLVED
    matches = pool.matches
    PlannedPair.objects.filter(plan=held).delete()
    names, people = pool.terms["runs"], pool.terms["people"]
    PlannedPair.objects.bulk_create(
        [
            PlannedPair(
                plan=held,
                run_id=pool.runs[row],
                person_id=pool.people[column],
                affinity=round(float(matches[row, column]), 4),
                origin=PairOrigin.KEPT
                if (row, column) in asked
                else PairOrigin.HAND
                if (row, column) in stood
                else origin,
            )
            for row, column in result.pairs
        ],
        batch_size=2000,
    )
    Calculation.objects.create(
        call=held.call,
        stage=held.stage,
        kind=CalculationKind.DRAW if held.is_draw else CalculationKind.ASSIGNMENT,
        method="draw" if held.is_draw else f"assign(floor={held.asked.floor})",
        seed=str(held.seed),
        # Of a draw the published hash; an assignment hangs on the matches as well.
        inputs_sha256=pool.digest
        if held.is_draw
        else fingerprint([pool.digest, hashlib.sha256(bytes(pool.affinity)).hexdigest()]),
        parameters={"plan": held.pk, **held.criteria},
        result={
            **{key: value for key, value in figures.items() if key != "alternatives"},
            "chosen": [[names[row], people[column]] for row, column in result.pairs],
        },
        made_by=held.job.owner if held.job is not None else None,
    )
    advance(
        held,
        "finish",
        actor=SYSTEM,
        changes={"figures": figures, "diagnosis": {}, "solved_at": timezone.now()},
        pairs=figures["pairs"],
        pool=pool.digest,
    )


def _fail(
    plan_id: int, revision: int, diagnosis: dict[str, Any], pool: PlanPool | None = None
) -> AssignmentPlan | None:
    with transaction.atomic():
        held = lock_plan(AssignmentPlan(pk=plan_id))
        if held.state != PlanState.SOLVING or held.revision != revision:
            return None
        if pool is not None and held.published_at is None:
            pool.plan = held
            keep_pool(pool)
        advance(held, "fail", actor=SYSTEM, changes={"diagnosis": diagnosis}, code=diagnosis["code"])
        return on_solved(held)
