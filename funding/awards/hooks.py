"""What rooms above awards have to say when one moves on: each registers a function, awards asks all of them.

Reports and payments know awards, awards does not know them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone

from park_portal.core.errors import Problem, Text

if TYPE_CHECKING:
    from funding.awards.models import Award, BudgetCategory, Tranche
    from park_portal.core.accounts.models import User
    from park_portal.core.audit.services import Actor


@dataclass(frozen=True)
class Turn:
    """One thing that somebody has to do for an award: who, what, until when (None: no day is set), and where."""

    who: Text
    what: Text
    until: date | None = None
    url: str = ""


@dataclass(frozen=True)
class Part:
    """One part of the page of an award's whole life: its heading, its template and what that shows."""

    title: Text
    template: str
    context: dict[str, Any]
    order: int = 50


Started = Callable[["Award", "Actor"], None]
StopsTranche = Callable[["Tranche"], Iterable[Problem]]
Spent = Callable[["BudgetCategory"], int]
StopsEnd = Callable[["Award"], Iterable[Problem]]
Turns = Callable[["Award"], Iterable[Turn]]
Parts = Callable[["Award", "User"], Iterable[Part]]

_STARTED: Final[list[Started]] = []
_AMENDED: Final[list[Started]] = []
_TRANCHE: Final[list[StopsTranche]] = []
_TAKEN: Final[list[StopsTranche]] = []
_SPENT: Final[list[Spent]] = []
_ACCEPTANCE: Final[list[StopsEnd]] = []
_CLOSE: Final[list[StopsEnd]] = []
_TURNS: Final[list[Turns]] = []
_PARTS: Final[list[Parts]] = []


def when_started(function: Started) -> Started:
    """Register what is done, in the same transaction, when an award begins to run."""
    _STARTED.append(function)
    return function


def when_amended(function: Started) -> Started:
    """Register what is done, in the same transaction, when an amendment has changed an award's agreement."""
    _AMENDED.append(function)
    return function


def stops_tranche(function: StopsTranche) -> StopsTranche:
    """Register what may keep a tranche from being asked for or paid."""
    _TRANCHE.append(function)
    return function


def keeps_tranche(function: StopsTranche) -> StopsTranche:
    """Register why the amount of a tranche may not be changed any longer."""
    _TAKEN.append(function)
    return function


def counts_spent(function: Spent) -> Spent:
    """Register what of a budget category is spent for good, in fen: less than that is not left in it."""
    _SPENT.append(function)
    return function


def stops_acceptance(function: StopsEnd) -> StopsEnd:
    """Register what an award must have behind it before it is called to acceptance."""
    _ACCEPTANCE.append(function)
    return function


def stops_close(function: StopsEnd) -> StopsEnd:
    """Register what keeps an award from being closed."""
    _CLOSE.append(function)
    return function


def awaits(function: Turns) -> Turns:
    """Register what somebody has to do for an award, as its page lists it."""
    _TURNS.append(function)
    return function


def shows_part(function: Parts) -> Parts:
    """Register parts of the page of an award's whole life."""
    _PARTS.append(function)
    return function


def tell_started(award: Award, actor: Actor) -> None:
    for function in _STARTED:
        function(award, actor)


def tell_amended(award: Award, actor: Actor) -> None:
    for function in _AMENDED:
        function(award, actor)


def stops_of_tranche(tranche: Tranche) -> Iterator[Problem]:
    for function in _TRANCHE:
        yield from function(tranche)


def holds_of_tranche(tranche: Tranche) -> Iterator[Problem]:
    for function in _TAKEN:
        yield from function(tranche)


def spent_of(category: BudgetCategory) -> int:
    """Return what of ``category`` is spent for good, in fen."""
    return sum(function(category) for function in _SPENT)


def stops_of_acceptance(award: Award) -> Iterator[Problem]:
    for function in _ACCEPTANCE:
        yield from function(award)


def stops_of_close(award: Award) -> Iterator[Problem]:
    for function in _CLOSE:
        yield from function(award)


def turns_of(award: Award) -> list[Turn]:
    """Return what is to be done for ``award``: what is overdue, then what can be done now, then what has a later day."""
    today = timezone.localdate()
    found = [turn for function in _TURNS for turn in function(award)]
    return sorted(found, key=lambda turn: turn.until or today)


def parts_of(award: Award, user: User) -> list[Part]:
    return sorted(
        (part for function in _PARTS for part in function(award, user)), key=lambda part: part.order
    )
