"""The record of a random draw: everything with which anybody makes it again and gets the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from funding.reviews.criteria import criteria_of
from funding.reviews.models import AssignmentPlan, PlanPool, Reviewer, StageRun, fingerprint
from funding.reviews.services.conflicts import kept_from
from funding.reviews.services.planning.inputs import Inputs, key_of, published
from funding.reviews.states import PairOrigin
from park_portal.core.accounts.models import User
from park_portal.core.errors import DomainError

FORMAT: Final = "park-portal draw 1"


def knows_names(plan: AssignmentPlan, viewer: User) -> bool:
    """Return whether ``viewer`` may know who is who in a draw: not with a conflict of interest in an application of it."""
    applications = StageRun.objects.filter(pk__in=PlanPool.objects.get(plan=plan).runs)
    return not kept_from(viewer, applications.values_list("application_id", flat=True))


def record_of_draw(plan: AssignmentPlan, viewer: User | None = None) -> dict[str, Any]:
    """Return seed, criteria, pool with its hash and, once drawn, the result: plain JSON that ``draw_again`` takes.

    Reviewers stand in the pool by keys, so that it can be made public before they have been asked; ``names`` says who
    they are and is for the park alone, without a ``viewer`` who has a conflict of interest in an application of it.
    """
    if not plan.is_draw or plan.root.published_at is None:
        raise DomainError(
            _("The pool and the seed of this draw are not published yet."), code="not_published"
        )
    pool = PlanPool.objects.get(plan=plan)
    keys = dict(zip(pool.people, pool.terms["people"], strict=True))
    numbers = dict(zip(pool.runs, pool.terms["runs"], strict=True))
    drawn = plan.pairs.filter(origin__in=(PairOrigin.DRAWN, PairOrigin.KEPT)).values_list(
        "run_id", "person_id"
    )
    named = viewer is None or knows_names(plan, viewer)
    experts = Reviewer.objects.filter(user__in=pool.people).select_related("user").order_by("pk")
    return {
        "format": FORMAT,
        "plan": plan.pk,
        "call": plan.call.code,
        "stage": plan.stage_id,
        "seed": plan.seed,
        "published_at": plan.root.published_at.isoformat(),
        "criteria": plan.criteria,
        "pool": published(pool),
        "pool_sha256": pool.digest,
        "drawn_at": plan.solved_at.isoformat() if plan.solved_at is not None else None,
        "result": sorted([numbers[run], keys[person]] for run, person in drawn),
        "names": {key_of(one): [one.user.name, one.institution] for one in experts} if named else {},
    }


def draw_again(record: Mapping[str, Any]) -> list[list[str]]:
    """Return [[application, reviewer]] of the draw that ``record`` describes, from nothing but what stands in it.

    Raises ``DomainError`` when the pool is not the one of which the hash was published.
    """
    from funding.reviews.assignment import draw  # numpy and scipy: only who draws waits for them

    if record.get("format") != FORMAT:
        raise DomainError(_("This is not the record of a draw."), code="format")
    if fingerprint(record["pool"]) != record["pool_sha256"]:
        raise DomainError(
            _("The pool in this record is not the one that was published: its hash is another."), code="pool"
        )
    inputs, criteria = _inputs(record["pool"]), criteria_of(record["criteria"])
    result = draw(inputs.closed == 0, seed=record["seed"], deadline=None, **inputs.conditions(criteria))
    return sorted([inputs.rows[row], inputs.columns[column]] for row, column in result.pairs)


def _inputs(pool: Mapping[str, Any]) -> Inputs:
    import numpy as np  # likewise

    applications, reviewers = pool["applications"], pool["reviewers"]
    rows = {one["key"]: row for row, one in enumerate(applications)}
    columns = {one["key"]: column for column, one in enumerate(reviewers)}
    closed = np.zeros((len(rows), len(columns)), np.uint8)
    for key, barred in pool["not_eligible"].items():
        closed[rows[key], [columns[one] for one in barred]] = 1
    fixed = tuple(sorted((rows[one], columns[other]) for one, other in pool["asked_already"]))
    return Inputs(
        matches=np.zeros(closed.shape),
        closed=closed,
        fixed=fixed,
        need=tuple(one["reviews"] for one in applications),
        limit=tuple(one["most"] for one in reviewers),
        able=tuple(one["most"] for one in reviewers),
        least=tuple(one["least"] for one in reviewers),
        rows=tuple(rows),
        columns=tuple(columns),
        kinds=tuple(one["kind"] for one in reviewers),
        institutions=tuple(one["institution"] for one in reviewers),
        groups=tuple(one["group"] for one in applications),
    )
