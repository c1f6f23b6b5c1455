"""Data rooms for staff leads and auditors: that something is granted, to whom and until when; never what it is."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from funding.datarooms.models import DataRoomAccess, DataRoomGrant
from funding.datarooms.states import What
from park_portal.core.admin import ReadOnly, StaffAdmin, label_acts

label_acts(
    {
        "data_room.add": _("put into a data room"),
        "data_room.replace": _("new version in a data room"),
        "data_room.change": _("changed in a data room"),
        "data_room.remove": _("taken out of a data room"),
        "data_room.invite": _("investor put on the list of a data room"),
        "data_room.uninvite": _("investor taken off the list of a data room"),
        "data_room.join": _("investor let into a data room"),
        "data_room.grant": _("access to a data room granted"),
        "data_room.revoke": _("access to a data room revoked"),
        "data_room.ask": _("asked for a data room"),
    }
)


@admin.register(DataRoomGrant)
class DataRoomGrantAdmin(ReadOnly, StaffAdmin):
    """Who may see something of which company. What it is, and what it is called, is the company's."""

    view_rule = "funding.see_data_room_grants"
    where_from = _("Companies share what is in their data rooms on the portal.")
    list_display = ["company", "who", "item_kind", "level", "starts_at", "ends_at", "revoked_at", "opened"]
    list_filter = ["level", "unmarked"]
    search_fields = ["investor__name", "investor__firm", "item__organisation__name_zh_hans"]
    list_select_related = ["item__organisation", "investor"]
    ordering = ["-pk"]
    fields = [
        "company",
        "who",
        "item_kind",
        "level",
        "unmarked",
        "starts_at",
        "ends_at",
        "granted_by",
        "revoked_at",
        "revoked_by",
        "opened",
    ]
    readonly_fields = fields

    def rows_for(self, user: Any) -> models.QuerySet[DataRoomGrant]:
        accesses = (
            DataRoomAccess.objects.filter(grant=models.OuterRef("pk"))
            .exclude(what=What.PAGE)
            .order_by()
            .values("grant")
            .annotate(n=models.Count("pk"))
        )
        return DataRoomGrant.objects.visible_to(user).annotate(
            opened_count=models.Subquery(accesses.values("n"))
        )

    @admin.display(description=_("company"))
    def company(self, obj: DataRoomGrant) -> str:
        return str(obj.item.organisation)

    @admin.display(description=_("investor"))
    def who(self, obj: DataRoomGrant) -> str:
        return obj.investor.label

    @admin.display(description=_("kind"))
    def item_kind(self, obj: DataRoomGrant) -> str:
        return obj.item.get_kind_display()

    @admin.display(description=pgettext_lazy("data room", "times opened"))
    def opened(self, obj: Any) -> int:
        return obj.opened_count or 0
