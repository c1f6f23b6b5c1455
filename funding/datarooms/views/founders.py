"""The company's own pages: what is in its room, who may see what until when, who was there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from funding.datarooms import services
from funding.datarooms.facts import fills_a_room
from funding.datarooms.forms import (
    AccessFilter,
    AddFactForm,
    AddFileForm,
    GrantForm,
    InviteForm,
    ItemForm,
    ReplaceForm,
)
from funding.datarooms.models import (
    DataRoomAccess,
    DataRoomGrant,
    DataRoomInvestor,
    DataRoomItem,
    DataRoomRequest,
    rooms_of,
)
from funding.datarooms.states import Folder, What
from funding.datarooms.views.menu import ROOMS
from incubator.organisations.models import Organisation
from park_portal.core.errors import Text
from park_portal.core.views import ActPage, Column, Crumb, ListPage, PortalMixin, visible_or_404
from park_portal.core.workflow import may


def here() -> Crumb:
    return Crumb(gettext_lazy("Data rooms"), reverse("datarooms:index"))


class RoomMixin(PortalMixin):
    """A page about the room of one's own company; for everybody else there is none."""

    nav = ROOMS
    organisation: Organisation

    def prepare(self) -> None:
        if services.is_looked_over():
            raise Http404
        self.organisation = visible_or_404(rooms_of(self.request.user), pk=self.kwargs["organisation"])

    def permission_object(self) -> models.Model | None:
        return self.organisation

    def room_url(self) -> str:
        return reverse("datarooms:room", args=[self.organisation.pk])

    def get_crumbs(self) -> Sequence[Crumb]:
        return [here(), Crumb(str(self.organisation), self.room_url()), Crumb(self.get_title())]


class RoomPage(RoomMixin):
    """What is in the room, and who may see it."""

    permission = "funding.see_data_room"
    template_name = "funding/datarooms/room.html"

    def get_title(self) -> Text:
        return _("Data room of %(name)s") % {"name": self.organisation}

    def get_crumbs(self) -> Sequence[Crumb]:
        return [here(), Crumb(str(self.organisation))]

    def get(self, request: HttpRequest, organisation: int) -> HttpResponse:
        user = self.request.user
        items = sorted(
            DataRoomItem.objects.filter(
                organisation=self.organisation, removed_at__isnull=True
            ).select_related("document", "organisation"),
            key=services.order_of,
        )
        investors = list(
            DataRoomInvestor.objects.filter(organisation=self.organisation, removed_at__isnull=True)
        )
        grants = {
            (grant.item_id, grant.investor_id): grant
            for grant in DataRoomGrant.objects.live().filter(item__organisation=self.organisation)
        }
        can_share = may(user, "funding.share_data_room", self.organisation)
        return self.render(
            organisation=self.organisation,
            folders=_folders(items, investors, grants),
            investors=investors,
            can_fill=may(user, "funding.fill_data_room", self.organisation),
            can_share=can_share,
            requests=list(services.open_requests(self.organisation)) if can_share else [],
        )


def _folders(
    items: list[DataRoomItem],
    investors: list[DataRoomInvestor],
    grants: dict[tuple[Any, int], DataRoomGrant],
) -> list[dict[str, Any]]:
    """Return the folders that hold something, with a row for each item and a cell for each investor."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        cells = [{"investor": one, "grant": grants.get((item.pk, one.pk))} for one in investors]
        held = sum(1 for cell in cells if cell["grant"])
        rows.setdefault(item.folder, []).append({"item": item, "cells": cells, "held": held})
    return [{"label": Folder(name).label, "rows": rows[name]} for name in Folder.values if name in rows]


class RoomAct(RoomMixin, ActPage):
    """A form about the room."""

    permission = "funding.fill_data_room"

    def prepare(self) -> None:
        RoomMixin.prepare(self)
        self.object = self.organisation

    def success_url(self) -> str:
        return self.room_url()

    cancel_url = success_url


class FileAdd(RoomAct):
    """Puts a file into the room."""

    title = gettext_lazy("Add a file")
    explain = gettext_lazy("Nobody outside the company sees it, or that it is there, until you share it.")
    form_class = AddFileForm
    submit_label = pgettext_lazy("data room", "Add")
    success = gettext_lazy("It is in the room. Nobody sees it yet.")

    def act(self, form: Any) -> DataRoomItem:
        return services.add_document(self.organisation, actor=self.request.user, **form.cleaned_data)


class FactAdd(RoomAct):
    """Puts a field into the room."""

    title = gettext_lazy("Add a field")
    explain = gettext_lazy("A figure or a sentence that you share like a file, each by itself.")
    form_class = AddFactForm
    submit_label = pgettext_lazy("data room", "Add")
    success = gettext_lazy("It is in the room. Nobody sees it yet.")

    def act(self, form: Any) -> DataRoomItem:
        return services.add_fact(self.organisation, actor=self.request.user, **form.cleaned_data)


class ItemAct(RoomAct):
    """A form about one item."""

    item: DataRoomItem

    def prepare(self) -> None:
        super().prepare()
        rows = DataRoomItem.objects.filter(organisation=self.organisation, removed_at__isnull=True)
        self.item = visible_or_404(rows.select_related("document", "organisation"), pk=self.kwargs["item"])

    def get_title(self) -> Text:
        return f"{self.title}: {self.item.title}"


class ItemEdit(ItemAct):
    title = gettext_lazy("Change")
    form_class = ItemForm
    success = gettext_lazy("Saved.")

    def form_kwargs(self) -> dict[str, Any]:
        return {"item": self.item}

    def initial(self) -> dict[str, Any]:
        return {name: getattr(self.item, name) for name in ("title", "folder", "value", "as_of")}

    def act(self, form: Any) -> DataRoomItem:
        return services.update_item(self.item, actor=self.request.user, **form.cleaned_data)


class ItemReplace(ItemAct):
    title = gettext_lazy("New version")
    explain = gettext_lazy(
        "Whoever may see this document sees the new version from now on, and no longer the old one."
    )
    form_class = ReplaceForm
    submit_label = gettext_lazy("Replace the file")
    success = gettext_lazy("The new version is in its place.")

    def prepare(self) -> None:
        super().prepare()
        if not self.item.is_document:
            raise Http404

    def act(self, form: Any) -> DataRoomItem:
        return services.replace_document(self.item, actor=self.request.user, file=form.cleaned_data["file"])


class ItemRemove(ItemAct):
    title = gettext_lazy("Remove")
    explain = gettext_lazy(
        "It leaves the room, and everybody's hands at once. Who saw it before stays on record."
    )
    submit_label = gettext_lazy("Remove")
    submit_tone = "danger"
    success = gettext_lazy("It is no longer in the room.")

    def act(self, form: Any) -> DataRoomItem:
        return services.remove_item(self.item, actor=self.request.user)


# --- investors and what is shared with them ------------------------------------------------------------------------


class ShareAct(RoomAct):
    permission = "funding.share_data_room"


class InvestorInvite(ShareAct):
    """Invites an investor by mail."""

    title = gettext_lazy("Invite an investor")
    explain = gettext_lazy(
        "They get a mail with a link that is for them alone. They see what you share with them, and nothing else: not "
        "what else is in the room, nor who else is invited."
    )
    form_class = InviteForm
    submit_label = gettext_lazy("Send the invitation")
    success = gettext_lazy("The invitation is on its way. You can share something with them already.")

    def initial(self) -> dict[str, Any]:
        return {"language": self.request.user.language}

    def act(self, form: Any) -> DataRoomInvestor:
        return services.invite_investor(self.organisation, actor=self.request.user, **form.cleaned_data)


class InvestorAct(ShareAct):
    """A form about one investor."""

    investor: DataRoomInvestor

    def prepare(self) -> None:
        super().prepare()
        rows = DataRoomInvestor.objects.filter(organisation=self.organisation, removed_at__isnull=True)
        self.investor = visible_or_404(rows.select_related("organisation"), pk=self.kwargs["investor"])

    def get_title(self) -> Text:
        return f"{self.title}: {self.investor.label}"


class InvestorAgain(InvestorAct):
    title = gettext_lazy("Send the invitation again")
    explain = gettext_lazy("A new link is sent; the old one stops working.")
    submit_label = gettext_lazy("Send again")
    success = gettext_lazy("The invitation is on its way.")

    def act(self, form: Any) -> DataRoomInvestor:
        return services.invite_again(self.investor, actor=self.request.user)


class InvestorRemove(InvestorAct):
    title = gettext_lazy("Remove the investor")
    explain = gettext_lazy("All their access to this room ends at once, and an open invitation is worthless.")
    submit_label = gettext_lazy("Remove")
    submit_tone = "danger"
    success = gettext_lazy("The investor is removed; their access has ended.")

    def act(self, form: Any) -> DataRoomInvestor:
        return services.remove_investor(self.investor, actor=self.request.user)


class GrantPage(ShareAct):
    """Shares items with investors for a time."""

    title = pgettext_lazy("data room", "Share")
    explain = gettext_lazy(
        "Each investor sees exactly what you tick for them, until the day you choose or until you revoke it. What they "
        "hold of an item already is replaced."
    )
    form_class = GrantForm
    submit_label = pgettext_lazy("data room", "Share")
    success = gettext_lazy("Shared. The investors are told.")

    def form_kwargs(self) -> dict[str, Any]:
        return {"organisation": self.organisation}

    def initial(self) -> dict[str, Any]:
        get = self.request.GET
        return {
            name: found
            for name, one in (("items", "item"), ("investors", "investor"))
            if (found := get.getlist(one))
        }

    def act(self, form: Any) -> list[DataRoomGrant]:
        values = dict(form.cleaned_data)
        items, investors = list(values.pop("items")), list(values.pop("investors"))
        return services.grant_items(
            self.organisation, actor=self.request.user, items=items, investors=investors, **values
        )


class GrantRevoke(ShareAct):
    """Ends one grant."""

    title = gettext_lazy("Revoke the access")
    explain = gettext_lazy(
        "At once: the next page that they ask for is not there. They are told that something has ended."
    )
    submit_label = gettext_lazy("Revoke")
    submit_tone = "danger"
    success = gettext_lazy("The access has ended.")

    def prepare(self) -> None:
        super().prepare()
        rows = DataRoomGrant.objects.live().filter(item__organisation=self.organisation)
        self.grant = visible_or_404(
            rows.select_related("item__organisation", "investor"), pk=self.kwargs["grant"]
        )

    def get_title(self) -> Text:
        return f"{self.title}: {self.grant.item.title} → {self.grant.investor.label}"

    def act(self, form: Any) -> DataRoomGrant:
        return services.revoke_grant(self.grant, actor=self.request.user)


class RequestAnswer(ShareAct):
    """Lets somebody in who asked, or puts the request aside."""

    def prepare(self) -> None:
        super().prepare()
        rows = services.open_requests(self.organisation).select_related("organisation", "person")
        self.asked: DataRoomRequest = visible_or_404(rows, pk=self.kwargs["pk"])

    def get_title(self) -> Text:
        return f"{self.title}: {self.asked.person.name} · {self.asked.firm}"


class RequestAccept(RequestAnswer):
    title = gettext_lazy("Let in")
    explain = gettext_lazy(
        "They are put on your list of investors and told. They see nothing until you share it."
    )
    submit_label = gettext_lazy("Let in")
    success = gettext_lazy("They are on your list of investors.")

    def act(self, form: Any) -> DataRoomRequest:
        return services.accept_request(self.asked, actor=self.request.user)


class RequestDecline(RequestAnswer):
    title = pgettext_lazy("data room", "Decline")
    explain = gettext_lazy("They are not told, and learn nothing about your company.")
    submit_label = pgettext_lazy("data room", "Decline")
    success = gettext_lazy("The request is put aside.")

    def act(self, form: Any) -> DataRoomRequest:
        return services.decline_request(self.asked, actor=self.request.user)


# --- who was there -------------------------------------------------------------------------------------------------


class AccessList(ListPage):
    """Each time that an investor opened or downloaded something of one's companies, or came back for it in vain."""

    model = DataRoomAccess
    nav = ROOMS
    title = gettext_lazy("Who was in the room")
    lead = gettext_lazy(
        "Each time that an investor opened or downloaded something. Nothing of it can be changed."
    )
    default_order = "-pk"
    filterset = AccessFilter
    can_save_views = False
    empty_title = gettext_lazy("Nobody was here yet")
    empty_text = gettext_lazy("As soon as an investor opens something, it stands here.")
    columns = (
        Column("at", pgettext_lazy("data room", "When"), kind="datetime"),
        Column("item", pgettext_lazy("data room", "Item"), lambda row: row.grant.item.title, kind="main"),
        Column("investor", gettext_lazy("Investor"), lambda row: row.grant.investor.label),
        Column("what", gettext_lazy("What was done"), "get_what_display"),
        Column("version", gettext_lazy("Version"), kind="number"),
        Column("pages", gettext_lazy("Pages seen"), lambda row: row.page_count or None, kind="number"),
        Column("company", gettext_lazy("Company"), lambda row: row.grant.item.organisation),
    )

    def prepare(self) -> None:
        if services.is_looked_over() or not fills_a_room(self.request.user):
            raise Http404

    def get_crumbs(self) -> Sequence[Crumb]:
        return [here(), Crumb(self.title)]

    def rows(self) -> models.QuerySet[DataRoomAccess]:
        seen = (
            DataRoomAccess.objects.filter(opening=models.OuterRef("pk"))
            .order_by()
            .values("opening")
            .annotate(n=models.Count("page", distinct=True))
        )
        return (
            DataRoomAccess.objects.visible_to(self.request.user)
            .exclude(what=What.PAGE)
            .select_related("grant__item__organisation", "grant__investor")
            .annotate(page_count=models.Subquery(seen.values("n")))
        )
