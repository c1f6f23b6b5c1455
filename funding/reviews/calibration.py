"""Scores of several reviewers made comparable: no Django, no database.

The model is that of R. S. MacKay, R. Kenna, R. J. Low and S. Parker, “Calibration with confidence: a principled method
for panel assessment”, Royal Society Open Science 4 (2017): the score that reviewer r gives application a is

    s = vₐ + bᵣ + ε / √c

with the application's value v, the reviewer's severity b (above zero: a generous hand), noise ε of variance σ² and the
confidence c of the score. Only what reviewers say about the *same* applications tells their severities; the graph of
reviewers and applications joined by scores therefore falls into components, and severities are known within each.

Two things go beyond the paper. Severities are taken as drawn from one distribution of variance τ² around zero, and τ²/σ²
is estimated from the scores (REML): a severity counts only as far as the scores bear it out, so that where reviewers do
not differ the result is the mean of the scores, weighted by confidence. And what no score can tell, the severity of a
component's reviewers as a whole (its mean is set to zero), has a variance, τ² over their number; it is part of each
standard error. It is common to a component, so it leaves the order and every difference within it untouched.
With τ²/σ² beyond all bounds the estimate is the paper's weighted least squares.

Applications are eliminated first, so the work is that of a dense symmetric matrix of the size of the panel.
Nothing depends on the order in which scores are given. Units are those of the scores.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.special import stdtrit

Key = int | str
Method = Literal["calibrated", "mean", "median", "trimmed"]
Reason = Literal["", "one_reviewer", "one_application", "few_shared"]
Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

METHODS: tuple[Method, ...] = get_args(Method)
LEVEL = 0.90

# A component is calibrated when it has this many scores beyond those that its unknowns use up, for each reviewer but
# one: see ``Component.degrees``. Measured with severities that spread as far as the values and noise of 0.6 of that, the
# 90 % intervals hold the truth in at least 85 % of cases from here on, and the order gains; see test_calibration.py.
SURPLUS_PER_REVIEWER = 0.5
LEAST_SURPLUS = 4

# Bounds of log(τ²/σ²): from “reviewers do not differ” to “all but exactly as the model says”.
_RATIOS = (-14.0, 23.0)


@dataclass(frozen=True)
class Score:
    """What one reviewer gave one application; ``confidence`` weighs it, 1 being the usual, 0.5 half of it."""

    reviewer: Key
    application: Key
    value: float
    confidence: float = 1.0


@dataclass(frozen=True)
class Component:
    """Applications and reviewers that hang together by scores.

    ``degrees`` is the cycle rank of the graph: scores − applications − reviewers + 1, what is left over to tell
    severity from noise. ``reason`` says why its severities are not told and its plain means stand; empty where they are.
    ``single`` are its applications with one score.
    """

    applications: tuple[Key, ...]
    reviewers: tuple[Key, ...]
    scores: int
    degrees: int
    reason: Reason
    single: tuple[Key, ...] = ()

    @property
    def is_sound(self) -> bool:
        return not self.reason


@dataclass(frozen=True)
class Calibration:
    """Values by one method, with what is known of their errors.

    ``values``, ``plain`` (the plain means) and ``count`` (scores) are by application; ``stderr`` too, None where the
    scores say nothing about it (nobody was scored twice). ``severity`` and ``severity_stderr`` are by reviewer, for
    those in sound components: points above what the component's reviewers give on the whole, and the error of that.
    ``noise`` and ``spread`` are σ and τ; ``degrees`` those of the error.
    """

    method: Method
    values: dict[Key, float]
    stderr: dict[Key, float | None]
    plain: dict[Key, float]
    count: dict[Key, int]
    severity: dict[Key, float] = field(default_factory=dict)
    severity_stderr: dict[Key, float] = field(default_factory=dict)
    components: tuple[Component, ...] = ()
    noise: float | None = None
    spread: float | None = None
    degrees: int = 0
    # The errors of ``values``, in their order: the variance that each has to itself, and a matrix (applications ×
    # sources) by which independent errors of variance 1 reach several of them. None where no errors are known.
    own: Vector | None = field(default=None, repr=False, compare=False)
    shared: Matrix | None = field(default=None, repr=False, compare=False)

    @property
    def knows_errors(self) -> bool:
        return self.own is not None

    def quantile(self, level: float = LEVEL) -> float:
        """Return how many standard errors an interval of ``level`` reaches to either side (Student's t)."""
        return float(stdtrit(max(self.degrees, 1), (1 + level) / 2))

    def interval(self, application: Key, level: float = LEVEL) -> tuple[float, float] | None:
        """Return the bounds within which the value lies with probability ``level``; None where no error is known."""
        error = self.stderr[application]
        if error is None:
            return None
        value, reach = self.values[application], self.quantile(level) * error
        return value - reach, value + reach

    def difference(self, first: Key, second: Key) -> tuple[float, float | None]:
        """Return by how much ``first`` is above ``second`` and the standard error of that; what both share cancels."""
        apart = self.values[first] - self.values[second]
        if self.own is None or self.shared is None:
            return apart, None
        place = {key: index for index, key in enumerate(self.values)}
        i, j = place[first], place[second]
        if i == j:
            return 0.0, 0.0
        shared = self.shared[i] - self.shared[j]
        return apart, math.sqrt(self.own[i] + self.own[j] + float(shared @ shared))


def calibrate(scores: Iterable[Score], *, method: Method = "calibrated") -> Calibration:
    """Return the value of each scored application by ``method``.

    ``calibrated`` takes each reviewer's severity off, in components that are sound; in others the plain mean stands.
    ``mean``, ``median`` and ``trimmed`` (without the highest and the lowest, where there are three or more) use neither
    severity nor confidence; their errors come from how far the reviewers of one application lie apart.

    Raises ``ValueError`` for no scores, a value that is no number, a confidence that is not above zero, one reviewer
    scoring an application twice, or an unknown method.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}: one of {', '.join(METHODS)}")
    table = _Table(_checked(scores))
    plain = table.plain(_MIDDLE["mean"])
    own = table.plain_errors(method if method != "calibrated" else "mean")
    values = plain if method in ("calibrated", "mean") else table.plain(_MIDDLE[method])
    shared = np.zeros((len(plain), 0))
    components = table.components()
    facts: dict[str, Any] = {}
    sound = [one for one in components if one.is_sound]
    if method == "calibrated" and sound:
        fit = _Fit(table, sound)
        values, own, shared = fit.values(values, own)
        facts = {
            "severity": fit.severity,
            "severity_stderr": fit.severity_stderr,
            "noise": math.sqrt(fit.noise),
            "spread": math.sqrt(fit.spread),
            "degrees": fit.degrees,
        }
    known = table.surplus > 0
    error = np.sqrt(own + (shared**2).sum(axis=1)) if known else None
    return Calibration(
        method=method,
        values=_by(table.applications, values),
        stderr=_by(table.applications, error) if error is not None else dict.fromkeys(table.applications),
        plain=_by(table.applications, plain),
        count={key: int(n) for key, n in zip(table.applications, table.count, strict=True)},
        components=tuple(components),
        **{"degrees": table.surplus, **facts},
        own=own if known else None,
        shared=shared if known else None,
    )


def _by(keys: Sequence[Key], values: Iterable[Any]) -> dict[Key, Any]:
    return {key: float(value) for key, value in zip(keys, values, strict=True)}


def _order(key: Key) -> tuple[str, str]:
    return (type(key).__name__, f"{key:020d}" if isinstance(key, int) else key)


def _checked(scores: Iterable[Score]) -> list[Score]:
    """Return the scores in an order of their own, or raise for what cannot be reckoned with."""
    found = sorted(scores, key=lambda one: (_order(one.application), _order(one.reviewer)))
    if not found:
        raise ValueError("there are no scores")
    seen: set[tuple[Key, Key]] = set()
    for one in found:
        pair = (one.reviewer, one.application)
        if not math.isfinite(one.value):
            raise ValueError(f"the score of reviewer {pair[0]} for application {pair[1]} is no number")
        if not (math.isfinite(one.confidence) and one.confidence > 0):
            raise ValueError(
                f"the confidence of reviewer {pair[0]} in application {pair[1]} is not above zero"
            )
        if pair in seen:
            raise ValueError(f"reviewer {pair[0]} scored application {pair[1]} twice")
        seen.add(pair)
    return found


# --- plain methods -------------------------------------------------------------------------------------------------


def _trimmed(rows: Matrix) -> Vector:
    """The mean of each row without its lowest and highest value; of fewer than three values, of all."""
    kept = np.sort(rows, axis=1)[:, 1:-1] if rows.shape[1] > 2 else rows
    return kept.mean(axis=1)


_MIDDLE: dict[str, Any] = {
    "mean": lambda rows: rows.mean(axis=1),
    "median": lambda rows: np.median(rows, axis=1),
    "trimmed": _trimmed,
}


@lru_cache(maxsize=256)
def _variance_of(method: str, count: int) -> float:
    """Return the variance of ``method`` over ``count`` independent standard normal scores.

    1 / count for the mean; for the others by simulation with a fixed seed, to one part in a hundred.
    """
    if method == "mean" or count < 3:
        return 1 / count
    draws = np.random.default_rng(2017).standard_normal((40_000, count))
    return float(_MIDDLE[method](draws).var())


class _Table:
    """The scores as arrays: ``app``, ``rev`` (indexes), ``value``, ``weight``; sorted by application."""

    def __init__(self, scores: list[Score]) -> None:
        self.applications: list[Key] = list(dict.fromkeys(one.application for one in scores))
        self.reviewers: list[Key] = sorted({one.reviewer for one in scores}, key=_order)
        apps = {key: index for index, key in enumerate(self.applications)}
        revs = {key: index for index, key in enumerate(self.reviewers)}
        self.app = np.array([apps[one.application] for one in scores])
        self.rev = np.array([revs[one.reviewer] for one in scores])
        self.value = np.array([one.value for one in scores], dtype=float)
        self.weight = np.array([one.confidence for one in scores], dtype=float)
        self.count = np.bincount(self.app, minlength=len(apps))
        self.surplus = len(scores) - len(apps)

    def plain(self, middle: Any) -> Vector:
        """Return ``middle`` of each application's scores."""
        starts = np.concatenate(([0], np.cumsum(self.count)[:-1]))
        result = np.empty(len(self.applications))
        for count in np.unique(self.count):
            which = np.flatnonzero(self.count == count)
            result[which] = middle(self.value[starts[which][:, None] + np.arange(count)])
        return result

    def plain_errors(self, method: str) -> Vector:
        """Return the variance of each plain value: the scores' variance within applications, pooled over all."""
        if self.surplus == 0:
            return np.zeros(len(self.applications))
        mean = self.plain(_MIDDLE["mean"])
        within = float(((self.value - mean[self.app]) ** 2).sum()) / self.surplus
        return np.array([within * _variance_of(method, int(count)) for count in self.count])

    def components(self) -> list[Component]:
        """Return the components, those with most applications first."""
        size = len(self.applications)
        graph = csr_array(
            (np.ones(len(self.app)), (self.app, size + self.rev)), shape=(size + len(self.reviewers),) * 2
        )
        number, label = connected_components(graph, directed=False)
        members: list[tuple[list[Key], list[Key], list[Key], list[int]]] = [
            ([], [], [], []) for _ in range(number)
        ]
        for index, key in enumerate(self.applications):
            apps, _revs, single, counts = members[label[index]]
            apps.append(key)
            counts.append(int(self.count[index]))
            if counts[-1] == 1:
                single.append(key)
        for index, key in enumerate(self.reviewers):
            members[label[size + index]][1].append(key)
        found = [
            _component(tuple(apps), tuple(revs), tuple(single), sum(counts))
            for apps, revs, single, counts in members
        ]
        return sorted(found, key=lambda one: (-len(one.applications), _order(one.applications[0])))


def _component(
    applications: tuple[Key, ...], reviewers: tuple[Key, ...], single: tuple[Key, ...], scores: int
) -> Component:
    degrees = scores - len(applications) - len(reviewers) + 1
    reason: Reason = ""
    if len(reviewers) == 1:
        reason = "one_reviewer"
    elif len(applications) == 1:
        reason = "one_application"
    elif degrees < max(LEAST_SURPLUS, SURPLUS_PER_REVIEWER * (len(reviewers) - 1)):
        reason = "few_shared"
    return Component(applications, reviewers, scores, degrees, reason, single)


# --- calibration ---------------------------------------------------------------------------------------------------


class _Fit:
    """Severities and variances of the sound components together, each component's matrix by itself."""

    def __init__(self, table: _Table, sound: list[Component]) -> None:
        self.table = table
        place = {key: index for index, key in enumerate(table.reviewers)}
        row = {key: index for index, key in enumerate(table.applications)}
        self.blocks = [
            _Block(
                table,
                np.array([row[a] for a in one.applications]),
                np.array([place[r] for r in one.reviewers]),
            )
            for one in sound
        ]
        self.degrees = sum(one.degrees for one in sound)
        self._estimate(sum(one.scores - len(one.applications) for one in sound))
        self.severity: dict[Key, float] = {}
        self.severity_stderr: dict[Key, float] = {}
        for block in self.blocks:
            block.settle(self.noise, self.spread)
            keys = [table.reviewers[index] for index in block.revs]
            self.severity.update(_by(keys, block.severity))
            # Beside the others: the last column, what all of the component share, is no difference between them.
            self.severity_stderr.update(_by(keys, np.sqrt((block.root[:, :-1] ** 2).sum(axis=1))))

    def _estimate(self, surplus: int) -> None:
        """Set ``noise`` σ² and ``spread`` τ², by restricted maximum likelihood of their ratio.

        In the eigenbasis of the Laplacian (eigenvalues w, right-hand side q), with λ = τ²/σ² and n = ``surplus``, the
        criterion is n·log RSS(λ) + Σ log(1 + λw) where RSS(λ) = RSS(∞) + Σ q² / (w·(1 + λw)).
        """
        w = np.concatenate([block.w for block in self.blocks])
        gain = np.concatenate([block.q for block in self.blocks]) ** 2 / w
        least = sum(block.residual for block in self.blocks)
        largest = float(np.abs(self.table.value).max())
        if least + gain.sum() <= (1e-10 * largest) ** 2 * surplus:
            # Every application got one and the same score from all.
            self.noise = self.spread = 0.0
            return
        if least <= (1e-10 * largest) ** 2 * surplus:
            # The scores fit to the last digit: there is no noise to estimate from.
            self.noise, self.spread = 0.0, math.inf
            return

        def rss(log: float) -> float:
            return float(least + (gain / (1 + math.exp(log) * w)).sum())

        def criterion(log: float) -> float:
            return surplus * math.log(rss(log)) + float(np.log1p(math.exp(log) * w).sum())

        grid = np.linspace(*_RATIOS, 75)
        at = int(np.argmin([criterion(one) for one in grid]))
        bounds = (grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)])
        best = float(minimize_scalar(criterion, bounds=bounds, method="bounded").x)
        self.noise = rss(best) / surplus
        self.spread = self.noise * math.exp(best) if at > 0 else 0.0

    def values(self, values: Vector, own: Vector) -> tuple[Vector, Vector, Matrix]:
        """Return values, own variances and shared errors, with those of the sound components in their place."""
        values, own = values.copy(), own.copy()
        shared = np.zeros((len(values), sum(block.root.shape[1] for block in self.blocks)))
        column = 0
        for block in self.blocks:
            values[block.apps] = block.mean - block.average @ block.severity
            own[block.apps] = self.noise / block.weight
            width = block.root.shape[1]
            shared[block.apps, column : column + width] = block.average @ block.root
            column += width
        return values, own, shared


class _Block:
    """One component with its applications eliminated.

    ``mean`` and ``weight`` are the applications' weighted means and sums of confidence, ``average`` (applications ×
    reviewers, sparse) each reviewer's share in them. ``w`` and ``q``: eigenvalues of the Laplacian on the reviewers
    and the right-hand side in its eigenbasis, without the one direction that no score tells. ``residual``: the
    weighted sum of squares that the severities leave.
    """

    def __init__(self, table: _Table, apps: NDArray[np.intp], revs: NDArray[np.intp]) -> None:
        self.apps, self.revs = apps, revs
        place_of_app = np.full(len(table.applications), -1)
        place_of_app[apps] = np.arange(len(apps))
        place_of_rev = np.full(len(table.reviewers), -1)
        place_of_rev[revs] = np.arange(len(revs))
        mine = np.flatnonzero(place_of_app[table.app] >= 0)
        app, rev = place_of_app[table.app[mine]], place_of_rev[table.rev[mine]]
        value, weight = table.value[mine], table.weight[mine]
        # Reckoned from the mean of all, so that nothing is lost where scores are large and alike.
        middle = float(value.mean())
        self.weight = np.bincount(app, weight)
        self.mean = middle + np.bincount(app, weight * (value - middle)) / self.weight
        left = value - self.mean[app]
        joint = csr_array((weight, (app, rev)), shape=(len(apps), len(revs)))
        self.average = csr_array((weight / self.weight[app], (app, rev)), shape=joint.shape)
        laplacian = np.diag(np.bincount(rev, weight)) - (joint.T @ self.average).toarray()
        w, vectors = np.linalg.eigh((laplacian + laplacian.T) / 2)
        # The component is connected: exactly one direction, all severities alike, is without weight.
        self.w, self.vectors = w[1:], vectors[:, 1:]
        self.q = self.vectors.T @ np.bincount(rev, weight * left)
        full = self.vectors @ (self.q / self.w)
        rest = left - full[rev] + (self.average @ full)[app]
        self.residual = float((weight * rest**2).sum())

    def settle(self, noise: float, spread: float) -> None:
        """Set ``severity`` and ``root``, a matrix whose square is the covariance of the severities' errors."""
        size = len(self.revs)
        if spread == 0:
            self.severity, self.root = np.zeros(size), np.zeros((size, 1))
            return
        shrunk = self.w + (noise / spread if math.isfinite(spread) else 0.0)
        self.severity = self.vectors @ (self.q / shrunk)
        if not math.isfinite(spread):
            spread = float(self.severity @ self.severity) / (size - 1)
        common = np.full((size, 1), math.sqrt(spread / size))
        self.root = np.hstack([self.vectors * np.sqrt(noise / shrunk), common])
