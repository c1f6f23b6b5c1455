"""What is asked of an assignment: read, checked, and put into an order that does not depend on how it came.

Ties are common (two reviewers with the same profile, marks in steps of a tenth), and whoever breaks them by the
order of rows makes the result depend on who was entered first. So the rows and columns are sorted before anything
is solved: by their keys, hashed with the seed, where keys are given, and else by a fingerprint of what they hold,
refined as graphs are told apart (Weisfeiler & Leman 1968), so that rows in another order end up in the same order
here. Only rows that cannot be told apart by anything they hold are left in the order of their hashed positions.
"""

from __future__ import annotations

import hashlib
import math
import operator
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .result import Pair

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Floor = float | Literal["best"] | None
Mix = Mapping[Hashable, int | Sequence[int]]


MANY = 2.0**40  # No call has as many of anything; sums of as many still fit.
PER_APPLICATION = ("affinity", "open", "fixed", "count", "need", "mix", "group", "rows")


@dataclass
class Problem:
    """One assignment to be found, in the solver's own order; what is fixed is already taken off.

    A is the number of applications, R of reviewers, Q of the kinds asked for.
    """

    affinity: Floats  # (A, R)
    open: Mask  # (A, R): pairs that may be chosen, neither forbidden nor fixed.
    fixed: Mask  # (A, R)
    count: Ints  # (A,): reviews of each application, the fixed ones among them.
    need: Ints  # (A,): reviews still to be given out.
    load: Ints  # (R,): applications that each reviewer may read, the fixed ones among them.
    room: Ints  # (R,): what is left of it.
    least: Ints  # (R,): applications that each reviewer is still to get.
    kind: Ints  # (R,): number of the reviewer's kind, -1 for one that is not asked for.
    kinds: tuple[Hashable, ...]  # (Q,)
    mix: Ints  # (A, Q): reviewers of each kind that each application is still to get.
    institution: Ints  # (R,): -1 for none, or one that nobody shares.
    group: Ints  # (A,): -1 for none.
    panel: Ints  # (groups,): reviewers that may read a group, the fixed ones among them.
    connected: bool
    max_shared: int | None
    rows: Ints  # (A,): the caller's number of each application here.
    columns: Ints  # (R,): the caller's number of each reviewer here.
    seed: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.affinity.shape[0], self.affinity.shape[1]

    @property
    def given(self) -> Floats:
        """The sum of affinities that each application has from its fixed pairs."""
        return np.where(self.fixed, self.affinity, 0.0).sum(axis=1)

    @property
    def asked(self) -> Mask:
        """The applications that the floor is asked of: those for which something is left to choose."""
        return self.need > 0

    def outside(self, application: int) -> int:
        return int(self.rows[application])

    def without(self, option: str) -> Problem:
        """The same problem without one of the options (a name from ``options``)."""
        changes: dict[str, dict[str, Any]] = {
            "kinds": {"kinds": (), "mix": np.zeros((self.shape[0], 0), np.int64)},
            "institutions": {"institution": np.full(self.shape[1], -1, np.int64)},
            "groups": {"group": np.full(self.shape[0], -1, np.int64), "panel": np.zeros(0, np.int64)},
            "max_shared": {"max_shared": None},
            "connected": {"connected": False},
        }
        return replace(self, **changes[option])

    def only(self, rows: Ints) -> Problem:
        """The problem of some applications alone, as if the others needed nobody: what it reaches is a bound."""
        changes = {name: getattr(self, name)[rows] for name in PER_APPLICATION}
        return replace(self, **changes, least=np.zeros_like(self.least))

    def within_panels(self, chosen: Mask) -> Problem:
        """The same problem with each group's panel settled: those who read it in ``chosen``, and nobody else."""
        may_read = self.open.copy()
        for code in range(len(self.panel)):
            members = self.group == code
            panel = (chosen | self.fixed)[members].any(axis=0)
            may_read[np.ix_(members, ~panel)] = False
        return replace(self.without("groups"), open=may_read)

    @property
    def options(self) -> tuple[str, ...]:
        """The names of the options that are asked for and could bind."""
        asked = {
            "kinds": bool(self.mix.any()),
            "institutions": bool((self.institution >= 0).any()),
            "groups": len(self.panel) > 0,
            "max_shared": self.max_shared is not None,
            "connected": self.connected,
        }
        return tuple(name for name, is_asked in asked.items() if is_asked)


def read_problem(
    affinity: ArrayLike,
    *,
    per_application: int | Sequence[int] | Ints,
    max_load: int | Sequence[int] | Ints,
    min_load: int | Sequence[int] | Ints,
    forbidden: ArrayLike | None,
    fixed: Iterable[Pair] | None,
    seed: int,
    kinds: Sequence[Hashable] | None,
    mix: Mix | None,
    institutions: Sequence[Hashable] | None,
    groups: Sequence[Hashable] | None,
    group_strength: float,
    connected: bool,
    max_shared: int | None,
    applications: Sequence[str] | None,
    reviewers: Sequence[str] | None,
) -> Problem:
    """Return what is asked, in the solver's order. Raises ``ValueError`` in plain words for what makes no sense."""
    values = _table(affinity)
    size_a, size_r = values.shape
    seed = _whole(seed, "seed")
    count = _counts(per_application, size_a, "per_application", "applications")
    load = _counts(max_load, size_r, "max_load", "reviewers")
    least = _counts(min_load, size_r, "min_load", "reviewers")
    if count.max() > size_r:
        one = int(count.argmax())
        raise ValueError(
            f"application {one} is to have {count[one]} reviewers, and there are {size_r} in all"
        )
    if (least > load).any():
        one = int((least > load).argmax())
        raise ValueError(
            f"reviewer {one} is to get {least[one]} applications at least and {load[one]} at most: "
            "min_load is above max_load"
        )
    load = np.minimum(load, size_a)  # More than all there is makes no difference, but to a solver.
    closed = _mask(forbidden, values.shape)
    stands = _fixed(fixed, closed, count, load)
    codes, names = _labels(kinds, size_r, "kinds", "reviewers")
    asked, wanted = _mix(mix, codes, names, size_a, given=kinds is not None, count=count)
    institution = _labels(institutions, size_r, "institutions", "reviewers")[0]
    group = _labels(groups, size_a, "groups", "applications")[0]
    if not (is_number(group_strength) and 0 <= group_strength <= 1):
        raise ValueError(f"group_strength is to be between 0 and 1, not {group_strength!r}")
    if max_shared is not None:
        max_shared = _whole(max_shared, "max_shared")
        if max_shared < 0:
            raise ValueError("max_shared is negative")

    rows, columns = _order(
        values,
        closed.astype(np.int64) + 2 * stands,
        (count, group, *asked.T),
        (load, least, codes, institution),
        seed,
        _keys(applications, size_a, "applications"),
        _keys(reviewers, size_r, "reviewers"),
    )
    stands, closed = stands[np.ix_(rows, columns)], closed[np.ix_(rows, columns)]
    values, count, asked, group = values[np.ix_(rows, columns)], count[rows], asked[rows], group[rows]
    load, least, codes, institution = load[columns], least[columns], codes[columns], institution[columns]
    used = stands.sum(axis=0)
    institution = np.where(np.bincount(institution + 1)[institution + 1] > 1, institution, -1)
    may_read = ~closed & ~stands
    _close_institutions(may_read, stands, institution, rows)
    if max_shared is not None:
        _check_shared(stands, max_shared, columns)
    kind = np.full(size_r, -1, np.int64)
    for number, code in enumerate(wanted):
        kind[codes == code] = number
    have = (
        np.stack([stands[:, kind == q].sum(axis=1) for q in range(len(wanted))], axis=1) if wanted else asked
    )
    need = count - stands.sum(axis=1)
    may_read &= (need > 0)[:, None] & (load > used)[None, :]
    group, panel = _panels(group, group_strength, count, load, may_read | stands, stands)
    return Problem(
        affinity=np.ascontiguousarray(values),
        open=may_read,
        fixed=stands,
        count=count,
        need=need,
        load=load,
        room=load - used,
        least=np.maximum(least - used, 0),
        kind=kind,
        kinds=tuple(names[code] for code in wanted),
        mix=np.maximum(asked - have, 0),
        institution=institution,
        group=group,
        panel=panel,
        connected=connected,
        max_shared=max_shared,
        rows=rows,
        columns=columns,
        seed=seed,
    )


def read_floor(floor: Floor) -> float | Literal["best"] | None:
    """Return the floor; raises ``ValueError`` for what is none."""
    if floor is None or (isinstance(floor, str) and floor == "best"):
        return floor
    if not is_number(floor):
        raise ValueError(f'floor is to be None, a number or "best", not {floor!r}')
    if not math.isfinite(floor) or floor < 0:
        raise ValueError(f"floor is to be a number from 0 up, not {floor!r}")
    return float(floor)


def is_number(value: Any) -> TypeGuard[float]:
    """Whether it is one number, Python's or numpy's; yes and no are none."""
    return not isinstance(value, bool) and isinstance(value, (int, float, np.integer, np.floating))


def _whole(value: Any, name: str) -> int:
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    raise ValueError(f"{name} is to be a whole number, not {value!r}")


def _table(affinity: ArrayLike) -> Floats:
    try:
        raw = np.asarray(affinity)
        if np.iscomplexobj(raw):
            raise TypeError
        values = np.array(raw, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError("affinity is to be a table of numbers with rows of equal length") from None
    if values.ndim != 2:
        raise ValueError("affinity is to be a table: a row for each application, a column for each reviewer")
    if 0 in values.shape:
        raise ValueError("affinity is empty: there are no applications or no reviewers")
    for problem, wrong in (
        ("not a number", np.isnan(values)),
        ("infinite", np.isinf(values)),
        ("negative", values < 0),
    ):
        if wrong.any():
            row, column = (int(one) for one in np.argwhere(wrong)[0])
            raise ValueError(f"the affinity of application {row} and reviewer {column} is {problem}")
    return values + 0.0  # Minus nought becomes nought.


def _counts(value: Any, size: int, name: str, of: str) -> Ints:
    try:
        raw = np.asarray(value)
        numbers = raw.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is to be a whole number, or one for each of the {of}") from None
    if raw.dtype == np.bool_ or not np.isfinite(numbers).all() or (numbers != np.round(numbers)).any():
        raise ValueError(f"{name} is to be a whole number, or one for each of the {of}")
    if numbers.ndim > 1 or (numbers.ndim == 1 and len(numbers) != size):
        raise ValueError(f"{name} has {numbers.size} numbers for {size} {of}")
    if (numbers < 0).any():
        raise ValueError(f"{name} is negative")
    return np.broadcast_to(np.minimum(numbers, MANY), (size,)).astype(np.int64)


def _mask(forbidden: ArrayLike | None, shape: tuple[int, ...]) -> Mask:
    if forbidden is None:
        return np.zeros(shape, np.bool_)
    try:
        raw = np.asarray(forbidden)
        mask = raw.astype(np.bool_)
    except (TypeError, ValueError):
        raise ValueError("forbidden is to be a table of yes and no, of the shape of affinity") from None
    if mask.shape != shape:
        raise ValueError(f"forbidden has the shape {mask.shape}, affinity {shape}")
    if raw.dtype != np.bool_ and not np.isin(raw, (0, 1)).all():
        raise ValueError("forbidden is to hold nothing but yes and no")
    return mask


def _fixed(fixed: Iterable[Pair] | None, closed: Mask, count: Ints, load: Ints) -> Mask:
    stands = np.zeros(closed.shape, np.bool_)
    if fixed is not None and not isinstance(fixed, Iterable):
        raise ValueError(f"fixed is to be pairs (application, reviewer), not {fixed!r}")
    for pair in fixed if fixed is not None else ():
        try:
            application, reviewer = (operator.index(one) for one in pair)
        except (TypeError, ValueError):
            raise ValueError(f"a fixed pair is (application, reviewer), not {pair!r}") from None
        if not (0 <= application < closed.shape[0] and 0 <= reviewer < closed.shape[1]):
            raise ValueError(f"the fixed pair {(application, reviewer)} is not in the table")
        if stands[application, reviewer]:
            raise ValueError(f"the pair {(application, reviewer)} is fixed twice")
        if closed[application, reviewer]:
            raise ValueError(f"the pair {(application, reviewer)} is both fixed and forbidden")
        stands[application, reviewer] = True
    for name, have, most in (
        ("application", stands.sum(axis=1), count),
        ("reviewer", stands.sum(axis=0), load),
    ):
        if (have > most).any():
            one = int((have > most).argmax())
            raise ValueError(f"{name} {one} has {have[one]} fixed pairs, and may have {most[one]} at most")
    return stands


def _labels(labels: Sequence[Hashable] | None, size: int, name: str, of: str) -> tuple[Ints, list[Hashable]]:
    """Number the labels in the order of their names; -1 where there is none."""
    if labels is None:
        return np.full(size, -1, np.int64), []
    if not isinstance(labels, Iterable):
        raise ValueError(f"{name} is to be a label for each of the {of}, not {labels!r}")
    listed = [one.item() if isinstance(one, np.generic) else one for one in labels]
    if len(listed) != size:
        raise ValueError(f"{name} has {len(listed)} labels for {size} {of}")
    if not all(isinstance(one, Hashable) for one in listed):
        raise ValueError(f"{name} is to be a label for each of the {of}: words or numbers")
    names = sorted({one for one in listed if one is not None}, key=lambda one: (str(type(one)), str(one)))
    number = {one: place for place, one in enumerate(names)}
    return np.array([-1 if one is None else number[one] for one in listed], np.int64), names


def _mix(
    mix: Mix | None, codes: Ints, names: list[Hashable], size: int, *, given: bool, count: Ints
) -> tuple[Ints, list[int]]:
    """Return how many reviewers of each wanted kind each application is to get, and the kinds' numbers."""
    if mix is None:
        return np.zeros((size, 0), np.int64), []
    if not isinstance(mix, Mapping):
        raise ValueError(f"mix is to say by kind how many are asked for, not {mix!r}")
    if not given:
        raise ValueError("mix asks for kinds of reviewers, and kinds does not say who is of which")
    unknown = [kind for kind in mix if kind not in names]
    for kind in unknown:
        names.append(kind)  # Nobody is of it: possible only where nobody is asked for.
    wanted = sorted((names.index(kind) for kind in mix), key=lambda code: str(names[code]))
    numbers = [_counts(mix[names[code]], size, f"mix[{names[code]!r}]", "applications") for code in wanted]
    asked = np.stack(numbers, axis=1) if numbers else np.zeros((size, 0), np.int64)
    over = asked.sum(axis=1) > count
    if over.any():
        one = int(over.argmax())
        raise ValueError(
            f"mix asks for {asked[one].sum()} reviewers of application {one}, per_application for {count[one]}"
        )
    return asked, wanted


def _keys(keys: Sequence[str] | None, size: int, name: str) -> list[str] | None:
    if keys is None:
        return None
    if not isinstance(keys, Iterable):
        raise ValueError(f"{name} is to be a key for each, not {keys!r}")
    listed = [str(key) for key in keys]
    if len(listed) != size:
        raise ValueError(f"{name} has {len(listed)} keys for {size}")
    twice = [key for key, times in Counter(listed).items() if times > 1]
    if twice:
        raise ValueError(f"{name} has the key {twice[0]!r} twice")
    if any("\n" in key for key in listed):
        raise ValueError(f"a key in {name} has a line break")
    return listed


def _close_institutions(may_read: Mask, stands: Mask, institution: Ints, rows: Ints) -> None:
    """Close each application to all other reviewers of an institution of which one is fixed."""
    for application, reviewer in np.argwhere(stands):
        code = institution[reviewer]
        if code < 0:
            continue
        colleagues = institution == code
        if (stands[application] & colleagues).sum() > 1:
            raise ValueError(
                f"application {rows[application]} has two fixed reviewers of the same institution"
            )
        may_read[application, colleagues] = False


def _check_shared(stands: Mask, most: int, columns: Ints) -> None:
    held = np.flatnonzero(stands.any(axis=0))
    shared = stands[:, held].astype(np.int64)
    together = np.triu(shared.T @ shared, 1)
    if (together > most).any():
        one, other = (int(columns[held[place]]) for place in np.argwhere(together > most)[0])
        raise ValueError(
            f"reviewers {min(one, other)} and {max(one, other)} share more fixed applications than max_shared"
        )


def _panels(
    group: Ints, strength: float, count: Ints, load: Ints, may_read: Mask, stands: Mask
) -> tuple[Ints, Ints]:
    """How many reviewers may read each group: at strength 1 as few as could do, at 0 as many as there are reviews."""
    sizes: list[int] = []
    numbers = np.full(len(group), -1, np.int64)
    for code in np.unique(group[group >= 0]):
        members = group == code
        reviews = int(count[members].sum())
        able = np.sort(np.minimum(load, may_read[members].sum(axis=0)))[::-1]
        fewest = int(np.searchsorted(np.cumsum(able), reviews)) + 1
        fewest = max(fewest, int(count[members].max()), int(stands[members].any(axis=0).sum()))
        size = fewest + math.floor((1 - strength) * (reviews - fewest) + 1e-9)
        if reviews > fewest and size < reviews:
            numbers[members] = len(sizes)
            sizes.append(size)
    return numbers, np.array(sizes, np.int64)


def _order(
    values: Floats,
    state: Ints,
    of_rows: tuple[Ints, ...],
    of_columns: tuple[Ints, ...],
    seed: int,
    applications: list[str] | None,
    reviewers: list[str] | None,
) -> tuple[Ints, Ints]:
    """Return an order of rows and of columns that the seed and what they hold decide."""
    salt = int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:8], "big")
    cells = _mixed(values.view(np.uint64) ^ _mixed(state.astype(np.uint64) + np.uint64(salt & 0xFFFFFFFF)))
    row_marks, column_marks = _marks(of_rows, len(values)), _marks(of_columns, values.shape[1])
    if applications is not None:
        row_marks = _hashed(applications, seed)
    if reviewers is not None:
        column_marks = _hashed(reviewers, seed)
    for _round in range(
        3
    ):  # Sums wrap around, exactly, so they do not depend on the order of what is summed.
        new_rows = _mixed(_mixed(cells ^ column_marks[None, :]).sum(axis=1, dtype=np.uint64) ^ row_marks)
        new_columns = _mixed(_mixed(cells ^ row_marks[:, None]).sum(axis=0, dtype=np.uint64) ^ column_marks)
        row_marks = row_marks if applications is not None else new_rows
        column_marks = column_marks if reviewers is not None else new_columns
    return (
        np.lexsort((_hashed(map(str, range(len(values))), seed), row_marks)),
        np.lexsort((_hashed(map(str, range(values.shape[1])), seed), column_marks)),
    )


def _hashed(keys: Iterable[str], seed: int) -> NDArray[np.uint64]:
    digests = (hashlib.sha256(f"{seed}\n{key}".encode()).digest()[:8] for key in keys)
    return np.array([int.from_bytes(digest, "big") for digest in digests], np.uint64)


def _marks(numbers: tuple[Ints, ...], size: int) -> NDArray[np.uint64]:
    marks = np.zeros(size, np.uint64)
    for one in numbers:
        marks = _mixed(marks ^ _mixed(one.astype(np.uint64)))
    return marks


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread every bit over all 64 (the finaliser of SplitMix64, Steele, Lea & Flood 2014)."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
