"""The admin as an app: its site, and the admin pages of every room. The roof's only app, so it begins what the roof begins."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.contrib.admin.apps import AdminConfig

from park_portal import telemetry
from park_portal.core.rooms import rooms_of


class StaffAdminConfig(AdminConfig):
    """Django's admin with the park's own site."""

    default_site = "park_portal.core.admin.site.StaffSite"

    def ready(self) -> None:
        telemetry.begin()
        super().ready()
        # ``park_portal.core.admin`` is what all admin pages stand on: it cannot import those of its own rooms.
        for room in rooms_of("park_portal.core"):
            if room != "park_portal.core.admin" and find_spec(f"{room}.admin") is not None:
                import_module(f"{room}.admin")
