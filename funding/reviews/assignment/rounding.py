"""From a solved relaxation to whole pairs, with the proof kept, and the two conditions that no linear program sees.

A pair whose reduced cost is lower than minus the distance between the relaxation's value and what was found cannot be
in anything better (Dantzig, Fulkerson & Johnson 1954: reduced-cost fixing). So the integer program is solved (HiGHS)
over the pairs of small reduced cost only, and still what it proves holds for all pairs.

Where whole pairs at a floor are not found in the time they are given, the floor may lack (`elastic`): what every
application lacks of it costs dear, more the more it lacks, and so there always is an answer, whose gap is stated.

That the graph is connected, and that no two reviewers share too many applications, is asked for where it is broken:
for each part that falls off, one pair that leads out of it; for each two reviewers who share too many, a count of
what they share. Then the program is solved again, until nothing is broken.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse.csgraph import connected_components

from .clock import Clock
from .problem import Floats, Ints, Mask, Problem
from .relaxation import Model, Relaxed, build

EXACT_UP_TO = 4_000  # Open pairs: a problem as small as that is solved to the last digit.
COUNTED_UP_TO = 400
GAP = 2e-4  # Of a larger one: most of what is promised is left to the relaxation.
LOOSE_GAP = (
    0.02  # Of panels and of reviewers who share too many: the linear program sees little, proofs take hours.
)
NODES = 20_000  # A count, not a time: the same on every machine.
LOOSE_NODES = 200
PATIENCE = 15.0  # Seconds of one integer program of a large problem with a floor: its best is taken, or the floor lacks.
LACKING = (
    (0.02, 20.0),
    (np.inf, 200.0),
)  # Of a floor, the share that may lack, and what each unit of it costs.


@dataclass
class Whole:
    """Whole pairs, beside the fixed ones, and what is proven of any other choice."""

    chosen: Mask
    total: float
    bound: float
    costs: dict[str, float] = field(default_factory=dict)


@dataclass
class _Broken:
    """What has been seen broken so far."""

    parts: list[tuple[Mask, Mask]] = field(
        default_factory=list
    )  # applications, reviewers of a part that fell off
    twins: list[tuple[int, int]] = field(default_factory=list)  # two reviewers who shared too many


def round_total(
    problem: Problem, relaxed: Relaxed, floor: Floats | None, clock: Clock, *, elastic: bool = False
) -> Whole | None:
    """Return whole pairs of the largest total, None when there are none at all, or none in time at this floor.

    With ``elastic`` the floor may lack where it must; the bound is then none of what was found.
    """
    broken = _Broken()
    whole = _whole(problem, relaxed, floor, broken, clock, elastic=elastic)
    costs: dict[str, float] = {}
    for option in ("max_shared", "connected"):
        if option not in problem.options:
            continue
        before = whole
        while whole is not None and _add_broken(problem, whole, broken, connected=option == "connected"):
            clock.at(0.9, "options")
            whole = _whole(problem, relaxed, floor, broken, clock, elastic=elastic)
        if before is not None and whole is not None:
            costs[option] = max(0.0, before.total - whole.total)
    if whole is not None:
        whole.costs = costs
        whole.bound = min(whole.bound, relaxed.bound)
    return whole


def round_worst(
    problem: Problem, relaxed: Relaxed, tolerance: float, clock: Clock
) -> tuple[Whole | None, float]:
    """Return whole pairs whose worst-served application is served best, and the bound that is proven of it.

    ``relaxed``: the relaxation with the goal "worst". The pairs reach the bound to within ``tolerance`` (a share), but
    for those of a large problem, which may share too many or be too few: its bound holds all the same.
    """
    broken = _Broken()
    while True:
        whole, proven = _whole_worst(problem, relaxed, tolerance, broken, clock)
        if whole is None or not _add_broken(problem, whole, broken):
            return whole, proven
        if broken.twins and problem.open.sum() > COUNTED_UP_TO:
            return whole, proven
        clock.at(0.6, "options")


def _whole_worst(
    problem: Problem, relaxed: Relaxed, tolerance: float, broken: _Broken, clock: Clock
) -> tuple[Whole | None, float]:
    for pool, margin in _widening(problem, relaxed):
        for applications, reviewers in broken.parts:
            pool |= _ways_out(problem, relaxed, applications, reviewers)
        model = build(problem, pool, None, worst=True)
        matrix, low, high, counters = _with_broken(problem, model, broken)
        height, width = matrix.shape
        column = np.zeros((height, 1))
        column[model.blocks["floor"], 0] = -problem.count[problem.asked]
        cost = np.zeros(width + 1)
        cost[-1] = -1.0
        result = milp(
            cost,
            integrality=np.concatenate([np.ones(width - counters), np.zeros(counters + 1)]),
            bounds=Bounds(np.zeros(width + 1), np.append(np.ones(width), np.inf)),
            constraints=LinearConstraint(
                sparse.hstack([matrix, sparse.csr_array(column)], format="csc"), low, high
            ),
            options={**_options(problem, broken, clock, floor=True), "mip_rel_gap": tolerance},
        )
        if result.x is None:
            clock.left()
            continue
        found = np.zeros(problem.shape, np.bool_)
        taken = result.x[: len(model.rows)] > 0.5
        found[model.rows[taken], model.columns[taken]] = True
        proven = max(-float(result.mip_dual_bound), relaxed.bound - margin)
        return Whole(found, _total(problem, found), np.inf), min(proven, relaxed.bound)
    return None, relaxed.bound


def is_whole(relaxed: Relaxed) -> bool:
    return bool((np.abs(relaxed.chosen - np.round(relaxed.chosen)) < 1e-6).all())


def _whole(
    problem: Problem,
    relaxed: Relaxed,
    floor: Floats | None,
    broken: _Broken,
    clock: Clock,
    *,
    elastic: bool = False,
) -> Whole | None:
    if not (broken.parts or broken.twins) and is_whole(relaxed):
        chosen = np.zeros(problem.shape, np.bool_)
        taken = relaxed.chosen > 0.5
        chosen[relaxed.rows[taken], relaxed.columns[taken]] = True
        return Whole(chosen, _total(problem, chosen), relaxed.bound)
    best: Whole | None = None
    if elastic:
        assert floor is not None, "what may lack is the floor"
        return _lacking(problem, relaxed, floor, broken, clock)
    for number, (pool, margin) in enumerate(_widening(problem, relaxed)):
        if number and floor is not None and not is_exact(problem):
            break  # More pairs make a program that was too hard no easier.
        for applications, reviewers in broken.parts:
            pool |= _ways_out(problem, relaxed, applications, reviewers)
        found = _solve(problem, pool, floor, broken, clock)
        if found is None:
            continue
        found.bound = max(found.bound, relaxed.bound - margin)
        if best is None or found.total > best.total:
            best = found
        if relaxed.bound - best.total <= max(margin, _gap(problem, broken) * relaxed.bound):
            return best
    return best


def _lacking(
    problem: Problem, relaxed: Relaxed, floor: Floats, broken: _Broken, clock: Clock
) -> Whole | None:
    """Whole pairs that lack least of the floor: among the pairs of the relaxation alone, then among some more."""
    support = np.zeros(problem.shape, np.bool_)
    positive = relaxed.chosen > 1e-9
    support[relaxed.rows[positive], relaxed.columns[positive]] = True
    best: tuple[float, Whole] | None = None
    for pool in (support, _widening(problem, relaxed)[0][0]):
        for applications, reviewers in broken.parts:
            pool |= _ways_out(problem, relaxed, applications, reviewers)
        found = _solve(problem, pool, floor, broken, clock, elastic=True)
        if found is None:
            continue
        found.bound = np.inf
        worth = found.total - _cost_of_lacking(problem, found.chosen, floor)
        if best is None or worth > best[0]:
            best = worth, found
    return None if best is None else best[1]


def _cost_of_lacking(problem: Problem, chosen: Mask, floor: Floats) -> float:
    wanted = np.where(np.isfinite(floor), floor, 0.0)
    lack = np.maximum(wanted - np.where(chosen, problem.affinity, 0.0).sum(axis=1), 0.0)
    cost = 0.0
    for share, price in LACKING:
        part = np.minimum(lack, share * np.maximum(wanted, 0.0)) if np.isfinite(share) else lack
        cost += price * float(part.sum())
        lack = lack - part
    return cost


def _widening(problem: Problem, relaxed: Relaxed) -> list[tuple[Mask, float]]:
    """Pools of more and more pairs, each with how low the reduced cost of a pair left out is at least."""
    values = relaxed.reduced[problem.open]
    pools = []
    for share in (8, 40, 200):
        most = share * problem.shape[0]
        if len(values) <= max(most, EXACT_UP_TO):
            break
        margin = -float(np.partition(values, len(values) - most)[len(values) - most])
        pool = relaxed.reduced > -max(margin, 1e-6)
        positive = relaxed.chosen > 1e-9
        pool[relaxed.rows[positive], relaxed.columns[positive]] = True
        pools.append((pool, max(margin, 1e-6)))
    return [*pools, (problem.open.copy(), np.inf)]


def is_exact(problem: Problem) -> bool:
    return int(problem.open.sum()) <= EXACT_UP_TO


def _is_loose(problem: Problem, broken: _Broken) -> bool:
    return not is_exact(problem) and bool(broken.twins or len(problem.panel))


def _gap(problem: Problem, broken: _Broken) -> float:
    if is_exact(problem):
        return 0.0
    return LOOSE_GAP if _is_loose(problem, broken) else GAP


def _options(problem: Problem, broken: _Broken, clock: Clock, *, floor: bool = False) -> dict[str, float]:
    options: dict[str, float] = {
        "mip_rel_gap": _gap(problem, broken),
        "node_limit": LOOSE_NODES if _is_loose(problem, broken) else NODES,
    }
    left = clock.left()
    if floor and not is_exact(problem):
        # Without a floor nodes are counted, not seconds: a draw comes out the same on every machine.
        left = PATIENCE if left is None else min(left, PATIENCE)
    if left is not None:
        options["time_limit"] = left
    return options


def _solve(
    problem: Problem,
    pool: Mask,
    floor: Floats | None,
    broken: _Broken,
    clock: Clock,
    *,
    elastic: bool = False,
) -> Whole | None:
    model = build(problem, pool, floor)
    matrix, low, high, counters = _with_broken(problem, model, broken)
    size, width = len(model.rows), matrix.shape[1]
    cost = np.zeros(width)
    cost[:size] = -problem.affinity[model.rows, model.columns]
    most = np.ones(width)
    parts = 0
    if elastic:
        places = np.arange(model.blocks["floor"].start, model.blocks["floor"].stop)
        for share, price in LACKING:
            lacks = sparse.csc_array(
                (np.ones(len(places)), (places, np.arange(len(places)))), shape=(matrix.shape[0], len(places))
            )
            matrix = sparse.hstack([matrix, lacks], format="csc")
            cost = np.concatenate([cost, np.full(len(places), price)])
            wanted = np.maximum(low[places], 0.0)
            most = np.concatenate(
                [most, share * wanted if np.isfinite(share) else np.full(len(places), np.inf)]
            )
            parts += len(places)
    result = milp(
        cost,
        integrality=np.concatenate([np.ones(width - counters), np.zeros(counters + parts)]),
        bounds=Bounds(0, most),
        constraints=LinearConstraint(matrix, low, high),
        options=_options(problem, broken, clock, floor=floor is not None),
    )
    if result.x is None:
        clock.left()
        return None
    chosen = np.zeros(problem.shape, np.bool_)
    taken = result.x[:size] > 0.5
    chosen[model.rows[taken], model.columns[taken]] = True
    return Whole(chosen, _total(problem, chosen), -float(result.mip_dual_bound))


def _total(problem: Problem, chosen: Mask) -> float:
    return float(problem.affinity[chosen].sum())


def _with_broken(
    problem: Problem, model: Model, broken: _Broken
) -> tuple[sparse.csc_array, Floats, Floats, int]:
    """The model's rows and those for what was seen broken; also how many columns count what two reviewers share."""
    blocks: list[list[sparse.csr_array]] = []
    lows, highs = [model.low], [model.high]
    width = model.matrix.shape[1]
    for applications, reviewers in broken.parts:
        crossing = np.flatnonzero(applications[model.rows] != reviewers[model.columns])
        row = sparse.csr_array(
            (np.ones(len(crossing)), (np.zeros(len(crossing), np.int64), crossing)), shape=(1, width)
        )
        blocks.append([row, sparse.csr_array((1, 0))])
        lows.append(np.ones(1))
        highs.append(np.full(1, np.inf))
    place = np.full(problem.shape, -1, np.int64)
    place[model.rows, model.columns] = np.arange(len(model.rows))
    for one, other in broken.twins:
        first, second = place[:, one], place[:, other]
        held = problem.fixed[:, one].astype(np.int64) + problem.fixed[:, other]
        both = np.flatnonzero((first >= 0).astype(np.int64) + (second >= 0) + held == 2)
        count = len(both)
        column = np.concatenate([first[both], second[both]])
        line = np.tile(np.arange(count), 2)[column >= 0]
        column = column[column >= 0]
        rows = sparse.csr_array((np.ones(len(column)), (line, column)), shape=(count + 1, width))
        counted = sparse.vstack(
            [-sparse.identity(count, format="csr"), sparse.csr_array(np.ones((1, count)))], format="csr"
        )
        blocks.append([rows, sparse.csr_array(counted)])
        assert problem.max_shared is not None
        lows.append(np.full(count + 1, -np.inf))
        highs.append(np.append(1.0 - held[both], float(problem.max_shared)))
    counters = sum(extra.shape[1] for _rows, extra in blocks)
    table: list[list[sparse.csr_array | None]] = [
        [model.matrix, sparse.csr_array((model.matrix.shape[0], counters))]
    ]
    start = 0
    for rows, extra in blocks:
        parts = [sparse.csr_array((extra.shape[0], start)), extra]
        parts.append(sparse.csr_array((extra.shape[0], counters - start - extra.shape[1])))
        table.append([rows, sparse.hstack(parts, format="csr")])
        start += extra.shape[1]
    matrix = sparse.vstack([sparse.hstack(line, format="csr") for line in table], format="csc")
    return matrix, np.concatenate(lows), np.concatenate(highs), counters


def _add_broken(problem: Problem, whole: Whole, broken: _Broken, *, connected: bool = True) -> bool:
    """Note what these pairs break of the conditions that no linear program sees; return whether there is anything."""
    twins = _share_too_many(problem, whole.chosen)
    parts = _fallen_off(problem, whole.chosen) if connected and problem.connected else []
    broken.twins += twins
    broken.parts += parts
    return bool(twins or parts)


def _share_too_many(problem: Problem, chosen: Mask) -> list[tuple[int, int]]:
    if problem.max_shared is None:
        return []
    reads = sparse.csr_array((chosen | problem.fixed).astype(np.int32))
    together = sparse.triu(reads.T @ reads, 1).tocoo()
    over = together.data > problem.max_shared
    return [(int(one), int(other)) for one, other in zip(together.row[over], together.col[over], strict=True)]


def _fallen_off(problem: Problem, chosen: Mask) -> list[tuple[Mask, Mask]]:
    """The parts into which the graph of applications and reviewers falls; none when it hangs together."""
    reads = sparse.csr_array(chosen | problem.fixed)
    size_a = problem.shape[0]
    _number, label = connected_components(
        sparse.bmat([[None, reads], [reads.T, None]], format="csr"), directed=False
    )
    parts: Ints = np.unique(label[:size_a][problem.count > 0])
    if len(parts) < 2:
        return []
    return [(label[:size_a] == part, label[size_a:] == part) for part in parts]


def _ways_out(problem: Problem, relaxed: Relaxed, applications: Mask, reviewers: Mask) -> Mask:
    """The best pairs that lead out of a part: without them a small pool may hold none."""
    crossing = problem.open & (applications[:, None] != reviewers[None, :])
    worth = np.where(crossing, relaxed.reduced, -np.inf).ravel()
    most = min(40, int(crossing.sum()))
    ways = np.zeros(worth.shape, np.bool_)
    if most:
        ways[np.argpartition(-worth, most - 1)[:most]] = True
    return ways.reshape(problem.shape)
