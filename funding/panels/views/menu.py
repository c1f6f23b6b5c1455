"""The menu entry of this room."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from funding.panels.facts import sits_on_panels
from park_portal.core.frame import NavItem, register_nav

PANELS = "panels"

register_nav(NavItem(PANELS, gettext_lazy("Panel meetings"), "panels:list", order=34, show=sits_on_panels))
