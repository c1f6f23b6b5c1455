"""The kinds of long work that the rooms declare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from park_portal.core.errors import Text

if TYPE_CHECKING:
    from park_portal.core.documents.models import Document
    from park_portal.core.jobs.models import Job
    from park_portal.core.jobs.progress import Progress

Body = Callable[["Job", "Progress"], "Document | None"]


@dataclass(frozen=True)
class JobKind:
    """One kind of job: its name, what people read, who may start it, and the function that does it."""

    name: str
    label: Text
    run: Body
    rule: str | None = None
    atomic: bool = True
    attempts: int = 2
    proved: bool = False


JOBS: Final[dict[str, JobKind]] = {}


def job(
    name: str,
    *,
    label: Text,
    rule: str | None = None,
    atomic: bool = True,
    attempts: int = 2,
    proved: bool = False,
) -> Callable[[Body], Body]:
    """Register the function that does jobs called ``name``.

    It gets the job and its progress, and returns the resulting document or nothing. It runs in one
    transaction, which is undone when it raises: a ``DomainError`` is shown to its owner as it is. With
    ``atomic=False`` it sees to its own transactions and must be safe to run twice. ``rule`` is the
    permission (without an object) that its owner must have, when starting it, when it runs and when
    reading its result. A job whose worker died is run ``attempts`` times. One that is ``proved`` was begun on a
    page that asks anew who its owner is, and there alone they begin it again.
    """

    def register(body: Body) -> Body:
        known = JOBS.get(name)
        if known is not None and known.run.__qualname__ != body.__qualname__:
            raise ValueError(f"job {name} is declared twice")
        JOBS[name] = JobKind(
            name=name, label=label, run=body, rule=rule, atomic=atomic, attempts=attempts, proved=proved
        )
        return body

    return register
