"""Rounds of review with known truth, for tests and for the bench."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau

from funding.reviews.calibration import Calibration, Score, calibrate


@dataclass(frozen=True)
class Round:
    """The true value by application, the true severity by reviewer, and the scores given."""

    truth: dict[int, float]
    severity: dict[int, float]
    scores: list[Score]

    def tau(self, values: dict[int, float]) -> float:
        """Kendall's tau of an order with the true one."""
        return float(kendalltau([values[key] for key in self.truth], list(self.truth.values())).statistic)

    def covered(self, calibration: Calibration) -> float:
        """The share of true values within their 90 % intervals."""
        intervals = ((value, calibration.interval(key)) for key, value in self.truth.items())
        return float(np.mean([bool(found and found[0] <= value <= found[1]) for value, found in intervals]))


def scored(*rows: tuple[str, str, float]) -> list[Score]:
    """Scores as (reviewer, application, value)."""
    return [Score(reviewer, application, value) for reviewer, application, value in rows]


def full(values: dict[str, float], severity: dict[str, float]) -> list[Score]:
    """Everybody scores everything, without noise."""
    return [Score(r, a, v + b) for a, v in values.items() for r, b in severity.items()]


def simulated(
    seed: int,
    *,
    applications: int = 60,
    reviewers: int = 30,
    each: int = 3,
    severity: float = 1.0,
    noise: float = 0.6,
) -> Round:
    """A round in which ``each`` reviewers drawn at random score an application; qualities spread by 1."""
    random = np.random.default_rng(seed)
    truth = random.normal(0, 1, applications)
    hands = random.normal(0, severity, reviewers)
    scores = [
        Score(int(reviewer), application, truth[application] + hands[reviewer] + random.normal(0, noise))
        for application in range(applications)
        for reviewer in random.choice(reviewers, each, replace=False)
    ]
    return Round(dict(enumerate(truth.tolist())), dict(enumerate(hands.tolist())), scores)


def proof(seeds: int = 50, **shape: float) -> tuple[float, float]:
    """Return the mean gain of Kendall's tau over the plain mean's, and the mean share of intervals that hold."""
    gains, shares = [], []
    for seed in range(seeds):
        made = simulated(seed, **shape)  # type: ignore[arg-type]
        calibration = calibrate(made.scores)
        gains.append(made.tau(calibration.values) - made.tau(calibration.plain))
        shares.append(made.covered(calibration))
    return float(np.mean(gains)), float(np.mean(shares))
