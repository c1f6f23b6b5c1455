"""The order by hand: pure functions on keys, for the ranked table and whoever wants to check it.

An order by hand is kept as few places as possible: each application that was moved is put at its place, all others keep
the order of their ratings around it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence


def arranged(computed: Sequence[int], places: Mapping[int, int]) -> list[int]:
    """Return ``computed`` with each key of ``places`` put at its place (from 1), the others in their order around it.

    A place beyond the end is the end; of two keys for one place the one computed to be better comes first.
    """
    known = {key: rank for rank, key in enumerate(computed)}
    order = [key for key in computed if key not in places]
    for key, place in sorted(
        ((key, place) for key, place in places.items() if key in known),
        key=lambda item: (item[1], known[item[0]]),
    ):
        order.insert(min(place - 1, len(order)), key)
    return order


def moved(computed: Sequence[int], wanted: Sequence[int], *, placed: Collection[int] = ()) -> dict[int, int]:
    """Return the fewest keys (with their places from 1) that turn ``computed`` into ``wanted`` by ``arranged``.

    Where one may choose, those ``placed`` before are named again rather than others. All else stands in the longest
    subsequence of ``wanted`` that still is in computed order.
    """
    rank = {key: place for place, key in enumerate(computed)}
    if sorted(rank.values()) != sorted(rank[key] for key in wanted):
        raise ValueError("an order has other members than the one it changes")
    # Heaviest increasing subsequence; one member more outweighs any number of those placed before.
    unit = len(wanted) + 1
    best: list[tuple[int, int]] = []  # (weight, index of the one before) for each index
    for index, key in enumerate(wanted):
        weight, before = 0, -1
        for earlier in range(index):
            if rank[wanted[earlier]] < rank[key] and best[earlier][0] > weight:
                weight, before = best[earlier][0], earlier
        best.append((weight + unit - (key in placed), before))
    kept: set[int] = set()
    index = max(range(len(wanted)), key=lambda i: best[i][0], default=-1)
    while index >= 0:
        kept.add(wanted[index])
        index = best[index][1]
    return {key: place for place, key in enumerate(wanted, 1) if key not in kept}


def typed(shown: Sequence[int], places: Mapping[int, int]) -> list[int]:
    """Return the order of ``shown`` after these keys were typed another place; the rest close up around them.

    ``places`` may name all keys: those whose place is the one they are shown at did not move, unless the whole is
    another order (a page that renumbers every line says so by places that are all different).
    """
    if len(places) == len(shown) and len(set(places.values())) == len(shown):
        return sorted(shown, key=lambda key: places[key])
    now = {key: place for place, key in enumerate(shown, 1)}
    return arranged(shown, {key: place for key, place in places.items() if now.get(key) != place})
