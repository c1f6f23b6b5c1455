"""Lists of any length: the count stops at a cap, deep pages are found by key, the number of queries is fixed."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final, cast

from django.contrib import messages
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import prepare_lookup_value
from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR
from django.core.paginator import Page, Paginator
from django.db import models
from django.http import HttpRequest, QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from unfold.views import ChangeList

if TYPE_CHECKING:
    from park_portal.core.admin.base import StaffAdmin

CAP: Final = 10_000
# From this row on, a page is looked up by key first, so that joins are not made for every row that is skipped.
DEEP: Final = 500
# A page's number has no more digits than this: PostgreSQL skips no more rows than fit into 64 bits.
PAGE_DIGITS: Final = 9


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


class StrictFilters(ChangeList):
    """A list that never shows more than was asked for: each filter in the address holds, or the address is refused."""

    def get_filters(self, request: HttpRequest) -> Any:
        given = {key for key, values in self.get_filters_params().items() if any(values)}
        specs, has_filters, rest, duplicates, active = super().get_filters(request)
        if any(not _offers(spec, self) for spec in specs):
            raise IncorrectLookupParameters
        used = {name for spec in specs for name in spec.expected_parameters()}
        # A filter that has nothing to offer takes its parameter, but Django does not apply it.
        for key in given - used - set(rest):
            rest[key] = prepare_lookup_value(key, self.filter_params[key])
            active = True
        return specs, has_filters, rest, duplicates, active


def _offers(spec: Any, changes: ChangeList) -> bool:
    """Return whether the value that the address gives for a filter is one that it offers."""
    if isinstance(spec, SimpleListFilter):
        value = spec.value()
        return not value or value in {str(key) for key, _label in spec.lookup_choices}
    if not any(any(values) for values in spec.used_parameters.values() if isinstance(values, list)):
        return True
    marks = [choice.get("selected") for choice in spec.choices(changes)]
    return None in marks or any(marks)  # without marks it is a field to type into, which looks itself


class Matched(StrictFilters):
    """A list that is asked for its filters only: no page of it is fetched, nothing is counted."""

    def get_results(self, request: HttpRequest) -> None:
        self.result_count = self.full_result_count = 0
        self.result_list: list[Any] = []

    @classmethod
    def of(cls, model_admin: StaffAdmin, request: HttpRequest, query: QueryDict) -> Matched:
        """Return what matches ``query``; ``IncorrectLookupParameters`` when a filter in it does not exist."""
        asked = copy.copy(request)
        asked.GET = cast(Any, query)  # The stubs know only what Django has read itself.
        return cls(
            asked,
            model_admin.model,
            model_admin.get_list_display(asked),
            (),
            model_admin.get_list_filter(asked),
            None,
            model_admin.get_search_fields(asked),
            model_admin.get_list_select_related(asked),
            model_admin.list_per_page,
            0,
            (),
            model_admin,
            model_admin.get_sortable_by(asked),
            model_admin.search_help_text,
        )


def leave_out_wrong(model_admin: StaffAdmin, request: HttpRequest) -> tuple[QueryDict, list[str]]:
    """Return the address's query without the filters that do not exist, and those as “name=value”."""
    right, wrong = QueryDict(mutable=True), []
    for key, values in request.GET.lists():
        alone = QueryDict(mutable=True)
        alone.setlist(key, values)
        try:
            Matched.of(model_admin, request, alone)
        except IncorrectLookupParameters:
            wrong.append(f"{key}={','.join(values)}"[:80])
        else:
            right.setlist(key, values)
    right.pop(ERROR_FLAG, None)
    return right, wrong


class StaffChangeList(StrictFilters):
    """The list of an admin page; its lookups name rows only, never the acts that a page adds to the address."""

    def get_results(self, request: HttpRequest) -> None:
        if self.model_admin.list_fields:
            joined = self.list_select_related if isinstance(self.list_select_related, list | tuple) else ()
            rows: models.QuerySet[Any] = self.queryset  # type: ignore[has-type] # set by Django
            rows = rows.select_related(None).select_related(*joined) if joined else rows
            self.queryset = rows.only(*self.model_admin.list_fields)
        asked = request.GET.get(PAGE_VAR, "1")
        if not (asked.isdecimal() and len(asked) <= PAGE_DIGITS):
            self.page_num = 0  # no page
        try:
            super().get_results(request)
        except IncorrectLookupParameters:
            pages = self.model_admin.get_paginator(request, self.queryset, self.list_per_page).num_pages
            self.page_num = pages if asked.isdecimal() and int(asked[: PAGE_DIGITS + 1]) > pages else 1
            super().get_results(request)
            if request.method == "GET":
                said = _("There is no page %(asked)s. This is page %(shown)d of %(pages)d.")
                messages.warning(
                    request, said % {"asked": asked[:20], "shown": self.page_num, "pages": pages}
                )
        # Django counts the unfiltered table for its header; nobody needs that number.
        self.full_result_count = None
