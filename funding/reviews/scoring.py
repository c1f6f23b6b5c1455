"""The arithmetic of reviews: no Django, no database.

A review's score is the weighted mean of its marks, each as a share of its criterion's highest mark, out of 100:

    score = 100 · Σ wᵢ · (vᵢ / mᵢ) / Σ wᵢ        over the criteria i that have a mark

A criterion that is “not applicable” leaves both sums, so it neither lowers nor raises the score.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Mark:
    """One mark beside its criterion; ``value`` is None when it is not applicable or not given yet."""

    value: Decimal | None
    weight: int
    highest: int
    not_applicable: bool = False


@dataclass(frozen=True)
class Spread:
    """What several scores say together: how many, their mean, sample standard deviation, lowest and highest."""

    count: int = 0
    mean: Decimal | None = None
    deviation: Decimal | None = None
    lowest: Decimal | None = None
    highest: Decimal | None = None


def weighted_score(marks: Iterable[Mark]) -> Decimal | None:
    """Return the weighted score out of 100 to two places, or None when no criterion has a mark.

    Marks without a value, “not applicable” or not given yet, are left out of both sums. Raises ``ValueError`` for
    a mark outside 0 … highest.
    """
    total = Decimal(0)
    weights = 0
    for mark in marks:
        if mark.not_applicable or mark.value is None:
            continue
        if not 0 <= mark.value <= mark.highest:
            raise ValueError(f"the mark {mark.value} is not between 0 and {mark.highest}")
        total += mark.weight * mark.value / mark.highest
        weights += mark.weight
    if weights == 0:
        return None
    return (100 * total / weights).quantize(CENT, ROUND_HALF_UP)


def spread(scores: Sequence[Decimal]) -> Spread:
    """Return mean and spread of ``scores``; the deviation (n − 1) is None below two scores."""
    if not scores:
        return Spread()
    count = len(scores)
    mean = sum(scores, Decimal(0)) / count
    deviation = None
    if count > 1:
        variance = sum(((score - mean) ** 2 for score in scores), Decimal(0)) / (count - 1)
        deviation = variance.sqrt().quantize(CENT, ROUND_HALF_UP)
    return Spread(count, mean.quantize(CENT, ROUND_HALF_UP), deviation, min(scores), max(scores))
