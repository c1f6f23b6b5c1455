"""What a person is in the park: the facts of all rooms in one query a request.

A room says what it knows of a person as an expression over their row:

    @fact
    def is_liaison_today(person: models.OuterRef) -> models.Exists:
        return models.Exists(Liaison.objects.current().filter(user=person))

and asks ``is_liaison_today(user)`` as often as it likes. Facts are as of the moment this request loaded the person, so
a role withdrawn counts at the next click; what may be done is asked of the rules, each time anew.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import models
from django.utils import timezone

from park_portal.core.prepared import Prepared

Maker = Callable[[models.OuterRef], Any]

# Stands for the person while a query is put together; no row has it.
_PERSON: Final = -1


class Facts:
    """Facts that are asked for together; kept on the person under ``name``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._makers: list[Maker] = []
        # The number of facts is there so that one that is registered late has the query made anew.
        self._query = lru_cache(maxsize=2)(self._prepare)

    def __call__(self, maker: Maker) -> Callable[[Any], Any]:
        """Register a fact; what is returned answers for a person, and False for who is not signed in.

        The expression may depend on the person's key and on today's date alone: the SQL is put together once a day
        and process, which costs more than running it.
        """
        self._makers.append(maker)

        def answer(user: Any) -> Any:
            return user.is_authenticated and self._of(user, maker)[maker]

        answer.__name__, answer.__doc__ = maker.__name__, maker.__doc__
        return answer

    def keep(self, user: Any, maker: Maker, value: Any) -> None:
        """Note on a person what the query that loaded them said of one fact; the others are asked when they are wanted."""
        setattr(user, self._name, {maker: value})

    def _of(self, user: Any, maker: Maker) -> dict[Maker, Any]:
        found: dict[Maker, Any] | None = getattr(user, self._name, None)
        if found is None or maker not in found:
            row = self._query(timezone.localdate(), len(self._makers)).row(person=user.pk)
            # Someone deleted since has no row, and nothing is true of them.
            found = dict(zip(self._makers, row or [False] * len(self._makers), strict=True))
            setattr(user, self._name, found)
        return found

    def _prepare(self, day: date, number: int) -> Prepared[Any]:
        columns = [maker(models.OuterRef("pk")) for maker in self._makers]
        people = get_user_model()._default_manager.order_by()
        return Prepared(lambda person: people.filter(pk=person).values_list(*columns), person=_PERSON)


fact = Facts("_standing")


def rows_of(person: models.OuterRef, relation: str) -> models.QuerySet[Any]:
    """Return what points to the person from a room that may not be imported: ``relation`` is its name on the person."""
    link: Any = get_user_model()._meta.get_field(relation)
    return link.related_model._default_manager.filter(**{link.field.name: person})
