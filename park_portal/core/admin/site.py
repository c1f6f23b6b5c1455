"""The admin site: one login for everyone, a clear no for those outside the staff, pages of the whole site."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from park_portal.core.admin.pages import StaffPage

SITE_PAGES: list[type[StaffPage]] = []


def site_page(page: type[StaffPage]) -> type[StaffPage]:
    """Register a page that belongs to no single model."""
    SITE_PAGES.append(page)
    return page


class StaffSite(UnfoldAdminSite):
    """The park's administration."""

    index_title = _("Today")
    enable_nav_sidebar = True

    def get_urls(self) -> list[URLPattern]:
        return [*(page.url(self) for page in SITE_PAGES), *super().get_urls()]

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        """Send everyone to the portal's own login page; who is signed in and no staff reads why this is closed."""
        to = request.GET.get("next", "") or request.POST.get("next", "")
        if not url_has_allowed_host_and_scheme(to, {request.get_host()}, require_https=request.is_secure()):
            to = reverse("admin:index")
        if self.has_permission(request):
            return HttpResponseRedirect(to)
        if request.user.is_authenticated:
            return TemplateResponse(
                request, "admin/no_staff.html", {"title": _("For park staff only")}, status=403
            )
        return HttpResponseRedirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': to})}")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        return HttpResponseRedirect(reverse("account_change_password"))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        # Every page's frame asks for it; only the few that show it should pay.
        return SimpleLazyObject(lambda: super(StaffSite, self).get_app_list(request, app_label))

    def page_of(self, name: str) -> type[StaffPage] | None:
        """Return the page of the whole site called ``name``."""
        return next((page for page in SITE_PAGES if page.name == name), None)
