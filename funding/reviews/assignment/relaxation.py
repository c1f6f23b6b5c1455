"""The linear program behind an assignment, solved over all pairs without ever holding all of them.

A pair (a, r) may be chosen in part, 0 ≤ x ≤ 1. With the condition that only loads and conflicts bind this is a
transportation problem, whose best corner is whole numbers anyway; with a floor or options its value is a bound.

Of 1.2 million pairs some ten thousand matter. The program is solved over a pool of pairs (HiGHS, through SciPy); its
prices then tell what every other pair would be worth, those that would help are taken into the pool, and so on until
none would (column generation: Dantzig & Wolfe 1960; Desrosiers & Lübbecke 2005).

The bound does not rely on the solver: whatever the prices, giving each application its best pairs at these prices and
adding what the limits are worth can only overestimate (Lagrange's duality). `_dual_bound` computes that over all
pairs, so a bound is right even if a solver's answer were not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from .clock import Clock
from .problem import Floats, Ints, Mask, Problem

Goal = Literal["total", "worst", "possible"]
SMALL = 1e-7  # HiGHS's own tolerance.
DEAR = (
    1e4  # What a floor that lacks one costs; where a floor is dearer than that, it is solved without lacking.
)


@dataclass
class Relaxed:
    """A solved program: its pairs, how much of each is chosen, what is proven, what each pair would be worth."""

    rows: Ints
    columns: Ints
    chosen: Floats
    value: float
    bound: float
    """Total without the fixed pairs, mean of the worst-served, or (minus) what is lacking, as the goal is."""
    reduced: Floats
    """(A, R): what choosing a pair would add to the value; nought at most, but for rounding."""
    decisive: Mask
    """(A,): the applications whose need, floor or mix has a price: the value would be the same without the others."""
    lacking: float
    """What is lacking of the floors, where it may lack."""


@dataclass
class Model:
    """The rows of a program over a pool of pairs; also what the rounding to whole pairs starts from.

    Variables: one per pair, then one per (group, reviewer) that says whether the reviewer may read the group.
    Rows are ``low ≤ matrix @ x ≤ high``, in blocks named in ``blocks``.
    """

    rows: Ints
    columns: Ints
    panel_group: Ints
    panel_reviewer: Ints
    matrix: sparse.csr_array
    low: Floats
    high: Floats
    blocks: dict[str, slice]
    institution_rows: tuple[Ints, Ints]  # application, institution
    link_rows: tuple[Ints, Ints]  # number of the pair, number of the (group, reviewer)


def start_pool(problem: Problem, flow: Mask, most: int = 10) -> Mask:
    """Return the pairs to begin with: the best of each application at rough prices of reviewers, and a feasible flow."""
    worth = np.where(problem.open, problem.affinity, -np.inf)
    prices = _rough_prices(problem, worth)
    width = min(problem.shape[1], int(problem.need.max(initial=0)) + most)
    best = np.argpartition(prices - worth, width - 1, axis=1)[:, :width]
    pool = flow.copy()
    np.put_along_axis(pool, best, True, axis=1)
    # What the application would have without anybody else, for the worst-served.
    best = np.argpartition(-worth, width // 2, axis=1)[:, : width // 2]
    np.put_along_axis(pool, best, True, axis=1)
    return pool & problem.open


def _rough_prices(problem: Problem, worth: Floats) -> Floats:
    """Prices of reviewers by subgradient steps: whoever is wanted by too many becomes dearer (Held & Karp 1971)."""
    size_r = worth.shape[1]
    width = min(size_r, max(48, 4 * int(problem.need.max(initial=0))))
    near = np.argpartition(-worth, width - 1, axis=1)[:, :width]
    values = np.take_along_axis(worth, near, axis=1)
    prices = np.zeros(size_r)
    finite = worth[np.isfinite(worth)]
    step = float(finite.std()) / 2 if finite.size else 0.0
    places = np.arange(width)[None, :] < problem.need[:, None]
    for turn in range(80):
        order = np.argsort(prices[near] - values, axis=1)
        taken = np.take_along_axis(near, order, axis=1)[places]
        wanted = np.bincount(taken, minlength=size_r)
        over = np.where(wanted > problem.room, wanted - problem.room, np.minimum(wanted - problem.least, 0))
        spare = (over == 0) & (prices > 0) & (wanted < problem.room)
        over = np.where(spare, wanted - problem.room, over)
        prices += step / (1 + turn / 4) * over / np.maximum(problem.room, 1)
        prices = np.where((prices < 0) & (wanted >= problem.least), 0.0, prices)
    return prices


def solve(
    problem: Problem,
    pool: Mask,
    goal: Goal,
    clock: Clock,
    *,
    floor: Floats | None = None,
    elastic: bool = False,
) -> Relaxed:
    """Solve the program over all open pairs; ``pool`` grows by what it takes.

    ``floor``: (A,) sums of affinity that the pairs chosen for each application are to reach, minus infinity for
    none. With the goal "worst" it is left out, and the smallest mean is maximised. With the goal "possible" the value
    is minus what is lacking of all that is asked, so a bound below nought proves that it cannot be done. The other
    goals need a pool that can fulfil all conditions (as it can after "possible" came to nought); with ``elastic`` all
    but the floors, of which any that lacks something costs dear.
    """
    while True:
        model = build(problem, pool, floor, worst=goal == "worst")
        size, panels, rows = len(model.rows), len(model.panel_group), model.matrix.shape[0]
        extra = _extra_columns(problem, model, goal, elastic=elastic)
        worth = problem.affinity[model.rows, model.columns] if goal == "total" else np.zeros(size)
        cost = np.concatenate([-worth, np.zeros(panels), extra.cost])
        if not cost.size:  # Everything is fixed.
            nobody = np.zeros(problem.shape[0], np.bool_)
            return Relaxed(
                model.rows, model.columns, np.zeros(0), 0.0, 0.0, -np.ones(problem.shape), nobody, 0.0
            )
        wide = sparse.hstack([model.matrix, extra.matrix], format="csr") if extra.cost.size else model.matrix
        equal = model.low == model.high
        below = np.flatnonzero(~equal & np.isfinite(model.high))
        above = np.flatnonzero(~equal & np.isfinite(model.low))
        result = linprog(
            cost,
            A_ub=sparse.vstack([wide[below], -wide[above]], format="csr"),
            b_ub=np.concatenate([model.high[below], -model.low[above]]),
            A_eq=wide[np.flatnonzero(equal)],
            b_eq=model.low[equal],
            bounds=np.concatenate(
                [np.tile([0.0, 1.0], (size + panels, 1)), np.tile([0.0, np.inf], (extra.cost.size, 1))]
            ),
            method="highs",
            options=_options(clock),
        )
        if result.status == 1:
            raise clock.over()
        if result.status != 0:
            raise ArithmeticError(f"the linear program was not solved: {result.message}")
        prices = np.zeros(rows)  # What one unit more of each row's limit would add to the value.
        prices[equal] = -result.eqlin.marginals
        prices[below] -= result.ineqlin.marginals[: len(below)]
        prices[above] += result.ineqlin.marginals[len(below) :]
        if goal == "worst":
            # The mean's own column has to be priced at one exactly for the bound to hold.
            mean = -(prices[model.blocks["floor"]] * problem.count[problem.asked]).sum()
            prices /= mean if mean > 0 else 1.0
        bound, reduced, useful = _price(problem, pool, model, prices, goal, floor)
        value = -float(result.fun)
        if not useful.any():
            chosen = np.clip(result.x[:size], 0.0, 1.0)
            decisive = _decisive(problem, model, prices, goal, floor)
            lacking = float(result.x[size + panels :].sum()) if elastic else 0.0
            return Relaxed(
                model.rows, model.columns, chosen, value, max(bound, value), reduced, decisive, lacking
            )
        pool |= useful


def _decisive(problem: Problem, model: Model, prices: Floats, goal: Goal, floor: Floats | None) -> Mask:
    decisive = np.abs(prices[model.blocks["need"]]) > SMALL
    if "floor" in model.blocks:
        served = problem.asked if goal == "worst" or floor is None else np.isfinite(floor)
        decisive[served] |= np.abs(prices[model.blocks["floor"]]) > SMALL
    if "mix" in model.blocks:
        of_mix = np.zeros(problem.mix.shape)
        of_mix[problem.mix > 0] = prices[model.blocks["mix"]]
        decisive |= (np.abs(of_mix) > SMALL).any(axis=1)
    return np.asarray(decisive)


def _options(clock: Clock) -> dict[str, float]:
    left = clock.left()
    return {} if left is None else {"time_limit": left}


@dataclass
class _Extra:
    """Columns beside pairs: the mean that is maximised, or what is lacking of each row."""

    cost: Floats
    matrix: sparse.csr_array


def _extra_columns(problem: Problem, model: Model, goal: Goal, *, elastic: bool) -> _Extra:
    height = model.matrix.shape[0]
    if goal == "worst":
        column = np.zeros((height, 1))
        column[model.blocks["floor"], 0] = -problem.count[problem.asked]
        return _Extra(np.array([-1.0]), sparse.csr_array(column))
    if goal == "possible" or (elastic and "floor" in model.blocks):
        rows = np.flatnonzero(np.isfinite(model.low))
        if goal != "possible":
            rows = np.arange(height)[model.blocks["floor"]]
        ones = np.ones(len(rows))
        matrix = sparse.csr_array((ones, (rows, np.arange(len(rows)))), shape=(height, len(rows)))
        return _Extra(ones if goal == "possible" else ones * DEAR * problem.affinity.max(), matrix)
    return _Extra(np.zeros(0), sparse.csr_array((height, 0)))


def build(problem: Problem, pool: Mask, floor: Floats | None, *, worst: bool = False) -> Model:
    """Write down the rows of the program over the pairs in ``pool``."""
    rows, columns = np.nonzero(pool)
    size = len(rows)
    pairs = np.arange(size)
    size_r = problem.shape[1]
    group = problem.group[rows]
    linked = np.flatnonzero((group >= 0) & ~_on_panel(problem)[group, columns])
    codes = group[linked] * size_r + columns[linked]
    seats, seat = np.unique(codes, return_inverse=True)
    width = size + len(seats)
    blocks: dict[str, slice] = {}
    parts: list[sparse.csr_array] = []
    lows: list[Floats] = []
    highs: list[Floats] = []

    def add(
        name: str, data: Floats, row: Ints, column: Ints, low: Floats | Ints, high: Floats | Ints
    ) -> None:
        start = sum(len(one) for one in lows)
        blocks[name] = slice(start, start + len(low))
        parts.append(sparse.csr_array((data, (row, column)), shape=(len(low), width)))
        lows.append(low.astype(np.float64))
        highs.append(high.astype(np.float64))

    ones = np.ones(size)
    add("need", ones, rows, pairs, problem.need, problem.need)
    add("load", ones, columns, pairs, np.where(problem.least > 0, problem.least, -np.inf), problem.room)
    if worst or floor is not None:
        served = problem.asked if worst or floor is None else np.isfinite(floor)
        reach = -problem.given[served] if worst or floor is None else floor[served]
        number = np.cumsum(served) - 1
        inside = served[rows]
        add(
            "floor",
            problem.affinity[rows, columns][inside],
            number[rows[inside]],
            pairs[inside],
            reach,
            np.full(len(reach), np.inf),
        )
    if problem.mix.any():
        asked = problem.mix > 0
        number = (np.cumsum(asked) - 1).reshape(asked.shape)
        kind = problem.kind[columns]
        inside = (kind >= 0) & asked[rows, kind]
        low = problem.mix[asked]
        add(
            "mix",
            ones[inside],
            number[rows[inside], kind[inside]],
            pairs[inside],
            low,
            np.full(len(low), np.inf),
        )
    institution = problem.institution[columns]
    inside = np.flatnonzero(institution >= 0)
    codes, place, times = np.unique(
        rows[inside] * (size_r + 1) + institution[inside], return_inverse=True, return_counts=True
    )
    kept = times > 1
    if kept.any():
        number = np.cumsum(kept) - 1
        several = kept[place]
        high = np.ones(int(kept.sum()))
        add(
            "institution",
            ones[: int(several.sum())],
            number[place[several]],
            inside[several],
            np.full(len(high), -np.inf),
            high,
        )
    if len(problem.panel):
        taken = _on_panel(problem)[:-1].sum(axis=1)
        add(
            "panel",
            np.ones(len(seats)),
            seats // size_r,
            size + np.arange(len(seats)),
            np.full(len(problem.panel), -np.inf),
            problem.panel - taken,
        )
        count = len(linked)
        add(
            "link",
            np.concatenate([np.ones(count), -np.ones(count)]),
            np.tile(np.arange(count), 2),
            np.concatenate([linked, size + seat]),
            np.full(count, -np.inf),
            np.zeros(count),
        )
    return Model(
        rows=rows,
        columns=columns,
        panel_group=seats // size_r,
        panel_reviewer=seats % size_r,
        matrix=sparse.vstack(parts, format="csr"),
        low=np.concatenate(lows),
        high=np.concatenate(highs),
        blocks=blocks,
        institution_rows=(codes[kept] // (size_r + 1), codes[kept] % (size_r + 1)),
        link_rows=(linked, seat),
    )


def _on_panel(problem: Problem) -> Mask:
    """(groups + 1, R): who reads a group already, by a fixed pair; the last row is for applications of no group."""
    there = np.zeros((len(problem.panel) + 1, problem.shape[1]), np.bool_)
    rows, columns = np.nonzero(problem.fixed)
    there[problem.group[rows], columns] = True
    there[-1] = False
    return there


def _price(
    problem: Problem, pool: Mask, model: Model, prices: Floats, goal: Goal, floor: Floats | None
) -> tuple[float, Floats, Mask]:
    """Return the proven bound at these prices, what each pair is worth at them, and the pairs to take in."""
    size_a, size_r = problem.shape
    blocks = model.blocks
    # The sign of a price follows its row: what limits from above is worth something, what demands costs.
    load = prices[blocks["load"]]
    load = np.where((problem.least == 0) & (load < 0), 0.0, load)
    fixed_part = float((problem.room * np.maximum(load, 0) + problem.least * np.minimum(load, 0)).sum())
    weight = np.full(size_a, 1.0 if goal == "total" else 0.0)
    if "floor" in blocks:
        dearer = np.maximum(-prices[blocks["floor"]], 0.0)
        served = problem.asked if goal == "worst" or floor is None else np.isfinite(floor)
        weight[served] += dearer
        fixed_part -= float((dearer * model.low[blocks["floor"]]).sum())
    worth = weight[:, None] * problem.affinity - load[None, :]
    if "mix" in blocks:
        asked = problem.mix > 0
        lift = np.zeros((size_a, len(problem.kinds) + 1))
        lift[:, :-1][asked] = np.maximum(-prices[blocks["mix"]], 0.0)
        fixed_part -= float((lift[:, :-1] * problem.mix).sum())
        worth += lift[:, problem.kind]
    if "institution" in blocks:
        price = np.maximum(prices[blocks["institution"]], 0.0)
        drop = np.zeros((size_a, size_r + 1))
        drop[model.institution_rows] = price
        fixed_part += float(price.sum())
        drop[:, -1] = 0.0
        worth -= drop[:, problem.institution]
    of_need = prices[blocks["need"]]
    if goal == "possible":
        of_need = np.maximum(of_need, -1.0)
    useful = problem.open & ~pool & (worth - of_need[:, None] > SMALL)
    if "link" in blocks:
        grouped = problem.group >= 0
        gain = np.where(problem.open & grouped[:, None], np.maximum(worth - of_need[:, None], 0.0), 0.0)
        pairs, _seat = model.link_rows
        gain[pool] = 0.0
        gain[model.rows[pairs], model.columns[pairs]] = np.maximum(prices[blocks["link"]], 0.0)
        seated = _on_panel(problem)
        gain[seated[problem.group]] = 0.0
        together = np.zeros((len(problem.panel), size_r))
        np.add.at(together, problem.group[grouped], gain[grouped])
        together[seated[:-1]] = 0.0
        seats = problem.panel - seated[:-1].sum(axis=1)
        ranked = -np.sort(-together, axis=1)
        fixed_part += float((ranked * (np.arange(size_r)[None, :] < seats[:, None])).sum())
        worth -= gain
        entering = together > np.maximum(prices[blocks["panel"]], 0.0)[:, None] + SMALL
        useful &= ~grouped[:, None] | seated[problem.group] | entering[problem.group]
    bound = fixed_part + _best_at_prices(problem, worth, 0.0 if goal != "possible" else 1.0)
    reduced = np.where(problem.open, worth - of_need[:, None], -np.inf)
    if useful.any():
        # The best few of each application: more would make the program large, fewer the rounds many.
        width = min(size_r, 6)
        ranked_worth = np.where(useful, worth, -np.inf)
        best = np.argpartition(-ranked_worth, width - 1, axis=1)[:, :width]
        few = np.zeros_like(useful)
        np.put_along_axis(few, best, True, axis=1)
        useful &= few
    return bound, reduced, useful


def _best_at_prices(problem: Problem, worth: Floats, lacking: float) -> float:
    """The sum over applications of their ``need`` best pairs; where a review may lack, it costs ``lacking``."""
    width = min(problem.shape[1], int(problem.need.max(initial=0)))
    if width == 0:
        return 0.0
    closed = -lacking if lacking else -np.inf
    values = np.where(problem.open, worth, closed)
    best = -np.sort(-np.partition(values, -width, axis=1)[:, -width:], axis=1)
    if lacking:
        best = np.maximum(best, closed)
    taken = np.arange(width)[None, :] < problem.need[:, None]
    return float(best[taken].sum())
