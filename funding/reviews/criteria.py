"""What staff ask of an assignment: typed, as it is kept in a plan's JSON and read back. No database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final

from funding.reviews.states import PlanFloor

MOST_REVIEWS: Final = 15  # of one application
MOST_LOAD: Final = 200  # applications of one reviewer


@dataclass(frozen=True)
class PoolFilter:
    """Who of the pool is asked; an empty list leaves everyone in."""

    keywords: tuple[str, ...] = ()  # one of them stands among the reviewer's own, or in the statement
    institutions: tuple[str, ...] = ()  # the name of the institution holds one of these
    kinds: tuple[str, ...] = ()
    with_room: bool = True  # only who may take on at least one more review
    on_time: int = 0  # per cent of their reviews handed in on time, at least; who has none yet passes


@dataclass(frozen=True)
class PlanCriteria:
    """What an assignment must keep, and what it aims at."""

    per_application: int = 3
    max_load: int = 12  # applications of this stage that one reviewer reads, those asked already among them
    min_load: int = 0
    floor: str = PlanFloor.BEST
    floor_value: float | None = None  # with PlanFloor.NUMBER: the mean match of an application's reviewers
    minimum: float = 0.0  # pairs that fit less are never made
    mix: Mapping[str, int] = field(default_factory=dict)  # {kind: reviewers of it, at least}
    one_per_institution: bool = True
    together: int = 0  # per cent: how strongly similar applications go to the same reviewers; 0 not at all
    connected: bool = False
    max_shared: int | None = None  # applications that two reviewers may share
    pool: PoolFilter = field(default_factory=PoolFilter)

    def as_json(self) -> dict[str, Any]:
        """Return what ``criteria_of`` reads back."""
        found = asdict(self)
        found["pool"] = {key: list(v) if isinstance(v, tuple) else v for key, v in found["pool"].items()}
        return found

    def changed(self, **values: Any) -> PlanCriteria:
        return replace(self, **values)


def criteria_of(stored: Mapping[str, Any]) -> PlanCriteria:
    """Return the criteria kept as JSON; what is missing there has its usual value."""
    known = {one.name for one in fields(PlanCriteria)}
    values = {key: value for key, value in stored.items() if key in known and key != "pool"}
    pool: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in (stored.get("pool") or {}).items()
        if key in {one.name for one in fields(PoolFilter)}
    }
    return PlanCriteria(**values, pool=PoolFilter(**pool))
