"""Hash chains: rows that were committed are sealed one after the other, so that no writer waits for another's link."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from django.db import connection, models, transaction

GENESIS: Final = "0" * 64
S = TypeVar("S", bound=models.Model)


def extend_chain(
    seals: type[S],
    rows: models.QuerySet[Any],
    *,
    sealed_by: str,
    lock: int,
    link: Callable[[int, str, Any], S],
    limit: int,
) -> int:
    """Add up to ``limit`` of ``rows`` that have no seal yet to the chain, by key; return how many.

    ``sealed_by`` is the column of a seal that names its row; ``link(position, previous digest, row)`` makes the next
    seal. One sealer at a time (advisory lock); a second call meanwhile returns 0.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock])
            if not cursor.fetchone()[0]:
                return 0
        head: Any = seals._default_manager.order_by("-position").first()
        position, previous = (head.position, head.digest) if head else (0, GENESIS)
        made: list[S] = []
        for row in unsealed(seals, rows, sealed_by=sealed_by).order_by("pk")[:limit]:
            position += 1
            seal = link(position, previous, row)
            previous = seal.digest  # type: ignore[attr-defined] # every seal has one
            made.append(seal)
        seals._default_manager.bulk_create(made, batch_size=1000)
        return len(made)


def unsealed(
    seals: type[models.Model], rows: models.QuerySet[Any], *, sealed_by: str
) -> models.QuerySet[Any]:
    """Return those of ``rows`` that have no seal."""
    return rows.filter(~models.Exists(seals._default_manager.filter(**{sealed_by: models.OuterRef("pk")})))


def links(
    seals: type[S], rows: models.QuerySet[Any], *, sealed_by: str, batch: int = 2000
) -> Iterator[tuple[S, Any]]:
    """Yield every seal in its order with the row it seals; None where that row is gone."""
    after = -1
    while found := list(seals._default_manager.filter(position__gt=after).order_by("position")[:batch]):
        there = rows.in_bulk([getattr(seal, sealed_by) for seal in found])
        for seal in found:
            yield seal, there.get(getattr(seal, sealed_by))
        after = found[-1].position  # type: ignore[attr-defined] # likewise
