"""Where the funding line falls, how sure that is, and who cannot be told apart there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from funding.calls.models import Call
from funding.decisions.services.ranking import Rank
from funding.reviews.services import Ratings
from funding.reviews.standing import chances, ties

DRAWS = 10_000


@dataclass(frozen=True)
class Standing:
    """The chance of each application to stand above the budget line, by id, and those that cannot be told apart there.

    ``chances`` is empty where there is no line: no budget, or no scores to tell errors from. ``seed`` is what the
    simulation began with.
    """

    seed: str
    draws: int
    chances: dict[int, float]
    tied: tuple[Rank, ...]

    @property
    def numbers(self) -> list[str]:
        """Return the numbers of those tied, best first."""
        return [str(rank.application.number) for rank in self.tied]


def standing_of(call: Call, ranks: Sequence[Rank], ratings: Ratings) -> Standing:
    """Return who stands above the line of ``call``'s budget with what chance.

    Those declined or in reserve stand in no line; neither do those without a score. The seed is the call's code: the
    same scores give the same chances to whoever works them out.
    """
    # By the scores alone: what was moved by hand says nothing about who is better.
    scored = sorted(ranks, key=lambda rank: rank.computed_place)
    lined = [rank for rank in scored if rank.counts and rank.rating is not None]
    found = ratings.calibration
    if found is None or call.budget_fen is None or not lined:
        return Standing(call.code, 0, {}, ())
    amounts = {rank.application.pk: rank.amount_fen for rank in lined}
    totals = accumulate(rank.amount_fen for rank in scored if rank.counts)
    within = {
        rank.application.pk
        for rank, total in zip((rank for rank in scored if rank.counts), totals, strict=True)
        if total <= call.budget_fen
    }
    above = sum(rank.application.pk in within for rank in lined)
    tied = set(ties(found, list(amounts), above))
    given: dict[int, float] = {}
    if found.knows_errors:
        drawn = chances(
            found, seed=call.code, budget=call.budget_fen, amounts=amounts, among=set(amounts), draws=DRAWS
        )
        given = {int(key): chance for key, chance in drawn.items()}
    return Standing(call.code, DRAWS, given, tuple(rank for rank in lined if rank.application.pk in tied))
