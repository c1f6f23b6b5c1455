"""Own pages inside the admin's frame: one class a page, with its address, its permission and its place in the menu."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from park_portal.core.accounts.models import User
from park_portal.core.admin.changelist import leave_out_wrong
from park_portal.core.admin.links import address_of
from park_portal.core.errors import DomainError, Text
from park_portal.core.workflow import may

if TYPE_CHECKING:
    from park_portal.core.admin.base import StaffAdmin

Crumb = tuple[Text, str | None]


class StaffRequest(HttpRequest):
    """A request inside the administration: its gate lets only staff in."""

    user: User


class StaffPage:
    """One page of the admin that is neither a list nor a form of one record.

    Set ``name`` (the address is ``admin:<app>_<model>_<name>``, or ``admin:<name>`` for a page of the whole site),
    ``path`` (with ``<int:pk>`` for a page of one record), ``rule``, ``title`` and ``template_name``; write ``context``
    and, for a page that does something, ``post``. A ``DomainError`` that leaves ``post`` is shown on the page.
    """

    name: ClassVar[str]
    path: ClassVar[str]
    rule: ClassVar[str]
    title: ClassVar[Text] = ""
    icon: ClassVar[str] = "arrow_forward"
    template_name: ClassVar[str] = "admin/page.html"
    # Where the page is offered: on the record's page ("record"), above the list ("list"), or nowhere ("").
    offered: ClassVar[str] = ""
    fullwidth: ClassVar[bool] = False
    # The line of the menu where the page belongs ("admin:today"), if the address does not say it.
    menu: ClassVar[str] = ""

    def __init__(self, site: admin.AdminSite, model_admin: StaffAdmin | None = None) -> None:
        self.site = site
        self.admin = model_admin
        self.request: StaffRequest
        self.object: Any = None
        self.kwargs: dict[str, Any] = {}

    # --- for pages to override

    def allowed(self, user: Any, obj: models.Model | None) -> bool:
        """Return whether ``user`` may open the page."""
        return may(user, self.rule, obj)

    def is_offered(self, user: Any, obj: models.Model | None) -> bool:
        """Return whether to show a button for the page; a page may be open to who has nothing to do there now."""
        return self.allowed(user, obj)

    def get_object(self, pk: Any) -> models.Model:
        """Return the record the page is about, among those the person sees; a 404 for any other."""
        assert self.admin is not None
        found = self.admin.get_queryset(self.request).filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def get_title(self) -> Text:
        return self.title

    def context(self) -> Mapping[str, Any]:
        """Return what the template needs beside the frame's own."""
        return {}

    def get(self) -> HttpResponseBase:
        return self.render()

    def post(self) -> HttpResponseBase:
        return HttpResponseNotAllowed(["GET", "HEAD"])

    # --- what pages call

    def render(self, status: int = 200, **context: Any) -> TemplateResponse:
        """Return the page inside the admin's frame."""
        meta = self.admin.model._meta if self.admin else None
        values = {
            **self.site.each_context(self.request),
            "title": self.get_title(),
            "opts": meta,
            "original": self.object,
            "object": self.object,
            "page": self,
            "crumbs": self.crumbs(),
            "is_fullwidth": "1" if self.fullwidth else "",
            "change": False,
            "is_popup": False,
            **self.context(),
            **context,
        }
        return TemplateResponse(self.request, self.template_name, values, status=status)

    def redirect(
        self, to: str | None = None, *, message: Text = "", level: int = messages.SUCCESS
    ) -> HttpResponse:
        """Return a redirect to the address ``to`` (this page itself, if omitted), with a message to show there."""
        if message:
            messages.add_message(self.request, level, str(message))
        return HttpResponseRedirect(to or self.request.get_full_path())

    def address(self, name: str, *args: Any) -> str:
        """Return the address of an admin page of this model, such as ``changelist`` or another page's name."""
        assert self.admin is not None
        return self.admin.address(name, *args)

    def crumbs(self) -> list[Crumb]:
        """Return the way to this page: (text, address or None for the page itself)."""
        way: list[Crumb] = []
        if self.admin is not None:
            meta = self.admin.model._meta
            opens = self.admin.has_view_permission(self.request)
            way.append((meta.verbose_name_plural, self.address("changelist") if opens else None))  # type: ignore[arg-type] # a lazy text
            if self.object is not None:
                way.append((str(self.object), address_of(self.request, self.object) or None))
        else:
            way.append((_("Home"), reverse("admin:index")))
        way.append((self.get_title(), None))
        return way

    # --- how it is served

    def __call__(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        self.request, self.kwargs = cast(StaffRequest, request), kwargs
        request.current_app = self.site.name
        if "pk" in kwargs and self.admin is not None:
            self.object = self.get_object(kwargs["pk"])
        if not self.allowed(request.user, self.object):
            raise PermissionDenied
        try:
            return self.answer(request)
        except IncorrectLookupParameters:
            return self.to_list()

    def to_list(self) -> HttpResponse:
        """Return to the list, which has no such filter as the address asked for: nothing is done with more than meant."""
        assert self.admin is not None
        query, wrong = leave_out_wrong(self.admin, self.request)
        for key in ("_ids", "result"):
            query.pop(key, None)
        message = _("Nothing was done: this list has no such filter (%(wrong)s).") % {
            "wrong": "; ".join(wrong)
        }
        ending = f"?{query.urlencode()}" if query else ""
        return self.redirect(self.address("changelist") + ending, message=message, level=messages.ERROR)

    def answer(self, request: HttpRequest) -> HttpResponseBase:
        """Return the page, or what comes of what was sent."""
        if request.method in ("GET", "HEAD"):
            return self.get()
        if request.method != "POST":
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        try:
            return self.post()
        except DomainError as error:
            messages.error(request, str(error))
            return self.render(problems=[str(problem.message) for problem in error.problems], error=error)

    @classmethod
    def url(cls, site: admin.AdminSite, model_admin: StaffAdmin | None = None) -> URLPattern:
        """Return the page's line for ``get_urls``: a fresh instance serves each request."""

        def view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            return cls(site, model_admin)(request, **kwargs)

        view.__name__ = cls.__name__
        view.__qualname__ = cls.__qualname__
        view.page = cls  # type: ignore[attr-defined] # read by the menu
        view.model_admin = model_admin  # type: ignore[attr-defined] # likewise
        prefix = ""
        if model_admin is not None:
            meta = model_admin.model._meta
            prefix = f"{meta.app_label}_{meta.model_name}_"
        return path(cls.path, site.admin_view(view), name=f"{prefix}{cls.name}")
