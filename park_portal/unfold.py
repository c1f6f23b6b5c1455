"""How the staff admin looks: the portal's own colours and mark.

Settings import this, so it may import nothing of Django that needs them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.utils.translation import gettext_lazy as _


def _static(path: str) -> Callable[[Any], str]:
    def address(request: Any) -> str:
        from django.templatetags.static import static  # not before the settings are read

        return static(path)

    return address


UNFOLD: Final[dict[str, Any]] = {
    "SITE_TITLE": _("Qingpu Park Portal"),
    "SITE_HEADER": _("Qingpu Park Portal"),
    "SITE_SUBHEADER": _("Administration"),
    "SITE_URL": "/",
    "SITE_ICON": {"light": _static("img/mark.svg"), "dark": _static("img/mark-on-dark.svg")},
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _static("img/favicon.svg")}],
    "SHOW_LANGUAGES": True,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": True,
    "SHOW_BACK_BUTTON": False,
    "BORDER_RADIUS": "6px",
    "DASHBOARD_CALLBACK": "park_portal.staff_home.dashboard",
    "STYLES": [_static("css/admin.css")],
    "SCRIPTS": [_static("js/admin-forms.js"), _static("js/admin-search.js")],
    # The portal's ink, paper and green water (static/css/portal.css), as scales.
    "COLORS": {
        "base": {
            "50": "#f5f6f3",
            "100": "#eef1ed",
            "200": "#dce1dd",
            "300": "#c2cac5",
            "400": "#8f9b96",
            "500": "#5d6a66",
            "600": "#43514d",
            "700": "#31403d",
            "800": "#223130",
            "900": "#16211f",
            "950": "#0e1716",
        },
        "primary": {
            "50": "#eef7f4",
            "100": "#e2f0ec",
            "200": "#c6e2da",
            "300": "#a9cfc5",
            "400": "#86d6c3",
            "500": "#4fb8a3",
            "600": "#0b6a5c",
            "700": "#095a4e",
            "800": "#084f45",
            "900": "#0a3f38",
            "950": "#062824",
        },
        "font": {
            "subtle-light": "var(--color-base-500)",
            "subtle-dark": "var(--color-base-400)",
            "default-light": "var(--color-base-600)",
            "default-dark": "var(--color-base-300)",
            "important-light": "var(--color-base-900)",
            "important-dark": "var(--color-base-100)",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "command_search": False,
        "show_all_applications": False,
        "navigation": "park_portal.menu.navigation",
    },
    "ACCOUNT": {
        "navigation": [
            {"title": _("My account"), "link": "/account/profile/"},
            {"title": _("Change password"), "link": "/accounts/password/change/"},
        ],
    },
}
