"""The admin site: one login for everyone, a clear no for those outside the staff, pages of the whole site."""

from __future__ import annotations

from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.functional import SimpleLazyObject, cached_property
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.dataclasses import SearchResult
from unfold.settings import get_config
from unfold.sites import UnfoldAdminSite

from park_portal.core.admin.pages import StaffPage
from park_portal.core.handlers import typed_in
from park_portal.core.search.services import search

SITE_PAGES: list[type[StaffPage]] = []


def site_page(page: type[StaffPage]) -> type[StaffPage]:
    """Register a page that belongs to no single model."""
    SITE_PAGES.append(page)
    return page


class StaffSite(UnfoldAdminSite):
    """The park's administration."""

    index_title = _("Today")
    enable_nav_sidebar = True
    empty_value_display = "—"

    # Unfold merges its settings with its defaults each time it reads one, some forty times a page.
    @cached_property
    def _settings(self) -> dict[str, Any]:
        return get_config(self.settings_name)

    def _get_config(self, key: str, *args: Any) -> Any:
        value = self._settings.get(key)
        return self._get_value(value, *args) if value else None

    def _get_value(self, value: Any, *args: Any) -> Any:
        # … and tries to import every text that could be a path.
        if isinstance(value, str) and not value.startswith(("park_portal.", "funding.", "incubator.")):
            return value
        return super()._get_value(value, *args)

    def _get_colors(self, key: str, *args: Any) -> dict[str, dict[str, str]]:
        return {}  # They stand in static/css/admin.css, not in a style on each page.

    def _get_list(self, key: str, *args: Any) -> list[Any]:
        return [self._get_value(item, *args) for item in self._settings[key]]

    def get_sidebar_list(self, request: HttpRequest) -> Any:
        """Return the menu (park_portal/menu.py), put together when it is read: a refusal may be drawn without it."""
        return SimpleLazyObject(lambda: self._menu(request))

    def _menu(self, request: HttpRequest) -> list[dict[str, Any]]:
        navigation = self._get_value(self._settings["SIDEBAR"]["navigation"], request)
        links = [item["link"] for group in navigation for item in group["items"]]
        index = reverse(f"{self.name}:index")
        found = request.resolver_match
        page = getattr(found.func, "page", None) if found else None
        here = reverse(page.menu) if page is not None and page.menu else request.path
        above = [link for link in links if here == link or (link != index and here.startswith(link))]
        best = max(above, key=len, default="")
        for group in navigation:
            for item in group["items"]:
                item["active"] = item["link"] == best
        return navigation

    def get_urls(self) -> list[URLPattern]:
        return [*(page.url(self) for page in SITE_PAGES), *super().get_urls()]

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Serve ``view`` to staff; of a form from someone who is no longer staff, give back what was typed."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def gate(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if (
                request.method == "POST"
                and request.user.is_authenticated
                and not self.has_permission(request)
                and request.path != reverse("admin:logout", current_app=self.name)
            ):
                return self._no_staff(request)
            return inner(request, *args, **kwargs)

        return gate

    def _no_staff(self, request: HttpRequest) -> HttpResponse:
        context = {"title": _("For park staff only"), "typed": typed_in(request)}
        return TemplateResponse(request, "admin/no_staff.html", context, status=403)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Send everyone to the portal's own login page; who is signed in and no staff reads why this is closed."""
        to = request.GET.get("next", "") or request.POST.get("next", "")
        if not url_has_allowed_host_and_scheme(to, {request.get_host()}, require_https=request.is_secure()):
            to = reverse("admin:index")
        if self.has_permission(request):
            return HttpResponseRedirect(to)
        if request.user.is_authenticated:
            return self._no_staff(request)
        return HttpResponseRedirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': to})}")

    def search(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Find lines of the menu by their names, and records that the person may see by what they hold."""
        text = request.GET.get("s", "").replace("\0", "").strip()[:100]
        results = [
            SearchResult(item["title"], group["title"] or pgettext_lazy("frame", "Menu"), item["link"], None)
            for group in self.get_sidebar_list(request)
            for item in group["items"]
            if text and text.lower() in str(item["title"]).lower()
        ]
        for hit in search(request.user, text, limit=6):
            model_admin: Any = self._registry.get(type(hit.obj))
            if model_admin is not None and model_admin.has_view_permission(request, hit.obj):
                meta = hit.obj._meta
                link = reverse(f"{self.name}:{meta.app_label}_{meta.model_name}_change", args=[hit.obj.pk])
                results.append(SearchResult(hit.title, str(hit.label), link, None))
        context = {"results": results[:30], "text": text}
        if request.headers.get("X-Requested-With") == "fetch":
            return TemplateResponse(request, "unfold/helpers/search_results.html", context)
        title = _("Search menu and records")
        return TemplateResponse(
            request, "admin/search.html", {**self.each_context(request), "title": title, **context}
        )

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("account_change_password"))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        # Every page's frame asks for it; only the few that show it should pay.
        return SimpleLazyObject(lambda: super(StaffSite, self).get_app_list(request, app_label))

    def page_of(self, name: str) -> type[StaffPage] | None:
        """Return the page of the whole site called ``name``."""
        return next((page for page in SITE_PAGES if page.name == name), None)
