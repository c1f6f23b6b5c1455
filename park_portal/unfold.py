"""How the staff admin looks: the portal's own mark, menu and scripts; its colours stand in static/css/admin.css.

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
    "DASHBOARD_CALLBACK": "park_portal.staff_home.dashboard",
    "STYLES": [_static("css/admin.css")],
    "SCRIPTS": [_static("js/admin-forms.js"), _static("js/admin-search.js")],
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
