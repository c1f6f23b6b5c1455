"""The random draw of Chinese funding rules: at least three experts at random from the eligible pool.

Every pair has a ticket, a number from 0 to below 1 that anybody can compute from the published seed and the two keys.
Where no load binds, each application is read by the eligible reviewers with its highest tickets: a simple random
draw. Where loads, institutions or a mix bind, those pairs are drawn that keep them and whose tickets sum highest. So
the draw depends neither on the order of rows nor on anything else that whoever runs it could choose after the seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Sequence, Sized

import numpy as np
from numpy.typing import ArrayLike

from .problem import Floats, Ints, Mix
from .result import Assignment, Pair, Progress
from .solving import assign


def ticket(seed: int, application: str, reviewer: str) -> float:
    """Return the pair's ticket: SHA-256 of seed, application and reviewer, a line each; its first 52 bits as a share."""
    digest = hashlib.sha256(f"{seed}\n{application}\n{reviewer}".encode()).digest()
    return _share(digest)


def draw(
    eligible: ArrayLike,
    *,
    per_application: int | Sequence[int] | Ints = 3,
    max_load: int | Sequence[int] | Ints,
    min_load: int | Sequence[int] | Ints = 0,
    fixed: Iterable[Pair] | None = None,
    seed: int,
    applications: Sequence[str],
    reviewers: Sequence[str],
    kinds: Sequence[Hashable] | None = None,
    mix: Mix | None = None,
    institutions: Sequence[Hashable] | None = None,
    groups: Sequence[Hashable] | None = None,
    group_strength: float = 1.0,
    connected: bool = False,
    max_shared: int | None = None,
    deadline: float | None = 600.0,
    progress: Progress | None = None,
) -> Assignment:
    """Return reviewers drawn at random from those eligible, under the same conditions as `assign`.

    ``eligible``: (A, R), yes where the reviewer may be drawn for the application. ``applications``, ``reviewers``:
    the key of each row and column, which must not change between the publication of ``seed`` and the draw. The other
    arguments, `Infeasible` and ``ValueError`` are those of `assign`. In the result, ``total`` and ``means`` are of
    tickets.
    """
    try:
        raw = np.asarray(eligible)
        allowed = raw.astype(np.bool_)
    except (TypeError, ValueError):
        raise ValueError("eligible is to be a table of yes and no with rows of equal length") from None
    if allowed.ndim != 2 or 0 in allowed.shape:
        raise ValueError("eligible is to be a table: a row for each application, a column for each reviewer")
    if raw.dtype != np.bool_ and not np.isin(raw, (0, 1)).all():
        raise ValueError("eligible is to hold nothing but yes and no")
    for name, keys, size in (
        ("applications", applications, allowed.shape[0]),
        ("reviewers", reviewers, allowed.shape[1]),
    ):
        if not isinstance(keys, Sized):
            raise ValueError(f"{name} is to be a key for each, not {keys!r}")
        if len(keys) != size:
            raise ValueError(f"{name} has {len(keys)} keys for {size}")
    return assign(
        _tickets(seed, applications, reviewers),
        per_application=per_application,
        max_load=max_load,
        min_load=min_load,
        forbidden=~allowed,
        fixed=fixed,
        floor=None,
        seed=seed,
        kinds=kinds,
        mix=mix,
        institutions=institutions,
        groups=groups,
        group_strength=group_strength,
        connected=connected,
        max_shared=max_shared,
        applications=applications,
        reviewers=reviewers,
        deadline=deadline,
        progress=progress,
    )


def _tickets(seed: int, applications: Sequence[str], reviewers: Sequence[str]) -> Floats:
    endings = [str(reviewer).encode() for reviewer in reviewers]
    table = np.empty((len(applications), len(endings)))
    for row, application in enumerate(applications):
        start = hashlib.sha256(f"{seed}\n{application}\n".encode())
        for column, ending in enumerate(endings):
            whole = start.copy()
            whole.update(ending)
            table[row, column] = _share(whole.digest())
    return table


def _share(digest: bytes) -> float:
    return (int.from_bytes(digest[:8], "big") >> 12) / 2**52
