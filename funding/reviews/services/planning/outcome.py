"""What is told of a plan: how good it is, what else would give, and where there is none, why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from funding.reviews.models import PlanPool
from funding.reviews.models.assignment import CONFLICT, STEPPED_BACK, UNFIT
from funding.reviews.services.planning.inputs import Inputs

if TYPE_CHECKING:
    from funding.reviews.assignment import Assignment, Infeasible, OutOfTime

Pairs = Iterable[tuple[int, int]]  # (run id, person id)
MOST_NAMED: Final = 50  # applications or reviewers that a diagnosis lists


@dataclass(frozen=True)
class Quality:
    """How good some pairs are: of matches from 0 to 1, and of applications by the mean match of their reviewers."""

    total: float
    mean: float  # of all pairs
    worst: float  # the smallest mean of an application; 0 when one has nobody
    worst_run: int | None
    pairs: int
    short: int  # applications with fewer reviewers than they are to have
    most: int  # the largest load
    least: int
    loads: Mapping[int, int]  # {person id: applications}

    def as_json(self) -> dict[str, Any]:
        names = ("total", "mean", "worst", "worst_run", "pairs", "short", "most", "least")
        return {name: getattr(self, name) for name in names}


def quality_of(pool: PlanPool, pairs: Pairs) -> Quality:
    """Return how good ``pairs`` are by the matches of ``pool``; pairs of others count as matching not at all."""
    import numpy as np  # only plans wait for it, not every process of the site

    matches, rows, columns = pool.matches, pool.row_of, pool.column_of
    sums, counts = np.zeros(len(pool.runs)), np.zeros(len(pool.runs), np.int64)
    loads: Counter[int] = Counter(dict.fromkeys(pool.people, 0))
    number = 0
    for run, person in pairs:
        number += 1
        loads[person] += 1
        row, column = rows.get(run), columns.get(person)
        if row is None:
            continue
        counts[row] += 1
        if column is not None:
            sums[row] += matches[row, column]
    need = np.array(pool.terms["need"], np.int64)
    served = np.maximum(need, counts)
    # A review that is lacking matches nobody: leaving one out never makes an application better served.
    means = np.divide(sums, served, out=np.zeros_like(sums), where=served > 0)
    asked = np.flatnonzero(served > 0)
    worst = int(asked[means[asked].argmin()]) if len(asked) else None
    total = float(sums.sum())
    return Quality(
        total=round(total, 4),
        mean=round(total / number, 4) if number else 0.0,
        worst=round(float(means[worst]), 4) if worst is not None else 0.0,
        worst_run=pool.runs[worst] if worst is not None else None,
        pairs=number,
        short=int((counts < need).sum()),
        most=max(loads.values(), default=0),
        least=min(loads.values(), default=0),
        loads=loads,
    )


def figures_of(
    pool: PlanPool, inputs: Inputs, result: Assignment, *, is_draw: bool, seconds: float
) -> dict[str, Any]:
    """Return what a plan keeps of its result. A draw has no proof: its quality is what chance gave."""
    pairs = [(pool.runs[row], pool.people[column]) for row, column in result.pairs]
    closed = inputs.closed
    found: dict[str, Any] = {
        **quality_of(pool, pairs).as_json(),
        "kept": len(inputs.fixed),
        "applications": len(pool.runs),
        "reviewers": len(pool.people),
        "conflicts": int((closed == CONFLICT).sum()),
        "stepped_back": int((closed == STEPPED_BACK).sum()),
        "unfit": int((closed == UNFIT).sum()),
        "seconds": round(seconds, 1),
        "pool": pool.digest,
    }
    if not is_draw:
        found["bound"] = round(result.total_bound, 4)
        found["worst_bound"] = None if result.worst_bound is None else round(result.worst_bound, 4)
        found["optimal"] = result.optimal
        found["costs"] = {name: round(cost, 4) for name, cost in result.costs.items()}
    return found


# --- why there is none


def diagnosis_of(error: Infeasible, pool: PlanPool) -> dict[str, Any]:
    """Return the reason as it is kept: ids of applications and of people, how many reviews are missing, what to loosen."""
    return {
        "code": error.reason,
        "missing": error.missing,
        "loosen": list(error.loosen),
        "bound": None if error.bound is None else round(error.bound, 4),
        "knots": [
            {
                "runs": [pool.runs[row] for row in knot.applications[:MOST_NAMED]],
                "more_runs": max(0, len(knot.applications) - MOST_NAMED),
                "people": [pool.people[column] for column in knot.reviewers[:MOST_NAMED]],
                "more_people": max(0, len(knot.reviewers) - MOST_NAMED),
                "full": [pool.people[column] for column in knot.full[:MOST_NAMED]],
                "missing": knot.missing,
                "kind": None if knot.kind is None else str(knot.kind),
                "barred": _barred(pool, knot.applications),
            }
            for knot in error.shortages[:20]
        ],
    }


def _barred(pool: PlanPool, rows: Sequence[int]) -> dict[str, int]:
    """How many reviewers are left out for each reason, over these applications."""
    closed = pool.closed[list(rows)]
    names = ((CONFLICT, "conflicts"), (STEPPED_BACK, "stepped_back"), (UNFIT, "unfit"))
    return {name: int((closed == code).sum()) for code, name in names}


def too_long(error: OutOfTime) -> dict[str, Any]:
    return {"code": "out_of_time", "seconds": round(error.seconds), "knots": [], "loosen": []}


def too_few(pool: PlanPool, asked: int) -> dict[str, Any]:
    """There are no applications, or fewer reviewers in the pool than one application is to have."""
    return {
        "code": "no_applications" if not pool.runs else "small_pool",
        "reviewers": len(pool.people),
        "asked": asked,
        "knots": [],
        "loosen": ["pool", "per_application"] if pool.runs else [],
    }
