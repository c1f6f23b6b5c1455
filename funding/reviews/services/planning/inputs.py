"""What a plan is worked out from: its applications and reviewers, who must not meet, how well each pair matches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import models
from django.utils import timezone

from funding.reviews.criteria import PlanCriteria, PoolFilter
from funding.reviews.models import (
    AssignmentPlan,
    PlannedPair,
    PlanPool,
    Review,
    Reviewer,
    StageRun,
    fingerprint,
)
from funding.reviews.models.assignment import CONFLICT, STEPPED_BACK, UNFIT
from funding.reviews.services.conflicts import conflicts_of
from funding.reviews.services.figures import COUNTED, runs_of_experts
from funding.reviews.services.matching import affinities
from funding.reviews.states import OPEN_REVIEWS, PairOrigin, PlanFloor, ReviewState
from incubator.organisations.names import normalise_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Whoever stepped back from an application is never asked for it again by a plan; staff still may.
AWAY: Final = (ReviewState.DECLINED, ReviewState.RECUSED, ReviewState.RELEASED, ReviewState.SUSPENDED)
GROUP_SIZE: Final = 8  # similar applications in a group, on average

Pair = tuple[int, int]


@dataclass(frozen=True)
class Inputs:
    """One plan's problem in the terms of the algorithm: rows are applications, columns reviewers."""

    matches: NDArray[np.float64]
    closed: NDArray[np.uint8]
    fixed: tuple[Pair, ...]  # asked already, and what was chosen by hand
    need: tuple[int, ...]  # reviews of each application, the fixed ones among them
    limit: tuple[int, ...]
    able: tuple[int, ...]  # what each reviewer would take on if the criteria allowed it
    least: tuple[int, ...]
    rows: tuple[str, ...]  # the applications' keys: their numbers
    columns: tuple[str, ...]  # the reviewers' keys
    kinds: tuple[str | None, ...]
    institutions: tuple[str | None, ...]
    groups: tuple[int | None, ...]

    def conditions(self, criteria: PlanCriteria) -> dict[str, Any]:
        """Return what ``assign`` and ``draw`` are both told."""
        found: dict[str, Any] = {
            "per_application": list(self.need),
            "max_load": list(self.limit),
            "min_load": list(self.least),
            "fixed": list(self.fixed),
            "applications": list(self.rows),
            "reviewers": list(self.columns),
        }
        if any(criteria.mix.values()):
            # Of an application with fewer reviewers to come than kinds are asked for, nothing of the kind is asked.
            wanted = sum(criteria.mix.values())
            found["kinds"] = list(self.kinds)
            found["mix"] = {
                kind: [number if need >= wanted else 0 for need in self.need]
                for kind, number in criteria.mix.items()
                if number
            }
        if criteria.one_per_institution:
            found["institutions"] = list(self.institutions)
        if criteria.together:
            found["groups"] = list(self.groups)
            found["group_strength"] = criteria.together / 100
        if criteria.connected:
            found["connected"] = True
        if criteria.max_shared is not None:
            found["max_shared"] = criteria.max_shared
        return found

    @staticmethod
    def floor(criteria: PlanCriteria) -> Any:
        """Return the floor as ``assign`` is told."""
        if criteria.floor == PlanFloor.NUMBER:
            return criteria.floor_value or 0.0
        return "best" if criteria.floor == PlanFloor.BEST else None


def key_of(reviewer: Reviewer) -> str:
    """Return the name by which a published draw knows a reviewer: never reused, and no name."""
    return f"R{reviewer.pk:05d}"


def runs_of_plan(plan: AssignmentPlan) -> models.QuerySet[StageRun]:
    """Return the applications that the plan is about: all in the stage, or those of the plan it mends."""
    rows = runs_of_experts().filter(stage=plan.stage_id).select_related("application")
    if plan.parent_id is not None:
        rows = rows.filter(planned__plan=plan.parent_id).distinct()
    return rows.order_by("pk")


def pool_of(criteria: PlanCriteria) -> Sequence[Reviewer]:
    """Return who may be asked, by the plan's filter."""
    wanted = criteria.pool
    rows = (
        Reviewer.objects.active()
        .select_related("user", "organisation")
        .annotate(
            open_reviews=models.Count("user__reviews", filter=models.Q(user__reviews__state__in=OPEN_REVIEWS))
        )
        .order_by("pk")
    )
    if wanted.kinds:
        rows = rows.filter(kind__in=wanted.kinds)
    found = [reviewer for reviewer in rows if _fits(reviewer, wanted)]
    if wanted.on_time:
        shares = on_time_of([reviewer.user_id for reviewer in found])
        found = [one for one in found if shares.get(one.user_id, 100.0) >= wanted.on_time]
    return found


def _fits(reviewer: Any, wanted: PoolFilter) -> bool:
    if wanted.with_room and reviewer.open_reviews >= reviewer.capacity:
        return False
    if wanted.institutions:
        name = normalise_name(reviewer.institution or str(reviewer.organisation or ""))
        if not any(part and part in name for part in map(normalise_name, wanted.institutions)):
            return False
    if wanted.keywords:
        own = " ".join([*reviewer.keywords, reviewer.statement]).casefold()
        return any(word.casefold() in own for word in wanted.keywords)
    return True


def on_time_of(people: Iterable[int]) -> dict[int, float]:
    """Return, for who has handed in or owes a review, the per cent handed in on time; one query."""
    due = models.Q(state=ReviewState.SUBMITTED) | models.Q(state__in=OPEN_REVIEWS, due_at__lt=timezone.now())
    in_time = models.Q(state=ReviewState.SUBMITTED, submitted_at__lte=models.F("due_at"))
    rows = (
        Review.objects.filter(due, reviewer__in=list(people))
        .order_by()
        .values("reviewer")
        .annotate(all=models.Count("pk"), good=models.Count("pk", filter=in_time))
    )
    return {row["reviewer"]: 100.0 * row["good"] / row["all"] for row in rows}


def take_pool(plan: AssignmentPlan) -> PlanPool:
    """Look at applications, reviewers, conflicts and matches as they are now; return them as the plan's pool, not saved."""
    import numpy as np  # only plans wait for it, not every process of the site

    criteria = plan.asked
    runs = list(runs_of_plan(plan))
    standing = list(
        Review.objects.filter(run__in=runs, state__in=(*COUNTED, *AWAY)).values_list(
            "pk", "run_id", "reviewer_id", "state"
        )
    )
    replaced = {one["review"] for one in plan.because}
    asked = [(run, who) for pk, run, who, state in standing if state in COUNTED and pk not in replaced]
    pool = {reviewer.user_id: reviewer for reviewer in pool_of(criteria)}
    by_hand = list(
        PlannedPair.objects.filter(plan=plan, origin=PairOrigin.HAND, run__in=runs).values_list(
            "run_id", "person_id"
        )
    )
    needed = {who for _run, who in (*asked, *by_hand)} - pool.keys()
    for reviewer in _others(needed):
        pool[reviewer.user_id] = reviewer
    experts = sorted(pool.values(), key=lambda one: one.pk)
    matches = np.zeros((len(runs), len(experts)))
    if runs and experts:
        matches = affinities([run.application for run in runs], experts)
    rows = {run.pk: row for row, run in enumerate(runs)}
    columns = {one.user_id: column for column, one in enumerate(experts)}

    closed = np.zeros(matches.shape, np.uint8)
    if criteria.minimum > 0:
        closed[np.rint(matches * 10_000) < round(criteria.minimum * 10_000)] = UNFIT
    for pk, run, who, state in standing:
        if who in columns and (state in AWAY or pk in replaced):
            closed[rows[run], columns[who]] = STEPPED_BACK
    of_application = {run.application_id: rows[run.pk] for run in runs}
    found = conflicts_of([run.application for run in runs], [one.user for one in experts])
    for application, who in found:
        closed[of_application[application], columns[who]] = CONFLICT
    fixed = [(rows[run], columns[who]) for run, who in asked if who in columns]
    for row, column in fixed:
        closed[row, column] = 0

    terms = {
        "fixed": [list(pair) for pair in sorted(fixed)],
        "need": _need(plan, runs, Counter(row for row, _column in fixed), standing, replaced),
        "runs": [run.application.number for run in runs],
        "people": [key_of(one) for one in experts],
        "kinds": [one.kind or None for one in experts],
        "institutions": [_institution(one) for one in experts],
        "groups": _groups(matches) if criteria.together else [None] * len(runs),
        **_loads(plan, criteria, experts, Counter(column for _row, column in fixed), needed),
    }
    made = PlanPool(
        plan=plan,
        runs=[run.pk for run in runs],
        people=[one.user_id for one in experts],
        terms=terms,
        **PlanPool.packed(matches, closed),
        taken_at=timezone.now(),
    )
    made.digest = fingerprint(published(made))
    return made


def _others(people: set[int]) -> Iterable[Reviewer]:
    """Those whom the filter leaves out, but who review here already or were chosen by hand."""
    if not people:
        return ()
    return Reviewer.objects.filter(user__in=people).select_related("user", "organisation")


def _need(
    plan: AssignmentPlan,
    runs: Sequence[StageRun],
    have: Counter[int],
    standing: Sequence[Any],
    replaced: set[int],
) -> list[int]:
    """How many reviewers each application is to have: as many as asked for; where some are replaced, as before."""
    if plan.parent_id is None:
        return [max(plan.asked.per_application, have[row]) for row in range(len(runs))]
    lost = Counter(run for pk, run, _who, _state in standing if pk in replaced)
    planned = Counter(
        PlannedPair.objects.filter(plan=plan.parent_id, run__in=runs).values_list("run_id", flat=True)
    )
    return [
        have[row] + min(lost[run.pk], max(0, planned[run.pk] - have[row])) for row, run in enumerate(runs)
    ]


def _loads(
    plan: AssignmentPlan,
    criteria: PlanCriteria,
    experts: Sequence[Any],
    have: Counter[int],
    kept_in: set[int],
) -> dict[str, list[int]]:
    """The most and the least that each reviewer reads, and what they could: as many as they take on at a time."""
    limit, least, able = [], [], []
    for column, reviewer in enumerate(experts):
        room = max(0, reviewer.capacity - getattr(reviewer, "open_reviews", reviewer.capacity))
        most = 0 if reviewer.user_id in kept_in else min(criteria.max_load, have[column] + room)
        limit.append(max(most, have[column]))
        able.append(have[column] + (0 if reviewer.user_id in kept_in else room))
        least.append(0 if plan.parent_id is not None else min(criteria.min_load, limit[-1]))
    return {"limit": limit, "least": least, "able": able}


def _institution(reviewer: Reviewer) -> str | None:
    if reviewer.organisation_id is not None:
        return f"#{reviewer.organisation_id}"
    return normalise_name(reviewer.institution) or None


def _groups(matches: NDArray[np.float64]) -> list[int | None]:
    """Number the groups of applications that the same reviewers match: average linkage of the rows by cosine."""
    from scipy.cluster.hierarchy import fcluster, linkage  # a second that only plans with groups need to wait

    if len(matches) < 2:
        return [None] * len(matches)
    tree = linkage(matches + 1e-9, method="average", metric="cosine")
    return [int(one) for one in fcluster(tree, max(1, len(matches) // GROUP_SIZE), criterion="maxclust")]


def inputs_of(plan: AssignmentPlan, pool: PlanPool) -> Inputs:
    """Return the problem that ``pool`` holds, with what was chosen by hand standing beside what was asked already."""
    terms = pool.terms
    fixed = {(row, column) for row, column in terms["fixed"]}
    closed = pool.closed
    if not plan.is_draw:  # of a draw nothing is chosen before
        chosen = PlannedPair.objects.filter(plan=plan, origin=PairOrigin.HAND).values_list(
            "run_id", "person_id"
        )
        for run, who in chosen:
            row, column = pool.row_of.get(run), pool.column_of.get(who)
            if row is not None and column is not None and closed[row, column] in (0, UNFIT):
                fixed.add((row, column))
    have, load = Counter(row for row, _c in fixed), Counter(column for _r, column in fixed)
    passed = closed.copy()
    for row, column in fixed:
        passed[row, column] = 0
    return Inputs(
        matches=pool.matches,
        closed=passed,
        fixed=tuple(sorted(fixed)),
        need=tuple(max(need, have[row]) for row, need in enumerate(terms["need"])),
        limit=tuple(max(limit, load[column]) for column, limit in enumerate(terms["limit"])),
        able=tuple(max(able, load[column]) for column, able in enumerate(terms["able"])),
        least=tuple(terms["least"]),
        rows=tuple(terms["runs"]),
        columns=tuple(terms["people"]),
        kinds=tuple(terms["kinds"]),
        institutions=tuple(terms["institutions"]),
        groups=tuple(terms["groups"]),
    )


def published(pool: PlanPool) -> dict[str, Any]:
    """Return what a draw makes known beforehand, of which ``pool.digest`` is the hash: by keys, without names."""
    import numpy as np  # only plans wait for it, not every process of the site

    terms, closed = pool.terms, pool.closed
    people = terms["people"]
    return {
        "applications": [
            {"key": key, "reviews": need, "group": group}
            for key, need, group in zip(terms["runs"], terms["need"], terms["groups"], strict=True)
        ],
        "reviewers": [
            {"key": key, "most": most, "least": least, "kind": kind, "institution": institution}
            for key, most, least, kind, institution in zip(
                people, terms["limit"], terms["least"], terms["kinds"], terms["institutions"], strict=True
            )
        ],
        "not_eligible": {
            key: [people[column] for column in np.flatnonzero(closed[row])]
            for row, key in enumerate(terms["runs"])
            if closed[row].any()
        },
        "asked_already": [[terms["runs"][row], people[column]] for row, column in terms["fixed"]],
    }
