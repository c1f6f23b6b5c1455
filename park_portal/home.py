"""The first pages: the public landing page, and the home of whoever signed in, made of cards the rooms provide."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.calls.models import Call
from funding.calls.states import CallState
from park_portal.core.frame import cards_of
from park_portal.core.views import PortalMixin


def open_calls() -> list[Call]:
    """Return the calls that visitors should see first: open ones, then those announced, at most six."""
    return list(
        Call.objects.filter(state__in=[CallState.OPEN, CallState.PUBLISHED])
        .select_related("fund")
        .order_by("-state", "closes_at")[:6]
    )


class HomePage(PortalMixin):
    """The landing page for visitors; for people of the park, what is due for them."""

    public = True
    nav = "home"

    def get(self, request: HttpRequest) -> HttpResponse:
        calls = open_calls()
        if not request.user.is_authenticated:
            self.nav = ""
            return self.render("landing.html", calls=calls, title=_("AI + BT: from a Fudan result to a company"))
        return self.render("home.html", cards=cards_of(request.user), calls=calls, title=_("Today"))


class AboutPage(PortalMixin):
    public = True
    title = gettext_lazy("About the portal")
    template_name = "about.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render()


class PrivacyPage(PortalMixin):
    public = True
    title = gettext_lazy("Privacy")
    template_name = "privacy.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render()
