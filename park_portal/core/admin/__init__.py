"""What the admin pages of all rooms stand on. How to use it: docs/admin-pages.md.

The ground floor's own admin pages are in its rooms (accounts/admin.py, audit/admin.py, …).
"""

from park_portal.core.admin.acts import Act
from park_portal.core.admin.base import (
    ReadOnly,
    StaffAdmin,
    StaffStackedInline,
    StaffTabularInline,
    delete_row,
    save_row,
)
from park_portal.core.admin.fields import (
    YuanField,
    dress,
    in_language,
    json_field,
    money,
    pretty_json,
    state_label,
)
from park_portal.core.admin.labels import label_acts
from park_portal.core.admin.pages import StaffPage
from park_portal.core.admin.site import site_page

__all__ = [
    "Act",
    "ReadOnly",
    "StaffAdmin",
    "StaffPage",
    "StaffStackedInline",
    "StaffTabularInline",
    "YuanField",
    "delete_row",
    "dress",
    "in_language",
    "json_field",
    "label_acts",
    "money",
    "pretty_json",
    "save_row",
    "site_page",
    "state_label",
]
