"""Staff's door to funds."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from funding.funds.models import Fund
from park_portal.core.admin import StaffAdmin, money


@admin.register(Fund)
class FundAdmin(StaffAdmin):
    list_display = ["name", "code", "kind", "size", "active"]
    list_filter = ["kind", "active"]
    search_fields = ["name_zh_hans", "name_en", "code"]
    search_help_text = _("Name or code")
    ordering = ["code"]
    fieldsets = [
        (None, {"fields": ["name", ("code", "kind"), "summary", ("size_fen", "active")]}),
    ]
    size = money("size_fen", _("size"))

    def has_delete_permission(self, request: HttpRequest, obj: Fund | None = None) -> bool:
        # Calls name their fund for ever; one that is over is switched off.
        return False
