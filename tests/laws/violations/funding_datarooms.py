"""Attempts on the rules of data rooms."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from tests.laws.violations import Breach, breaks, changed, repeated
from tests.laws.violations.rows import delete, row, update

ITEM, INVESTOR, GRANT = "funding.DataRoomItem", "funding.DataRoomInvestor", "funding.DataRoomGrant"
ACCESS, REQUEST = "funding.DataRoomAccess", "funding.DataRoomRequest"


@breaks("data_room_item_is_document_or_field")
def item_of_neither_kind() -> dict[str, Breach]:
    typed, read = row(ITEM), row(ITEM, source="uscc", value="")
    file = row(ITEM, kind="document")
    return {
        "update: a typed field without a value": lambda: update(typed, value=""),
        "update: a field of the record with a value": lambda: update(read, value="x"),
        "update: a field of no source": lambda: update(typed, source=""),
        "update: a document without a file": lambda: update(file, document=None),
        "update: a document with a value": lambda: update(file, value="x"),
    }


breaks("data_room_investor_address_once")(repeated(INVESTOR, "organisation", "email"))
breaks("data_room_investor_person_once")(repeated(INVESTOR, "organisation", "user"))
breaks("data_room_investor_stays_who_it_is")(changed(INVESTOR, user=lambda obj: row("core.User")))
breaks("funding_dataroomitem_document_id_key")(repeated(ITEM, "document", kind="document"))
breaks("data_room_item_source_known")(changed(ITEM, source="x", value=""))


@breaks("data_room_grant_ends_later")
def grant_for_no_time() -> dict[str, Breach]:
    now = timezone.now()
    return {"insert": lambda: row(GRANT, starts_at=now, ends_at=now)}


breaks("data_room_grant_level_known")(lambda: {"insert": lambda: row(GRANT, level="x")})


@breaks("data_room_grant_is_final")
def grant_changed() -> dict[str, Breach]:
    grant = row(GRANT, level="download")
    other = row(ITEM, organisation=grant.item.organisation)
    second = row(INVESTOR, organisation=grant.item.organisation)
    changes = {
        "item": other,
        "investor": second,
        "level": "view",
        "unmarked": True,
        "starts_at": grant.starts_at - timedelta(days=1),
        "ends_at": grant.ends_at + timedelta(days=1),
        "granted_by": row("core.User"),
    }
    return {
        f"update: {name}": lambda name=name, value=value: update(grant, **{name: value})
        for name, value in changes.items()
    }


breaks("data_room_access_what_known")(lambda: {"insert": lambda: row(ACCESS, what="x")})
breaks("data_room_access_is_final")(changed(ACCESS, version=9))


@breaks("data_room_access_stays_a_year")
def access_forgotten_too_soon() -> dict[str, Breach]:
    lately = row(ACCESS, at=timezone.now() - timedelta(days=364))
    return {"delete": lambda: delete(lately)}


@breaks("funding_dataroomaccess_page_check")
def page_below_zero() -> dict[str, Breach]:
    opening = row(ACCESS)
    return {"insert": lambda: row(ACCESS, grant=opening.grant, what="page", page=-1, opening=opening)}


breaks("data_room_grant_unmarked_is_download")(
    lambda: {"insert": lambda: row(GRANT, unmarked=True, level="view")}
)
breaks("data_room_grant_revoked_when")(changed(GRANT, revoked_by=lambda obj: row("core.User")))
breaks("data_room_grant_once_at_a_time")(repeated(GRANT, "item", "investor"))


@breaks("data_room_grant_of_one_room")
def grant_to_an_investor_of_another_room() -> dict[str, Breach]:
    item, investor = row(ITEM), row(INVESTOR)
    return {"insert": lambda: row(GRANT, item=item, investor=investor)}


@breaks("data_room_grant_stays_revoked")
def grant_given_back() -> dict[str, Breach]:
    grant = row(GRANT)
    update(grant, revoked_at=timezone.now(), revoked_by=grant.granted_by)
    return {
        "update: given back": lambda: update(grant, revoked_at=None, revoked_by=None),
        "update: at another time": lambda: update(grant, revoked_at=timezone.now() + timedelta(days=1)),
        "update: by somebody else": lambda: update(grant, revoked_by=row("core.User")),
    }


@breaks("data_room_access_page_of_opening")
def page_of_nothing() -> dict[str, Breach]:
    opening = row(ACCESS)
    return {
        "insert: a page of no opening": lambda: row(ACCESS, grant=opening.grant, what="page", page=1),
        "insert: a page without a number": lambda: row(
            ACCESS, grant=opening.grant, what="page", opening=opening
        ),
        "insert: a download of a page": lambda: row(ACCESS, grant=opening.grant, what="downloaded", page=1),
    }


breaks("data_room_request_open_once")(repeated(REQUEST, "person", "uscc"))


def _moved(name: str, label: str, **made: object) -> None:
    @breaks(name)
    def prepare() -> dict[str, Breach]:
        held, other = row(label, **made), row("incubator.Organisation")
        return {"update": lambda: update(held, organisation=other)}


_moved("data_room_item_moves_only_by_merge", ITEM)
_moved("data_room_investor_moves_only_by_merge", INVESTOR)
_moved("data_room_request_moves_only_by_merge", REQUEST, organisation=lambda: row("incubator.Organisation"))
