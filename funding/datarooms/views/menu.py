"""The menu entry of this room."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from funding.datarooms.facts import fills_a_room, is_let_in
from park_portal.core.frame import NavItem, register_nav

ROOMS = "data-rooms"


def has_to_do_with_rooms(user: Any) -> bool:
    return bool(fills_a_room(user) or is_let_in(user))


register_nav(
    NavItem(ROOMS, gettext_lazy("Data rooms"), "datarooms:index", order=62, show=has_to_do_with_rooms)
)
