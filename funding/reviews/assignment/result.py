"""What an assignment is, and what is said where there can be none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Pair = tuple[int, int]
"""An application's row and a reviewer's column in the matrix of affinities."""

Progress = Callable[[float, str], None]
"""Is told a share 0 … 1 and what is being done: one of ``STEPS``."""

STEPS = ("checking", "total", "worst", "rounding", "options", "done")


@dataclass(frozen=True)
class Assignment:
    """Who reads what, and the proof of how good that is.

    The bounds are proven over all pairs that may be chosen, not over those the solver happened to look at: each is
    the value of a dual solution, computed anew from the matrix of affinities. No assignment whatever under the same
    conditions has a larger total, or a better worst-served application.
    """

    pairs: tuple[Pair, ...]
    """(application, reviewer), sorted; the fixed pairs are among them."""
    total: float
    """Sum of the affinities of all pairs."""
    worst: float
    """The smallest of the applications' means: the mean affinity of the reviewers who read it."""
    worst_application: int | None
    """The application with that mean; None when no application is to be read."""
    loads: tuple[int, ...]
    """How many applications each reviewer reads."""
    means: tuple[float, ...]
    """The mean affinity of each application's reviewers, 0 for one that nobody is to read."""
    total_bound: float
    """No assignment that keeps ``floor`` has a larger total."""
    worst_bound: float | None
    """No assignment has a better worst-served application; None unless ``floor="best"`` asked for it."""
    floor: float | None
    """The mean that every application has at least, among those for which something was to be chosen."""
    tolerance: float
    """How far below ``worst_bound`` the floor was allowed to be, as a share of it."""
    seed: int
    costs: dict[str, float] = field(default_factory=dict)
    """By option: how much total is lost with it, measured against the bound or the assignment without it."""

    @property
    def bound(self) -> float:
        """The bound of what was maximised first: of the worst-served with ``floor="best"``, else of the total."""
        return self.total_bound if self.worst_bound is None else self.worst_bound

    @property
    def total_gap(self) -> float:
        """By what share of its bound the total may still be below the best; 0 is proven optimal."""
        return _share(self.total_bound - self.total, self.total_bound)

    @property
    def worst_gap(self) -> float | None:
        """By what share of its bound the worst-served application may still be below the best."""
        return None if self.worst_bound is None else _share(self.worst_bound - self.worst, self.worst_bound)

    @property
    def optimal(self) -> bool:
        """Whether no assignment that keeps the floor has a larger total, to one part in a million.

        Of totals below 1, to a millionth: less than that the solver does not tell apart.
        """
        return self.total_bound - self.total <= 1e-6 * max(1.0, self.total_bound)


def _share(part: float, whole: float) -> float:
    return max(0.0, part / whole) if whole > 0 else 0.0


@dataclass(frozen=True)
class Shortage:
    """A knot of applications that together need more reviews than their reviewers may give (a Hall set).

    For the reason "min_load" read it the other way round: reviewers who together are to read more than the
    applications they may read have places for.
    """

    applications: tuple[int, ...]
    reviewers: tuple[int, ...]
    """All that may read at least one of these applications."""
    missing: int
    """How many reviews are lacking, at least, whoever reads what."""
    full: tuple[int, ...] = ()
    """Those of the reviewers whose load is the limit: a higher load of theirs helps."""
    kind: object = None
    """The kind of reviewers that is lacking, where the mix is the limit."""


class Infeasible(ValueError):
    """There is no such assignment; the attributes say why, and what to loosen.

    ``reason``: "reviewers" (too few for the reviews asked for), "min_load" (reviewers who cannot get that many),
    "floor" (a mean that cannot be reached), or the name of the option that cannot be kept: "kinds", "institutions",
    "groups", "max_shared", "connected"; "options" when only two or more of them together are too much.
    ``shortages``: the knots, with how many reviews are missing in each.
    ``loosen``: the names of arguments of which any one, loosened enough, makes it possible or less short.
    ``bound``: for "floor", the mean that can be proven not to be exceeded.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        shortages: tuple[Shortage, ...] = (),
        loosen: tuple[str, ...] = (),
        bound: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.shortages = shortages
        self.loosen = loosen
        self.bound = bound

    @property
    def applications(self) -> tuple[int, ...]:
        """All applications of the shortages."""
        return tuple(sorted({one for shortage in self.shortages for one in shortage.applications}))

    @property
    def reviewers(self) -> tuple[int, ...]:
        """All reviewers of the shortages."""
        return tuple(sorted({one for shortage in self.shortages for one in shortage.reviewers}))

    @property
    def missing(self) -> int:
        """Reviews missing in all shortages together."""
        return sum(shortage.missing for shortage in self.shortages)


class OutOfTime(TimeoutError):
    """No assignment was found, nor shown to be impossible, before the time given was over; ``step`` says where."""

    def __init__(self, seconds: float, step: str) -> None:
        super().__init__(f"no assignment was found within {seconds:g} seconds (at: {step})")
        self.seconds = seconds
        self.step = step
