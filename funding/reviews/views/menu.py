"""The menu entries of this room."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from funding.applications.rules import is_reviewer
from incubator.organisations.facts import is_liaison_today
from park_portal.core.frame import NavItem, register_nav

REVIEWS, QUEUE = "reviews", "queue"


register_nav(NavItem("notices", gettext_lazy("Public notices"), "reviews:notices", order=15, public=True))
register_nav(
    NavItem(QUEUE, gettext_lazy("University review"), "reviews:queue", order=30, show=is_liaison_today)
)
register_nav(NavItem(REVIEWS, gettext_lazy("My reviews"), "reviews:list", order=32, show=is_reviewer))
