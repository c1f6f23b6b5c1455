"""The order of a panel's agenda, without Django and without a database.

Both orders look at what the reviewers' scores say and break ties by a seed that is kept with the meeting: the same seed
and the same figures give the same order, whatever order the applications come in.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Standing:
    """What is known of one application before the panel meets.

    ``value`` is its score out of 100 or None without one, ``spread`` the standard deviation of its reviews in the same
    unit or None, ``amount`` what it asks for in fen.
    """

    key: int
    value: float | None = None
    spread: float | None = None
    amount: int = 0


def by_spread(standings: Sequence[Standing], *, seed: int) -> list[int]:
    """Return the keys, the most divided reviews first; those with fewer than two scores stand last."""
    lots = _lots(standings, seed)
    return [
        one.key
        for one in sorted(
            standings, key=lambda one: (one.spread is None, -(one.spread or 0.0), lots[one.key])
        )
    ]


def by_line(standings: Sequence[Standing], *, budget: int | None, seed: int) -> list[int]:
    """Return the keys, closest to the funding line first; those without a score stand last.

    The line is that of ``funding_line``. Where there is none, the best stand first.
    """
    lots = _lots(standings, seed)
    line = funding_line(standings, budget=budget)

    def distance(one: Standing) -> tuple[bool, float, float]:
        if one.value is None:
            return True, 0.0, lots[one.key]
        return False, -one.value if line is None else abs(one.value - line), lots[one.key]

    return [one.key for one in sorted(standings, key=distance)]


def funding_line(standings: Sequence[Standing], *, budget: int | None) -> float | None:
    """Return the score halfway between the last application that ``budget`` (fen) still reaches and the first it does not.

    Counted down from the best score; None without a budget, and where it reaches all of them or none.
    """
    if budget is None:
        return None
    scored = sorted(
        (one for one in standings if one.value is not None), key=lambda one: (-(one.value or 0), one.key)
    )
    spent, last = 0, None
    for one in scored:
        spent += one.amount
        if spent > budget:
            return None if last is None else (last + (one.value or 0.0)) / 2
        last = one.value or 0.0
    return None


def _lots(standings: Sequence[Standing], seed: int) -> dict[int, float]:
    """Draw a lot for each key, in the order of keys: it does not matter in which order they were given."""
    draw = random.Random(seed)
    return {key: draw.random() for key in sorted(one.key for one in standings)}
