"""Instances of assignment that are measured, and the runs; no Django, each in a process of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from funding.reviews.assignment import Assignment, assign

Floats = NDArray[np.float64]


def uniform(applications: int, reviewers: int, random: np.random.Generator) -> Floats:
    return random.random((applications, reviewers))


def topics(applications: int, reviewers: int, random: np.random.Generator) -> Floats:
    """Cosines of mixtures of 25 topics, as affinities of texts look: popular topics, and some that few know."""
    texts = random.dirichlet(np.full(25, 0.15), applications)
    profiles = random.dirichlet(np.full(25, 0.15), reviewers)
    texts /= np.linalg.norm(texts, axis=1)[:, None]
    profiles /= np.linalg.norm(profiles, axis=1)[:, None]
    return np.clip(0.8 * texts @ profiles.T + 0.05 * random.random((applications, reviewers)), 0, 1)


def tied(applications: int, reviewers: int, random: np.random.Generator) -> Floats:
    return np.round(uniform(applications, reviewers, random), 1)


SHAPES: tuple[Callable[[int, int, np.random.Generator], Floats], ...] = (uniform, topics, tied)


def run(shape: str, applications: int, reviewers: int, load: int, floor: str | None) -> str:
    """Assign three reviewers each, 5 % of the pairs forbidden; what it came to, against what is promised."""
    random = np.random.default_rng(1)
    affinity = {one.__name__: one for one in SHAPES}[shape](applications, reviewers, random)
    forbidden = random.random(affinity.shape) < 0.05
    result = assign(affinity, per_application=3, max_load=load, forbidden=forbidden, floor=floor)  # type: ignore[arg-type]
    _hold(result, affinity, forbidden, load)
    if floor is None and not result.optimal:
        raise SystemExit(f"the total is not proven optimal: {result.total_gap:.1e} from its bound")
    if result.total_gap > 0.001:
        raise SystemExit(f"the total is {result.total_gap:.2%} from its bound")
    if result.worst_gap is not None and result.worst_gap > 0.01:
        raise SystemExit(f"the worst-served is {result.worst_gap:.2%} from its bound")
    if applications <= 120 and result.worst_bound is not None and result.worst_bound - result.worst > 0.005:
        raise SystemExit(f"the worst-served is {result.worst_bound - result.worst:.4f} from its bound")
    worst = (
        ""
        if result.worst_gap is None
        else f", worst-served {result.worst:.4f}, {result.worst_gap:.2%} from its bound"
    )
    return f"total {result.total:,.2f}, {result.total_gap:.3%} from its bound{worst}"


def _hold(result: Assignment, affinity: Floats, forbidden: NDArray[np.bool_], load: int) -> None:
    rows, columns = np.array(result.pairs).T
    if (np.bincount(rows, minlength=len(affinity)) != 3).any() or len(set(result.pairs)) != len(rows):
        raise SystemExit("an application has not three reviewers")
    if (np.bincount(columns) > load).any() or forbidden[rows, columns].any():
        raise SystemExit("a load or a conflict is broken")


def total_uniform() -> str:
    return run("uniform", 2_000, 600, 12, None)


def total_topics() -> str:
    return run("topics", 2_000, 600, 12, None)


def total_tied() -> str:
    return run("tied", 2_000, 600, 12, None)


def best_uniform() -> str:
    return run("uniform", 2_000, 600, 12, "best")


def best_topics() -> str:
    return run("topics", 2_000, 600, 12, "best")


def best_tied() -> str:
    return run("tied", 2_000, 600, 12, "best")


def best_small() -> str:
    return run("topics", 120, 180, 4, "best")
