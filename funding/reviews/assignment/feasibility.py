"""Whether loads and conflicts leave enough reviewers, and which knot of applications lacks how many.

Reviews are a flow from the applications to the reviewers. Where the largest flow is less than what is asked for, the
smallest cut (Ford & Fulkerson 1956) names the applications that together are short: the set of Hall's theorem.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order, connected_components, maximum_flow

from .problem import Ints, Mask, Problem
from .result import Infeasible, Shortage


def check_loads(problem: Problem) -> None:
    """Raise `Infeasible` when loads and conflicts alone make it impossible, naming the knots."""
    short = shortages(problem.open, problem.need, problem.room)
    if short:
        found = _sorted(_outside(problem, *one) for one in short)
        loosen = ["per_application", "forbidden", "reviewers"]
        if any(shortage.full for shortage in found):
            loosen.insert(0, "max_load")
        missing = sum(shortage.missing for shortage in found)
        raise Infeasible(
            f"{missing} reviews are missing: {_named('application', found[0].applications)} may be read by "
            f"{len(found[0].reviewers)} reviewers, which is {found[0].missing} too few places",
            reason="reviewers",
            shortages=tuple(found),
            loosen=tuple(loosen),
        )
    # One assignment may serve all applications and another give all reviewers their least; then one does both
    # (Mendelsohn & Dulmage 1958), so the two are looked at one after the other.
    idle = shortages(problem.open.T, problem.least, problem.need)
    if idle:
        found = _sorted(
            _outside(problem, applications, reviewers, missing, ())
            for reviewers, applications, missing, _full in idle
        )
        missing = sum(shortage.missing for shortage in found)
        raise Infeasible(
            f"{_named('reviewer', found[0].reviewers)} cannot get as many applications as min_load asks: "
            f"{missing} are missing",
            reason="min_load",
            shortages=tuple(found),
            loosen=("min_load", "forbidden", "per_application"),
        )


def check_kinds(problem: Problem) -> None:
    """Raise `Infeasible` when there are too few reviewers of one kind, naming the knots."""
    found: list[Shortage] = []
    for number, kind in enumerate(problem.kinds):
        of_kind = problem.open & (problem.kind == number)[None, :]
        found += [
            _outside(problem, *one, kind) for one in shortages(of_kind, problem.mix[:, number], problem.room)
        ]
    if found:
        found = _sorted(found)
        one = found[0]
        raise Infeasible(
            f"{one.missing} reviewers of the kind {one.kind!r} are missing for "
            f"{_named('application', one.applications)}",
            reason="kinds",
            shortages=tuple(found),
            loosen=("mix", "max_load", "forbidden") if one.full else ("mix", "forbidden"),
        )


def check_connectable(problem: Problem) -> None:
    """Raise `Infeasible` when even with every pair that is open the graph would fall apart, or has too few edges."""
    served = problem.count > 0
    allowed = problem.open | problem.fixed
    size_a = problem.shape[0]
    joined = sparse.bmat(
        [[None, sparse.csr_array(allowed)], [sparse.csr_array(allowed.T), None]], format="csr"
    )
    _number, label = connected_components(joined, directed=False)
    parts = np.unique(label[:size_a][served])
    if len(parts) > 1:
        found = []
        for part in parts:
            rows = np.flatnonzero((label[:size_a] == part) & served)
            columns = np.flatnonzero(label[size_a:] == part)
            found.append(_outside(problem, rows, columns, 1, ()))
        raise Infeasible(
            f"the applications fall into {len(parts)} parts that share no reviewer who may read both",
            reason="connected",
            shortages=tuple(_sorted(found)),
            loosen=("connected", "forbidden"),
        )
    # A connected graph has at least as many edges as nodes less one, and the reviewers needed are at least so many.
    reviews, applications = int(problem.count.sum()), int(served.sum())
    places = np.sort(np.minimum(problem.load, allowed.sum(axis=0)))[::-1]
    fewest = int(np.searchsorted(np.cumsum(places), reviews)) + 1
    fewest = max(fewest, int((problem.least > 0).sum()), int(problem.fixed.any(axis=0).sum()))
    if applications and reviews < applications + fewest - 1:
        raise Infeasible(
            f"{reviews} reviews cannot connect {applications} applications and {fewest} reviewers: "
            f"that takes {applications + fewest - 1}",
            reason="connected",
            loosen=("connected", "per_application", "max_load"),
        )


def feasible_flow(open_: Mask, demand: Ints, supply: Ints) -> Mask | None:
    """Return pairs that serve the whole demand within the supply, or None when none do."""
    total = int(demand.sum())
    # A few open pairs of each application nearly always do; looking at all of them costs a second at a million.
    for most in (24, None):
        chosen = open_ if most is None else _thinned(open_, most)
        flow = maximum_flow(_network(chosen, demand, supply), *_ends(open_.shape))
        if flow.flow_value == total:
            size_a, size_r = open_.shape
            inner = flow.flow[1 : size_a + 1, size_a + 1 : size_a + size_r + 1]
            return np.asarray(inner.toarray()) > 0
    return None


def shortages(open_: Mask, demand: Ints, supply: Ints) -> list[tuple[Ints, Ints, int, Ints]]:
    """Return the knots: demanders, suppliers they may turn to, units missing, suppliers that are exhausted.

    ``open_``: which demander may take one unit of which supplier. The smallest minimum cut is taken, so a knot holds
    nobody who could be served anyway.
    """
    if feasible_flow(open_, demand, supply) is not None:
        return []
    size_a, size_r = open_.shape
    network = _network(open_, demand, supply)
    source, sink = _ends(open_.shape)
    residual = network - maximum_flow(network, source, sink).flow
    residual.data = np.maximum(residual.data, 0)
    residual.eliminate_zeros()
    reached = np.zeros(size_a + size_r + 2, np.bool_)
    reached[breadth_first_order(residual, source, return_predecessors=False)] = True
    short = np.flatnonzero(reached[1 : size_a + 1])
    asked = open_[short]
    links = sparse.bmat([[None, sparse.csr_array(asked)], [sparse.csr_array(asked.T), None]], format="csr")
    _number, label = connected_components(links, directed=False)
    knots = []
    for part in np.unique(label[: len(short)]):
        rows = short[label[: len(short)] == part]
        wanted = open_[rows].sum(axis=0)
        missing = int(demand[rows].sum() - np.minimum(wanted, supply).sum())
        if missing > 0:
            knots.append((rows, np.flatnonzero(wanted > 0), missing, np.flatnonzero(wanted > supply)))
    return knots


def _ends(shape: tuple[int, ...]) -> tuple[int, int]:
    return 0, shape[0] + shape[1] + 1


def _network(open_: Mask, demand: Ints, supply: Ints) -> sparse.csr_array:
    size_a, size_r = open_.shape
    rows, columns = np.nonzero(open_)
    _source, sink = _ends(open_.shape)
    tails = np.concatenate([np.zeros(size_a, np.int64), rows + 1, np.arange(size_r) + size_a + 1])
    heads = np.concatenate([np.arange(size_a) + 1, columns + size_a + 1, np.full(size_r, sink)])
    # Nobody can get one more than all, so a flow with that demand fails as well, and fits the solver's numbers.
    demand, supply = np.minimum(demand, size_r + 1), np.minimum(supply, size_a)
    amounts = np.concatenate([demand, np.ones(len(rows), np.int64), supply]).astype(np.int32)
    return sparse.csr_array((amounts, (tails, heads)), shape=(sink + 1, sink + 1), dtype=np.int32)


def _thinned(open_: Mask, most: int) -> Mask:
    """Keep ``most`` open pairs of each row, starting at another column in each so that all columns get their turn."""
    size_a, size_r = open_.shape
    starts = (np.arange(size_a) * most) % size_r
    turned = (np.arange(size_r)[None, :] + starts[:, None]) % size_r
    ranked = np.take_along_axis(open_, turned, axis=1)
    kept = ranked & (np.cumsum(ranked, axis=1) <= most)
    thin = np.zeros_like(open_)
    np.put_along_axis(thin, turned, kept, axis=1)
    return thin


def _outside(
    problem: Problem, rows: Ints, columns: Ints, missing: int, full: Ints | tuple[()], kind: object = None
) -> Shortage:
    """A knot in the caller's numbers."""
    return Shortage(
        tuple(sorted(int(problem.rows[one]) for one in rows)),
        tuple(sorted(int(problem.columns[one]) for one in columns)),
        missing,
        tuple(sorted(int(problem.columns[one]) for one in full)),
        kind,
    )


def _sorted(shortages: Iterable[Shortage]) -> list[Shortage]:
    return sorted(shortages, key=lambda one: (one.applications, one.reviewers))


def _named(noun: str, numbers: tuple[int, ...]) -> str:
    shown = ", ".join(str(number) for number in numbers[:5])
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    return f"{noun}{'s' if len(numbers) > 1 else ''} {shown}{more}"
