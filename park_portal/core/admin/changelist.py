"""Lists of any length: the count stops at a cap, deep pages are found by key, the number of queries is fixed."""

from __future__ import annotations

from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db import models
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.views import ChangeList

CAP: Final = 10_000
# From this row on, a page is looked up by key first, so that joins are not made for every row that is skipped.
DEEP: Final = 500


class Count(int):
    """A number of rows that may stand for "this many and more"."""

    more: bool

    def __new__(cls, value: int, *, more: bool = False) -> Count:
        count = super().__new__(cls, value)
        count.more = more
        return count

    def __str__(self) -> str:
        return f"{int(self):,}+" if self.more else f"{int(self):,}"


def capped_count(rows: models.QuerySet[Any], cap: int = CAP) -> Count:
    """Return how many rows there are, looking at no more than ``cap`` + 1 of them."""
    found = rows.order_by().values("pk")[: cap + 1].count()
    return Count(min(found, cap), more=found > cap)


class CappedPaginator(Paginator):
    """Pages of a list whose length is known up to a cap, which moves on with the page asked for."""

    def __init__(self, *args: Any, page: int = 1, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cap = max(CAP, (page + 10) * self.per_page)

    @cached_property
    def count(self) -> int:
        return capped_count(self.object_list, self.cap)  # type: ignore[arg-type] # our lists are querysets

    def page(self, number: Any) -> Any:
        number = self.validate_number(number)
        bottom = (number - 1) * self.per_page
        top = (
            min(bottom + self.per_page, int(self.count))
            if number == self.num_pages
            else bottom + self.per_page
        )
        rows: Any = self.object_list
        if bottom >= DEEP and not rows.query.distinct and not rows.query.combinator:
            keys = list(rows.values_list("pk", flat=True)[bottom:top])
            rows = rows.filter(pk__in=keys)
        else:
            rows = rows[bottom:top]
        return Page(rows, number, self)


class StaffChangeList(ChangeList):
    """The list of an admin page; its lookups name rows only, never the acts that a page adds to the address."""

    def get_results(self, request: HttpRequest) -> None:
        if self.model_admin.list_fields:
            joined = self.list_select_related if isinstance(self.list_select_related, list | tuple) else ()
            rows: models.QuerySet[Any] = self.queryset  # type: ignore[has-type] # set by Django
            rows = rows.select_related(None).select_related(*joined) if joined else rows
            self.queryset = rows.only(*self.model_admin.list_fields)
        super().get_results(request)
        # Django counts the unfiltered table for its header; nobody needs that number.
        self.full_result_count = None
