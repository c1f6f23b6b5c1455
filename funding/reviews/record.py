"""The arithmetic of a reviewer's record: no Django, no database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from math import sqrt


@dataclass(frozen=True)
class Figures:
    """What one person's invitations come to.

    ``answered_days`` is the mean from being asked to accepting or stepping back, in days; ``words`` the mean length of
    what they wrote for committee and applicant in a submitted review, each 汉字 and each other word counting one, as
    Word's 字数 does; ``characters`` the same without blanks. None where there is nothing to take a mean of.

    ``never`` are reviews that were accepted and not handed in by their deadline, nor since. ``usefulness`` is the mean of
    what members of panels said of the person's reviews, 1 to 5, and ``usefulness_ratings`` how many times they did.
    """

    invited: int = 0
    accepted: int = 0
    declined: int = 0
    conflicts: int = 0
    on_time: int = 0
    late: int = 0
    never: int = 0
    answered_days: float | None = None
    words: int | None = None
    characters: int | None = None
    usefulness: float | None = None
    usefulness_ratings: int = 0

    @property
    def due(self) -> int:
        """How many accepted reviews have come to their end, one way or another."""
        return self.on_time + self.late + self.never

    @property
    def submitted(self) -> int:
        return self.on_time + self.late

    @property
    def on_time_share(self) -> float | None:
        """The share of accepted reviews that were handed in by their deadline, 0 to 1; None before the first is due."""
        return self.on_time / self.due if self.due else None


@dataclass(frozen=True)
class Severity:
    """How many points (of 100) someone marks above others, over several calls, with its standard error.

    Positive is milder, negative stricter. ``parts`` says from how many calibrated stages.
    """

    value: float
    stderr: float
    parts: int

    @property
    def shown(self) -> str:
        """Value and error as figures stand in a table."""
        return f"{self.value:+.1f} ± {self.stderr:.1f}".replace("-", "−")

    @property
    def tells_apart(self) -> bool:
        """Whether it is more than chance would give: beyond 1.645 standard errors (90 %)."""
        return abs(self.value) > 1.645 * self.stderr


@dataclass(frozen=True)
class Record:
    """One reviewer's record: over all that is looked at, and over the last few calls."""

    whole: Figures = field(default_factory=Figures)
    recent: Figures = field(default_factory=Figures)
    recent_calls: int = 0
    severity: Severity | None = None

    @property
    def on_time_share(self) -> float | None:
        return self.whole.on_time_share


@dataclass(frozen=True)
class CallFigures:
    """One person's sums in one call, as the database adds them up."""

    figures: Figures
    answered: int = 0
    answered_time: timedelta = timedelta(0)
    words: int = 0
    characters: int = 0
    usefulness: int = 0
    ratings: int = 0


def add_up(rows: Iterable[CallFigures]) -> Figures:
    """Return the figures over several calls."""
    found = list(rows)
    counts = {
        name: sum(getattr(row.figures, name) for row in found)
        for name in ("invited", "accepted", "declined", "conflicts", "on_time", "late", "never")
    }
    answered = sum(row.answered for row in found)
    seconds = sum(row.answered_time.total_seconds() for row in found)
    submitted = counts["on_time"] + counts["late"]
    ratings = sum(row.ratings for row in found)
    return Figures(
        **counts,
        answered_days=round(seconds / answered / 86_400, 1) if answered else None,
        words=round(sum(row.words for row in found) / submitted) if submitted else None,
        characters=round(sum(row.characters for row in found) / submitted) if submitted else None,
        usefulness=round(sum(row.usefulness for row in found) / ratings, 1) if ratings else None,
        usefulness_ratings=ratings,
    )


def combined(severities: Iterable[tuple[float, float]]) -> Severity | None:
    """Return one severity from those of several calls, each (value, standard error), weighted by inverse variance.

    The fixed-effect estimate of several measurements of one thing: Σ vᵢ/σᵢ² ÷ Σ 1/σᵢ², error 1/√Σ 1/σᵢ². Those without an
    error, or without any doubt, say nothing about how sure they are and are left out; None when no other is left.
    """
    found = [(value, error) for value, error in severities if error > 0 and error < float("inf")]
    if not found:
        return None
    weight = sum(1 / error**2 for _value, error in found)
    return Severity(sum(value / error**2 for value, error in found) / weight, 1 / sqrt(weight), len(found))
