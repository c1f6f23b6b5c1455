"""`assign`: the steps in their order; `price`: what other conditions would give."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .clock import Clock
from .feasibility import check_connectable, check_kinds, check_loads, feasible_flow
from .problem import Floats, Floor, Ints, Mask, Mix, Problem, is_number, read_floor, read_problem
from .relaxation import Relaxed, solve, start_pool
from .result import Assignment, Infeasible, Pair, Progress, Shortage
from .rounding import Whole, is_exact, round_total, round_worst

FEW = 200  # Applications: the program of the worst-served of so many is solved in a moment.
IMPOSSIBLE = 1e-6  # What is lacking counts as lacking from here on; HiGHS works to a tenth of it.
LINEAR = {"kinds", "institutions", "groups"}  # The options that the linear program sees.


def assign(
    affinity: ArrayLike,
    *,
    per_application: int | Sequence[int] | Ints,
    max_load: int | Sequence[int] | Ints,
    min_load: int | Sequence[int] | Ints = 0,
    forbidden: ArrayLike | None = None,
    fixed: Iterable[Pair] | None = None,
    floor: Floor = "best",
    tolerance: float = 0.005,
    seed: int = 0,
    kinds: Sequence[Hashable] | None = None,
    mix: Mix | None = None,
    institutions: Sequence[Hashable] | None = None,
    groups: Sequence[Hashable] | None = None,
    group_strength: float = 1.0,
    connected: bool = False,
    max_shared: int | None = None,
    applications: Sequence[str] | None = None,
    reviewers: Sequence[str] | None = None,
    deadline: float | None = 600.0,
    progress: Progress | None = None,
) -> Assignment:
    """Return the assignment of the largest total affinity that keeps every condition, with its proof.

    ``affinity``: a row for each application, a column for each reviewer, numbers from 0 up. How well an application
    is served is the mean affinity of its reviewers, and the worst-served is the one with the smallest mean.

    ``per_application``: how many reviewers each application gets, exactly. ``max_load``, ``min_load``: how many
    applications each reviewer reads at most and at least; a reviewer with a load of 0 is never used. Each is one
    number, or one for each. ``forbidden``: (A, R), yes where the pair may not be. ``fixed``: pairs that stand
    whatever happens, and count in everything.

    ``floor``: None maximises the total. A number is a mean that every application is to reach. "best" first makes
    the worst-served application as well served as possible (the max-min criterion of Garg et al. 2010 and of
    Stelmakh, Shah & Singh 2019, "PeerReview4All"), to within ``tolerance`` (a share) of the proven bound, and then
    maximises the total at that floor. Applications whose reviewers are all fixed have no part in a floor: nothing
    about them can be chosen.

    Options, which all may be combined:

    * ``mix``: by kind of reviewer (``kinds``: one a reviewer, None for no kind), how many of each application's
      reviewers are of that kind at least: ``{"academia": 1, "industry": 1}``.
    * ``institutions``: one a reviewer, None for none; an application gets at most one reviewer of each.
    * ``groups``: a label an application, None for none: applications of one label are to be read by the same few.
      At a ``group_strength`` of 1 no more reviewers read a group than its reviews need at their loads; at 0 there
      may be as many as there are reviews; in between the number goes in proportion. In a larger call (from some
      4,000 pairs) the panels are those of a total within some 2 % of the best; ``floor="best"`` then chooses within
      these panels, and its bounds, which hold for any panels, may be far off: see the gaps.
    * ``connected``: from each application to each other one leads a path of shared reviewers, so that what
      reviewers give can be calibrated against each other. `Assignment.costs` says what it took from the total.
    * ``max_shared``: no two reviewers have more applications in common. Exact in a small call; in a larger one the
      total is within some 2 % of the best, as its gap says, and with hundreds of applications it may take minutes.

    ``applications``, ``reviewers``: a key each. Ties are broken by ``seed`` and these keys, or without keys by
    what rows and columns hold; either way not by their order: the same rows in another order give the same pairs.
    (Without keys, rows that cannot be told apart may swap; the totals are the same.)

    All else is proven to two parts in ten thousand at worst, and to the last digit where only loads and conflicts
    bind or the call is small; the gaps of the `Assignment` say what was proven. Only where a large call asks for a
    floor that whole pairs are not found for within seconds, the best that was found is returned, and its gaps say
    how far from the bounds it may be.

    ``deadline``: seconds after which `OutOfTime` is raised; None for none. ``progress`` is told the share done, and
    one of `STEPS`.

    Raises `Infeasible` when there is no such assignment, saying why, and ``ValueError`` for what makes no sense.
    """
    clock = Clock(deadline, progress)
    clock.at(0.0, "checking")
    wanted = read_floor(floor)
    if not (is_number(tolerance) and 0 <= tolerance < 1):
        raise ValueError(f"tolerance is to be a share from 0 to below 1, not {tolerance!r}")
    problem = read_problem(
        affinity,
        per_application=per_application,
        max_load=max_load,
        min_load=min_load,
        forbidden=forbidden,
        fixed=fixed,
        seed=seed,
        kinds=kinds,
        mix=mix,
        institutions=institutions,
        groups=groups,
        group_strength=group_strength,
        connected=connected,
        max_shared=max_shared,
        applications=applications,
        reviewers=reviewers,
    )
    check_loads(problem)
    if problem.mix.any():
        check_kinds(problem)
    if problem.connected:
        check_connectable(problem)
    solver = _Solver(problem, clock)
    if wanted == "best":
        return solver.best_worst(tolerance)
    return solver.largest_total(wanted)


class _Solver:
    """One problem on its way: the pool of pairs grows from step to step."""

    def __init__(self, problem: Problem, clock: Clock) -> None:
        self.problem = problem
        self.clock = clock
        least = _with_least(problem)
        self.pool = start_pool(problem, least)

    def largest_total(self, mean: float | None) -> Assignment:
        sums = None if mean is None else self.sums(mean)
        self.check_options(sums, mean)
        self.clock.at(0.1, "total")
        relaxed = self.relaxed(sums)
        if relaxed is None:
            raise self.impossible(sums, mean)
        self.clock.at(0.7, "rounding")
        whole = round_total(self.problem, relaxed, sums, self.clock)
        if whole is None:
            raise self.impossible(sums, mean)
        return self.result(whole, None, mean, 0.0)

    def best_worst(self, tolerance: float) -> Assignment:
        problem = self.problem
        if not problem.asked.any():
            return self.largest_total(None)
        self.check_options(None, None)
        self.clock.at(0.1, "worst")
        whole, relaxed = None, None
        if len(problem.panel) and not is_exact(problem):
            return self.best_in_panels(tolerance)
        if len(
            problem.panel
        ):  # With panels parts of pairs reach far more than whole ones: that is not even tried.
            bound, mean = self.on_lattice(solve(problem, self.pool, "worst", self.clock).bound), 0.0
        else:
            bound, relaxed = self.best_floor(tolerance)
            mean = bound * (1 - tolerance)
            whole = self.at_floor(mean, relaxed)
        if whole is None and problem.shape[0] <= FEW:
            # What parts of pairs reach, whole pairs do not: find what they do reach, and the bound of that.
            self.clock.at(0.6, "worst")
            relaxed = solve(problem, self.pool, "worst", self.clock)
            served, proven = round_worst(problem, relaxed, tolerance, self.clock)
            bound = min(bound, self.on_lattice(proven))
            if served is not None:
                self.pool |= served.chosen
                mean = min(float(self.means(served.chosen)[problem.asked].min()), bound * (1 - tolerance))
                whole = self.at_floor(mean)
        if whole is None and not is_exact(problem):
            whole, mean = self.lacking_least(bound, bound * (1 - tolerance), relaxed)
            if whole is None:
                raise self.impossible(None, None)
        if whole is None and self.at_floor(0.0) is None:
            raise self.impossible(None, None)
        highest = mean
        for lower in (0.99, 0.98, 0.95, 0.9, 0.8, 0.6, 0.4, 0.2, 0.0):
            if whole is None:  # Further down, and the result tells how far it is from the bound.
                mean = lower * highest
                whole = self.at_floor(mean)
        if whole is None:
            raise self.impossible(None, None)
        return self.result(whole, bound, mean, tolerance)

    def best_in_panels(self, tolerance: float) -> Assignment:
        """The panels of the largest total, and within them the best worst-served; the bounds hold for any panels."""
        problem = self.problem
        # Without panels the worst-served could only be better, and that bound is found in a moment.
        bound, _relaxed = _Solver(problem.without("groups"), self.clock).best_floor(tolerance)
        relaxed = solve(problem, self.pool, "total", self.clock)
        whole = round_total(problem, relaxed, None, self.clock)
        if whole is None:
            raise self.impossible(None, None)
        found = _Solver(problem.within_panels(whole.chosen), self.clock).best_worst(tolerance)
        stands = math.fsum(problem.affinity[problem.fixed])
        settled = [
            found.means[problem.rows[row]] for row in np.flatnonzero(~problem.asked & (problem.count > 0))
        ]
        return replace(
            found,
            total_bound=max(found.total, relaxed.bound + stands),
            worst_bound=max(found.worst, min([bound, *settled])),
        )

    def best_floor(self, tolerance: float) -> tuple[float, Relaxed | None]:
        """Return the proven bound of the worst-served, and the largest total of parts of pairs a tolerance below it.

        Few applications are hard to serve, and the program of these alone is small. What it reaches bounds what all
        can; then all are asked for it, and those that make that impossible join the hard ones.
        """
        problem = self.problem
        asked = np.flatnonzero(problem.asked)
        hard = np.zeros(problem.shape[0], np.bool_)
        hard[asked[np.argsort(self.alone()[asked], kind="stable")[:FEW]]] = True
        while True:
            whole = bool(hard[asked].all())
            rows = np.flatnonzero(hard)
            some = problem if whole else problem.only(rows)
            pool = self.pool if whole else self.pool[rows]
            bound = self.on_lattice(solve(some, pool, "worst", self.clock).bound)
            if not whole:
                self.pool[rows] |= pool
            sums = self.sums(bound * (1 - tolerance))
            relaxed = self.elastic(sums)
            if relaxed is not None or whole:
                return bound, relaxed
            possible = solve(problem, self.pool, "possible", self.clock, floor=sums)
            if possible.bound >= -IMPOSSIBLE:
                return bound, None
            more = possible.decisive & problem.asked & ~hard
            hard |= more if more.any() else problem.asked

    def at_floor(self, mean: float, relaxed: Relaxed | None = None) -> Whole | None:
        """Whole pairs of the largest total at this floor, None where there are none."""
        self.clock.at(0.4, "total")
        sums = self.sums(mean)
        relaxed = relaxed or self.relaxed(sums)
        if relaxed is None:
            return None
        self.clock.at(0.7, "rounding")
        return round_total(self.problem, relaxed, sums, self.clock)

    def lacking_least(self, bound: float, mean: float, relaxed: Relaxed | None) -> tuple[Whole | None, float]:
        """Whole pairs as near to this floor as they were found in time, and the floor that they reach.

        The total is proven at the floor that was reached, the worst-served against ``bound``.
        """
        self.clock.at(0.8, "rounding")
        sums = self.sums(mean)
        relaxed = relaxed or self.relaxed(sums)
        whole = None
        if relaxed is not None:
            whole = round_total(self.problem, relaxed, sums, self.clock, elastic=True)
        if (
            whole is None
        ):  # Not even that in time: the largest total is found fast, whatever its worst-served.
            self.check_options(None, None)
            whole = round_total(
                self.problem, solve(self.problem, self.pool, "total", self.clock), None, self.clock
            )
        if whole is None:
            return None, mean
        reached = min(float(self.means(whole.chosen)[self.problem.asked].min()), bound)
        self.pool |= whole.chosen
        at_reached = self.relaxed(self.sums(reached))
        whole.bound = whole.total if at_reached is None else max(whole.total, at_reached.bound)
        return whole, reached

    def relaxed(self, sums: Floats | None) -> Relaxed | None:
        """The largest total of parts of pairs that reach these sums; None where none do."""
        if sums is None:
            return solve(self.problem, self.pool, "total", self.clock)
        relaxed = self.elastic(sums)
        if relaxed is not None:
            return relaxed
        if solve(self.problem, self.pool, "possible", self.clock, floor=sums).bound < -IMPOSSIBLE:
            return None
        return solve(self.problem, self.pool, "total", self.clock, floor=sums)

    def elastic(self, sums: Floats) -> Relaxed | None:
        """The same where it is easy: floors are asked only of the applications that fall below without."""
        problem = self.problem
        active = np.zeros(problem.shape[0], np.bool_)
        while True:
            floor = np.where(active, sums, -np.inf)
            relaxed = solve(problem, self.pool, "total", self.clock, floor=floor, elastic=True)
            if relaxed.lacking > IMPOSSIBLE:
                return None
            worth = relaxed.chosen * problem.affinity[relaxed.rows, relaxed.columns]
            reached = np.bincount(relaxed.rows, worth, minlength=problem.shape[0])
            short = (reached < sums - IMPOSSIBLE) & ~active
            if not short.any():
                return relaxed
            active |= short

    def alone(self) -> Floats:
        """The mean that each application would have if no other needed anybody."""
        problem = self.problem
        ranked = -np.sort(-np.where(problem.open, problem.affinity, 0.0), axis=1)
        taken = np.arange(problem.shape[1])[None, :] < problem.need[:, None]
        sums: Floats = problem.given + np.where(taken, ranked, 0.0).sum(axis=1)
        return sums / np.maximum(problem.count, 1)

    def sums(self, mean: float) -> Floats:
        """What the pairs chosen for each application are to sum to for its mean to be this; minus infinity for none."""
        problem = self.problem
        wanted = problem.count * mean
        unit = self.unit
        if unit:
            wanted = np.ceil(wanted / unit - 1e-6) * unit
        wanted = wanted - problem.given - 1e-9
        return np.where(problem.asked, wanted, -np.inf)

    @property
    def unit(self) -> float:
        """The step of which all affinities are multiples (marks in tenths), 0 when there is none worth the name."""
        scaled = self.problem.affinity * 1e6
        whole = np.round(scaled)
        if np.abs(scaled - whole).max() > 1e-4 or whole.max() >= 2**53:
            return 0.0
        step = int(np.gcd.reduce(whole.astype(np.int64), axis=None))
        return step / 1e6 if step > 1 else 0.0

    def on_lattice(self, bound: float) -> float:
        """Lower a bound of the worst mean to the nearest mean that whole pairs can have at all."""
        unit = self.unit
        if not unit:
            return bound
        counts = np.unique(self.problem.count[self.problem.asked])
        return float((np.floor(bound * counts / unit + 1e-6) * unit / counts).max())

    def means(self, chosen: Mask) -> Floats:
        problem = self.problem
        sums = np.where(chosen | problem.fixed, problem.affinity, 0.0).sum(axis=1)
        return sums / np.maximum(problem.count, 1)

    def check_options(self, sums: Floats | None, mean: float | None) -> None:
        """Raise `Infeasible` where options cannot be kept; where they can, the pool holds pairs that keep them."""
        if not set(self.problem.options) & LINEAR:
            return
        if solve(self.problem, self.pool, "possible", self.clock, floor=sums).bound < -IMPOSSIBLE:
            raise self.impossible(sums, mean)

    def impossible(self, sums: Floats | None, mean: float | None) -> Infeasible:
        """Find which condition, left out alone, would make it possible."""
        self.clock.at(0.95, "options")
        culprits: list[str] = []
        if mean is not None and self.problem.options and _is_possible(self.problem, None, self.clock):
            culprits.append("floor")
        for option in self.problem.options:
            if _is_possible(self.problem.without(option), sums, self.clock):
                culprits.append(option)
        if mean is not None and (culprits == ["floor"] or not self.problem.options):
            return self.floor_too_high(mean)
        if not culprits:
            names = [*(["floor"] if mean is not None else []), *self.problem.options]
            return Infeasible(
                f"these cannot be kept together: {', '.join(names)}", reason="options", loosen=tuple(names)
            )
        # Of several, name the one that is narrowest: the first in the order in which they are listed in `assign`.
        return Infeasible(
            f"{culprits[0]} cannot be kept; it is possible without {' or without '.join(culprits)}",
            reason=culprits[0],
            loosen=tuple(culprits),
        )

    def floor_too_high(self, mean: float) -> Infeasible:
        problem = self.problem
        bound, _relaxed = self.best_floor(0.0)
        hopeless = np.flatnonzero(problem.asked & (self.alone() < mean - 1e-9))
        found = tuple(
            Shortage(
                (int(problem.rows[one]),),
                tuple(sorted(int(problem.columns[place]) for place in np.flatnonzero(problem.open[one]))),
                0,
            )
            for one in sorted(hopeless, key=lambda one: int(problem.rows[one]))
        )
        return Infeasible(
            f"no assignment gives every application a mean of {mean:g}: {bound:.4f} is the most that can be proven",
            reason="floor",
            shortages=found,
            loosen=("floor", "max_load", "forbidden"),
            bound=bound,
        )

    def result(self, whole: Whole, bound: float | None, mean: float | None, tolerance: float) -> Assignment:
        self.clock.at(1.0, "done")
        problem = self.problem
        everything = whole.chosen | problem.fixed
        rows, columns = np.nonzero(everything)
        pairs = sorted(zip(problem.rows[rows].tolist(), problem.columns[columns].tolist(), strict=True))
        values = problem.affinity[rows, columns]
        total = math.fsum(values)
        stands = math.fsum(problem.affinity[problem.fixed])
        loads, means = np.zeros(problem.shape[1], np.int64), np.zeros(problem.shape[0])
        loads[problem.columns] = everything.sum(axis=0)
        for row in range(problem.shape[0]):
            if problem.count[row]:
                means[problem.rows[row]] = math.fsum(values[rows == row]) / problem.count[row]
        served = np.zeros(problem.shape[0], np.bool_)
        served[problem.rows] = problem.count > 0
        worst = int(np.where(served, means, np.inf).argmin()) if served.any() else None
        if bound is not None:
            settled = served.copy()
            settled[problem.rows] &= ~problem.asked
            bound = min(bound, float(means[settled].min(initial=np.inf)))
        return Assignment(
            pairs=tuple(pairs),
            total=total,
            worst=float(means[worst]) if worst is not None else 0.0,
            worst_application=worst,
            loads=tuple(int(one) for one in loads),
            means=tuple(float(one) for one in means),
            total_bound=max(total, whole.bound + stands),
            worst_bound=None
            if bound is None
            else max(bound, float(means[worst]) if worst is not None else 0.0),
            floor=mean,
            tolerance=tolerance,
            seed=problem.seed,
            costs=whole.costs,
        )


def _with_least(problem: Problem) -> Mask:
    """Pairs in which there is surely an assignment that keeps all loads, if there is one at all."""
    serve = feasible_flow(problem.open, problem.need, problem.room)
    fill = feasible_flow(problem.open.T, problem.least, problem.need)
    assert serve is not None, "check_loads came first"
    assert fill is not None, "check_loads came first"
    return serve | fill.T


def _is_possible(problem: Problem, sums: Floats | None, clock: Clock) -> bool:
    pool = start_pool(problem, _with_least(problem))
    if solve(problem, pool, "possible", clock, floor=sums).bound < -IMPOSSIBLE:
        return False
    relaxed: Relaxed = solve(problem, pool, "total", clock, floor=sums)
    return round_total(problem, relaxed, sums, clock) is not None


@dataclass(frozen=True)
class Price:
    """What a variation of the conditions gives, beside what they give as they are."""

    total: float | None
    """None where the variation is impossible."""
    worst: float | None
    total_change: float | None
    worst_change: float | None
    impossible: Infeasible | None = None


def price(
    affinity: ArrayLike, variations: Mapping[str, Mapping[str, Any]], **conditions: Any
) -> dict[str, Price]:
    """Return, by the name of each variation, what `assign` gives with these conditions changed.

    ``variations``: by name, the arguments of `assign` that differ: ``{"load 8": {"max_load": 8}}``.
    ``conditions``: the arguments as they are. Raises what `assign` raises for the conditions as they are; a
    variation that is impossible says so in its `Price`.
    """
    base = assign(affinity, **conditions)
    prices: dict[str, Price] = {}
    for name, changes in variations.items():
        try:
            varied = assign(affinity, **{**conditions, **changes})
        except Infeasible as problem:
            prices[name] = Price(None, None, None, None, problem)
        else:
            prices[name] = Price(
                varied.total, varied.worst, varied.total - base.total, varied.worst - base.worst
            )
    return prices
