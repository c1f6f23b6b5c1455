"""The portal's page classes: a list, a detail, an act. They are mostly attributes; see docs/pages.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

import django_filters
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms import BaseForm
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views import View

from park_portal.core.accounts.models import SavedView, User
from park_portal.core.accounts.services import save_view
from park_portal.core.errors import DomainError, Forbidden, Text
from park_portal.core.pages import Page, keyset_page
from park_portal.core.prepared import the_one
from park_portal.core.workflow import may

__all__ = [
    "ActPage",
    "BulkAct",
    "Column",
    "Crumb",
    "DetailPage",
    "ListPage",
    "PortalMixin",
    "StateLine",
    "way_on",
]


@dataclass(frozen=True)
class Crumb:
    """One step of the path at the top of a page; the last one has no link."""

    label: Text
    url: str = ""


@dataclass(frozen=True)
class StateLine:
    """The first line of a detail page: in what state the thing is, whose turn it is, by when."""

    state: Text
    tone: str = "neutral"
    turn: Text = ""
    is_you: bool = False
    due: Any = None
    next_step: Text = ""
    # In the place of ``due`` when others are at work: nobody who reads this is late.
    expected: Any = None


class PersonRequest(HttpRequest):
    """A request of somebody who has signed in: pages that are not public see no other."""

    user: User


class PortalMixin(View):
    """What every page has: sign-in unless public, one permission string, title, path and a way to fail politely."""

    request: PersonRequest
    public: ClassVar[bool] = False
    permission: ClassVar[str] = ""
    title: ClassVar[Text] = ""
    template_name: ClassVar[str] = ""
    nav: str = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.public and not request.user.is_authenticated:
            if wants_json(request):
                return JsonResponse(
                    {"code": "signed_out", "message": _("Your session has ended. Sign in again.")}, status=401
                )
            return redirect_to_login(request.get_full_path())
        try:
            self.prepare()
            self.check()
            return super().dispatch(request, *args, **kwargs)
        except DomainError as error:
            return refusal(request, error)

    def prepare(self) -> None:
        """Fetch what the page is about; raise ``Http404`` when it is not visible to the person."""

    def permission_object(self) -> models.Model | None:
        """Return the record that the permission is asked on."""
        return None

    def check(self) -> None:
        """Raise ``Forbidden`` unless the person has the page's permission."""
        if self.permission and not may(self.request.user, self.permission, self.permission_object()):
            raise Forbidden(rule=self.permission)

    def get_title(self) -> Text:
        return self.title

    def get_crumbs(self) -> Sequence[Crumb]:
        return ()

    def get_context(self, **context: Any) -> dict[str, Any]:
        return {
            "view": self,
            "title": self.get_title(),
            "crumbs": [*self.get_crumbs()],
            "nav": self.nav,
            **context,
        }

    def render(self, template: str = "", status: int = 200, **context: Any) -> HttpResponse:
        return render(
            self.request, template or self.template_name, self.get_context(**context), status=status
        )


def wants_json(request: HttpRequest) -> bool:
    """Return whether the request was made by a script of ours that reads JSON."""
    return "application/json" in request.headers.get("Accept", "")


def refusal(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Return the page (or JSON) that says what was refused and what to do."""
    if wants_json(request):
        body = {
            "code": error.code,
            "message": str(error),
            "field": error.field,
            "problems": [
                {"message": str(p.message), "field": p.field, "anchor": p.anchor} for p in error.problems
            ],
        }
        return JsonResponse(body, status=error.status)
    return render(
        request, "refusal.html", {"error": error, "title": _("This did not work")}, status=error.status
    )


def way_on(request: HttpRequest) -> str:
    """Return where the person was going when a link with ``next`` led them here, if that is on this portal; else ""."""
    path = request.GET.get("next", "")
    return path if url_has_allowed_host_and_scheme(path, allowed_hosts=None) else ""


def visible_or_404(rows: models.QuerySet[Any], **lookup: Any) -> Any:
    """Return the one row, or raise ``Http404`` when it is not among ``rows`` or the key makes no sense."""
    try:
        return the_one(rows, **lookup)
    except (rows.model.DoesNotExist, ValueError, OverflowError) as error:
        raise Http404 from error


# --- lists --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """One column of a list: a heading and where its value comes from (an attribute path or a function of the row)."""

    name: str
    label: Text
    value: str | Callable[[Any], Any] = ""
    order: str = ""
    kind: str = ""  # main, code, number, money, date, datetime, deadline, state
    url: Callable[[Any], str] | None = None

    def of(self, row: Any) -> Any:
        if callable(self.value):
            return self.value(row)
        found = row
        for part in (self.value or self.name).split("."):
            if found is None:
                return None
            found = getattr(found, part)
            if callable(found) and not isinstance(found, models.Manager):
                found = found()
        return found


@dataclass(frozen=True)
class BulkAct:
    """One act on all rows picked, or on the whole match: asked first with the number of rows, then done."""

    name: str
    label: Text
    permission: str
    # Gets the query set and the actor; returns how many it did. Raises DomainError to refuse the whole.
    run: Callable[[models.QuerySet[Any], Any], int]
    confirm: Text = ""
    tone: str = "primary"


class ListPage(PortalMixin):
    """A list one can filter, search, order, save as a view, page through, and act on as a whole.

    Subclasses name ``model`` or override ``rows()``, and list ``columns``, ``orders`` (name → field), ``filterset`` and
    ``search_in``. The page costs a fixed number of queries whatever its length; it never counts everything.
    """

    model: ClassVar[type[models.Model] | None] = None
    columns: ClassVar[Sequence[Column]] = ()
    # The fields that the columns, their addresses and orders read, of joined tables too; empty fetches every field.
    fields: ClassVar[Sequence[str]] = ()
    default_order: ClassVar[str] = "-pk"
    filterset: ClassVar[type[django_filters.FilterSet] | None] = None
    search_in: ClassVar[Sequence[str]] = ()
    search_label: ClassVar[Text] = gettext_lazy("Search")
    page_size: ClassVar[int] = 25
    template_name = "generic/list.html"
    empty_title: ClassVar[Text] = gettext_lazy("Nothing here yet")
    empty_text: ClassVar[Text] = ""
    lead: ClassVar[Text] = ""
    plain: bool = False  # none of the page's own buttons is what people came for
    bulk: ClassVar[Sequence[BulkAct]] = ()
    can_save_views: ClassVar[bool] = True
    export: ClassVar[Callable[[Any, models.QuerySet[Any]], str] | None] = None

    def rows(self) -> models.QuerySet[Any]:
        """Return the rows the person may see, with what the columns need joined."""
        assert self.model is not None
        return self.model._default_manager.visible_to(self.request.user)  # type: ignore[attr-defined] # every model shown has it

    def get_columns(self) -> Sequence[Column]:
        return self.columns

    def actions(self) -> Sequence[tuple[Text, str]]:
        """Return the page's own buttons as (label, address)."""
        return ()

    def empty_action(self) -> tuple[Text, str] | None:
        return next(iter(self.actions()), None)

    @property
    def page_name(self) -> str:
        match = self.request.resolver_match
        return match.view_name if match else ""

    def filters(self) -> django_filters.FilterSet | None:
        if self.filterset is None:
            return None
        return self.filterset(self.request.GET, queryset=self.rows(), request=self.request)

    def matching(self) -> tuple[models.QuerySet[Any], django_filters.FilterSet | None]:
        """Return the rows that match filters and search, and the filters."""
        filters = self.filters()
        if filters is None:
            rows = self.rows()
        else:
            # A value that makes no sense filters nothing but says so beside its field; the others hold.
            filters.is_valid()
            rows = filters.filter_queryset(self.rows())
        text = self.search_text()
        if text and self.search_in:
            for word in text.split()[:8]:
                found = models.Q()
                for field in self.search_in:
                    found |= models.Q(**{f"{field}__icontains": word})
                rows = rows.filter(found)
        return rows, filters

    def search_text(self) -> str:
        return self.request.GET.get("q", "").replace("\x00", "").strip()[:200]

    def order(self) -> str:
        """Return the order asked for when a column offers it, else the default."""
        asked = self.request.GET.get("order", "")
        offered = {column.order for column in self.get_columns() if column.order}
        return asked if asked.lstrip("-") in offered else self.default_order

    def get_page(self, rows: models.QuerySet[Any]) -> Page[Any]:
        get = self.request.GET
        return keyset_page(
            rows,
            [self.order()],
            size=self.page_size,
            after=get.get("after", ""),
            before=get.get("before", ""),
        )

    def link(self, **changes: str | None) -> str:
        """Return this page's address with some parameters changed; paging starts anew."""
        query = {k: v for k, v in self.request.GET.lists() if k not in ("after", "before")}
        for key, value in changes.items():
            query.pop(key, None)
            if value:
                query[key] = [value]
        return "?" + urlencode(query, doseq=True)

    def heads(self) -> list[dict[str, Any]]:
        current = self.order()
        heads = []
        for column in self.get_columns():
            head: dict[str, Any] = {"column": column}
            if column.order:
                up, down = current == column.order, current == f"-{column.order}"
                head["url"] = self.link(order=f"-{column.order}" if up else column.order)
                head["sort"] = "ascending" if up else "descending" if down else "none"
            heads.append(head)
        return heads

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        rows, filters = self.matching()
        page = self.get_page(rows.only(*self.fields) if self.fields else rows)
        columns = self.get_columns()
        lines = [
            {
                "row": row,
                "cells": [
                    {"column": c, "value": c.of(row), "url": c.url(row) if c.url else ""} for c in columns
                ],
            }
            for row in page.rows
        ]
        is_filtered = bool(self.search_text()) or any(
            value for key, value in request.GET.items() if filters is not None and key in filters.form.fields
        )
        saved = (
            list(SavedView.objects.filter(user=self.request.user, page=self.page_name))
            if self.can_save_views and request.user.is_authenticated
            else []
        )
        query = self.link().lstrip("?")
        return self.render(
            page=page,
            lines=lines,
            heads=self.heads(),
            filters=filters,
            is_filtered=is_filtered,
            search=self.search_text(),
            saved_views=[{"view": v, "is_on": v.query == query} for v in saved],
            query=query,
            bulk_acts=[act for act in self.bulk if may(request.user, act.permission)],
            after_url=self.link(after=page.after) if page.after else "",
            before_url=self.link(before=page.before) if page.before else "",
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Save a view, drop one, or act on the rows picked or on the whole match."""
        if request.POST.get("save_view") is not None and request.user.is_authenticated:
            return self._save_view(request)
        if request.POST.get("drop_view") and request.user.is_authenticated:
            SavedView.objects.filter(
                user=self.request.user, page=self.page_name, pk=_int(request.POST["drop_view"]) or 0
            ).delete()
            return HttpResponseRedirect(request.path)
        if request.POST.get("export") is not None and self.export is not None:
            rows, _filters = self.matching()
            return HttpResponseRedirect(type(self).export(self, rows))  # type: ignore[misc] # a function, not a method
        for act in self.bulk:
            if act.name == request.POST.get("act"):
                return self._bulk(request, act)
        raise Http404

    def _save_view(self, request: HttpRequest) -> HttpResponse:
        name, query = request.POST.get("save_view", ""), self.link().lstrip("?")
        try:
            save_view(self.request.user, page=self.page_name, name=name, query=query)
        except DomainError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("View saved."))
        return HttpResponseRedirect(f"{request.path}{self.link()}")

    def _bulk(self, request: HttpRequest, act: BulkAct) -> HttpResponse:
        if not may(request.user, act.permission):
            raise PermissionDenied
        rows, _filters = self.matching()
        whole = request.POST.get("whole") == "1"
        if not whole:
            rows = rows.filter(pk__in=[n for n in map(_int, request.POST.getlist("pick")) if n is not None])
        count = rows.order_by().count()
        if not count:
            messages.warning(request, _("Pick at least one row."))
            return HttpResponseRedirect(f"{request.path}{self.link()}")
        if request.POST.get("confirmed") != "1":
            return self.render(
                "generic/confirm_bulk.html",
                act=act,
                count=count,
                whole=whole,
                picks=request.POST.getlist("pick"),
            )
        done = act.run(rows, request.user)
        messages.success(request, ngettext("Done for %d row.", "Done for %d rows.", done) % done)
        return HttpResponseRedirect(f"{request.path}{self.link()}")


def _int(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


# --- details and acts ---------------------------------------------------------------------------------------


class DetailPage(PortalMixin):
    """One record: what state it is in, whose turn it is, by when; then the rest."""

    model: ClassVar[type[models.Model] | None] = None
    lookup: ClassVar[str] = "pk"
    object: Any

    def rows(self) -> models.QuerySet[Any]:
        assert self.model is not None
        return self.model._default_manager.visible_to(self.request.user)  # type: ignore[attr-defined] # every model shown has it

    def prepare(self) -> None:
        self.object = visible_or_404(self.rows(), **{self.lookup: self.kwargs[self.lookup]})

    def permission_object(self) -> models.Model | None:
        return self.object

    def get_title(self) -> Text:
        return str(self.object)

    def state_line(self) -> StateLine | None:
        return None

    def get_context(self, **context: Any) -> dict[str, Any]:
        return super().get_context(object=self.object, state_line=self.state_line(), **context)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render()


class ActPage(PortalMixin):
    """A form and the one service call it leads to. What was typed survives every refusal.

    With ``model`` (or ``rows()``) the act is on that record, found by ``lookup`` among what the person may see.
    """

    model: ClassVar[type[models.Model] | None] = None
    lookup: ClassVar[str] = "pk"
    form_class: ClassVar[type[BaseForm] | None] = None
    template_name = "generic/act.html"
    submit_label: ClassVar[Text] = gettext_lazy("Save")
    submit_tone: ClassVar[str] = "primary"
    explain: ClassVar[Text] = ""
    success: ClassVar[Text] = ""
    object: Any = None

    def rows(self) -> models.QuerySet[Any]:
        assert self.model is not None
        return self.model._default_manager.visible_to(self.request.user)  # type: ignore[attr-defined] # every model shown has it

    def prepare(self) -> None:
        if self.model is not None or type(self).rows is not ActPage.rows:
            self.object = visible_or_404(self.rows(), **{self.lookup: self.kwargs[self.lookup]})

    def permission_object(self) -> models.Model | None:
        return self.object

    def form_kwargs(self) -> dict[str, Any]:
        return {}

    def initial(self) -> dict[str, Any]:
        return {}

    def get_form(self) -> Any:
        if self.form_class is None:
            return None
        kwargs = {"initial": self.initial(), **self.form_kwargs()}
        if self.request.method == "POST":
            kwargs |= {"data": self.request.POST, "files": self.request.FILES}
        return self.form_class(**kwargs)

    def act(self, form: Any) -> Any:
        """Make the service call with ``form.cleaned_data``; its result reaches ``success_url`` as ``self.result``."""
        raise NotImplementedError

    def success_url(self) -> str:
        """Return where to go afterwards: by default the record's own page."""
        target = self.result if isinstance(getattr(self, "result", None), models.Model) else self.object
        return str(target.get_absolute_url())

    def cancel_url(self) -> str:
        return str(self.object.get_absolute_url()) if self.object is not None else reverse("home")

    def get_context(self, **context: Any) -> dict[str, Any]:
        return super().get_context(object=self.object, cancel_url=self.cancel_url(), **context)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render(form=self.get_form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form()
        if form is not None and not form.is_valid():
            return self.render(form=form, status=422)
        try:
            self.result = self.act(form)
        except Forbidden:
            raise
        except DomainError as error:
            if form is None or not hasattr(form, "take"):
                raise
            form.take(error)
            return self.render(form=form, status=409 if error.status == 409 else 422)
        if self.success:
            messages.success(request, str(self.success))
        return HttpResponseRedirect(self.success_url())
