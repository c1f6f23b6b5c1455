"""The first pages: the public landing page, the home of whoever signed in, and what every site must say of itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from funding.calls.facts import state_of
from funding.calls.models import Call
from funding.calls.states import CallState
from park_portal.core.accounts.rules import sees_records
from park_portal.core.calendar.working_days import SHANGHAI
from park_portal.core.due import Due, When, when
from park_portal.core.frame import Card, NavItem, Task, cards_of, register_nav
from park_portal.core.views import PortalMixin

register_nav(NavItem("home", pgettext_lazy("menu", "Today"), "home", order=0))
register_nav(NavItem("calls", pgettext_lazy("menu", "Calls"), "calls:list", order=10, public=True))


def open_calls() -> list[dict[str, Any]]:
    """Return the calls that visitors should see first, with their state in words: open ones, then announced, at most six."""
    calls = (
        Call.objects.filter(state__in=[CallState.OPEN, CallState.PUBLISHED])
        .select_related("fund")
        .order_by("state", "closes_at")[:6]
    )
    now = timezone.now()
    return [{"call": call, "state": state_of(call, now)} for call in calls]


def due_of(cards: list[Card], now: datetime) -> dict[str, list[Task]]:
    """Return what waits for the person, by how urgent it is: over, today, the next seven days."""
    due: dict[str, list[Task]] = {name: [] for name in When.values}
    for task in (task for card in cards for task in card.tasks):
        if task.due is None or not task.mine:
            continue
        name = when(task.due, now)
        if name is not None:
            due[name].append(task)
    for tasks in due.values():
        tasks.sort(key=lambda task: task.due or now)
    return due


@dataclass(frozen=True)
class Figure:
    """One number of what is due, with the list it counts where one list holds it all."""

    name: str
    number: int
    url: str


def figures_of(cards: list[Card], now: datetime) -> list[Figure]:
    """Return how many things are over, due today and due in the next seven days, on all cards together."""
    counts = [
        (card, card.due or Due.of((task.due for task in card.tasks if task.due and task.mine), now))
        for card in cards
    ]
    figures = []
    for name in When.values:
        holding = [card for card, due in counts if getattr(due, name)]
        url = holding[0].due_url if len(holding) == 1 else ""
        figures.append(
            Figure(name, sum(getattr(due, name) for _card, due in counts), f"{url}{name}" if url else "")
        )
    return figures


class HomePage(PortalMixin):
    """The landing page for visitors; for people of the park, what is due for them."""

    public = True

    def get(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.render(
                "landing.html", calls=open_calls(), title=_("AI + BT: from a research result to a company")
            )
        self.nav = "home"
        cards = [card.listed() for card in cards_of(request.user)]
        now = timezone.now()
        return self.render(
            "home.html",
            title=_("Today"),
            cards=cards,
            due=due_of(cards, now),
            figures=figures_of(cards, now),
            # Of one card only, the list of what is due would say the same twice.
            list_due=sum(any(task.due and task.mine for task in card.tasks) for card in cards) > 1,
            today=now.astimezone(SHANGHAI),
            calls=open_calls(),
            is_officer=sees_records(request.user),
        )


class StaticPage(PortalMixin):
    """A page whose words are in its template."""

    public = True

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render()


class AboutPage(StaticPage):
    title = gettext_lazy("About the portal")
    template_name = "about.html"


class PrivacyPage(StaticPage):
    title = gettext_lazy("Privacy")
    template_name = "privacy.html"


class AccessibilityPage(StaticPage):
    title = gettext_lazy("Accessibility")
    template_name = "accessibility.html"
