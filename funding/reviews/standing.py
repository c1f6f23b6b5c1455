"""The funding line and those around it: chances, ties and lots. No Django, no database.

Everything follows from the values and their errors as ``calibration`` gives them, and from seeds that are recorded:
the same seed gives the same result again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np

from funding.reviews.calibration import LEVEL, Calibration, Key, Matrix

_BLOCK = 1_000_000  # Numbers drawn at a time.


def chances(
    calibration: Calibration,
    *,
    seed: str,
    places: int | None = None,
    budget: int | None = None,
    amounts: Mapping[Any, int] | None = None,
    among: Collection[Any] | None = None,
    draws: int = 10_000,
) -> dict[Key, float]:
    """Return for each application the probability that its true value stands above the funding line.

    The line is after ``places`` applications, or where the ``amounts``, summed from the best down, exceed ``budget``.
    ``among`` leaves the others out. Values are drawn ``draws`` times around the calibrated ones, with the errors that
    applications share drawn once for all of them; equal seeds give equal results, in whatever order scores came. The
    result is itself uncertain by at most 0.5/√draws.

    Raises ``ValueError`` where no errors are known, without exactly one kind of line, or for a negative one.
    """
    if calibration.own is None or calibration.shared is None:
        raise ValueError("the errors of the values are not known")
    if (places is None) == (budget is None) or (budget is not None) != (amounts is not None):
        raise ValueError("give either places, or budget and amounts")
    if draws < 1 or min(places or 0, budget or 0, *(amounts or {"": 0}).values()) < 0:
        raise ValueError("places, budget, amounts and draws are not negative")
    index = [i for i, key in enumerate(calibration.values) if among is None or key in among]
    keys = [key for i, key in enumerate(calibration.values) if among is None or key in among]
    if amounts is not None and (missing := [key for key in keys if key not in amounts]):
        raise ValueError(f"no amount is given for application {missing[0]}")
    if not keys:
        return {}
    cost = np.array([amounts[key] for key in keys], dtype=float) if amounts is not None else None
    above = np.zeros(len(keys))
    for values in _drawn(calibration, index, seed, draws):
        ranks = np.argsort(-values, axis=1)
        if cost is None:
            above += np.bincount(ranks[:, : places or 0].ravel(), minlength=len(keys))
        else:
            fits = np.cumsum(cost[ranks], axis=1) <= (budget or 0)
            above += np.bincount(ranks[fits], minlength=len(keys))
    return dict(zip(keys, (above / draws).tolist(), strict=True))


def _drawn(calibration: Calibration, index: list[int], seed: str, draws: int) -> Iterator[Matrix]:
    """Yield true values (draws × applications) as they may be, some draws at a time."""
    assert calibration.own is not None
    assert calibration.shared is not None
    random = np.random.default_rng(int.from_bytes(sha256(seed.encode()).digest()))
    centre = np.array(list(calibration.values.values()))[index]
    # Values that are equal to the last digit take turns.
    own = np.maximum(np.sqrt(calibration.own[index]), 1e-9 * max(1.0, float(np.abs(centre).max())))
    shared = calibration.shared[index].T
    step = max(1, _BLOCK // max(1, len(index) + len(shared)))
    degrees = max(calibration.degrees, 1)
    for start in range(0, draws, step):
        size = min(step, draws - start)
        error = random.standard_normal((size, len(index))) * own
        error += random.standard_normal((size, len(shared))) @ shared
        # σ is estimated as well: Student's t rather than the normal distribution.
        yield centre + error * np.sqrt(degrees / random.chisquare(degrees, (size, 1)))


def told_apart(calibration: Calibration, first: Key, second: Key, *, level: float = LEVEL) -> bool:
    """Return whether the interval of ``level`` of the difference between two values leaves zero out.

    Where no errors are known, whether the values differ at all.
    """
    apart, error = calibration.difference(first, second)
    if error is None:
        return apart != 0
    return abs(apart) > calibration.quantile(level) * error


def ties(
    calibration: Calibration, order: Sequence[Key], above: int, *, level: float = LEVEL
) -> tuple[Key, ...]:
    """Return, in their ``order``, those around the line after the first ``above`` that cannot be told apart.

    Above the line: those not told apart from the first below it. Below: those not told apart from the last above it.
    Empty when the line separates what can be told apart, or nothing.
    """
    if not 0 < above < len(order):
        return ()
    last, first = order[above - 1], order[above]
    upper = [key for key in order[:above] if not told_apart(calibration, key, first, level=level)]
    lower = [key for key in order[above:] if not told_apart(calibration, key, last, level=level)]
    found = {*upper, *lower, *([first] if upper else []), *([last] if lower else [])}
    return tuple(key for key in order if key in found)


def lottery(keys: Iterable[str], seed: str) -> list[str]:
    """Return ``keys`` in the order of sha256("seed|key") as hexadecimal text: anyone can repeat it.

    Raises ``ValueError`` for an empty seed or a key that occurs twice.
    """
    found = list(keys)
    if not seed.strip():
        raise ValueError("a lottery needs a seed")
    if len(set(found)) != len(found):
        raise ValueError("a key takes part twice")
    return sorted(found, key=lambda key: lot(key, seed))


def lot(key: str, seed: str) -> str:
    """Return the lot of ``key``: the smallest comes first."""
    return sha256(f"{seed}|{key}".encode()).hexdigest()
