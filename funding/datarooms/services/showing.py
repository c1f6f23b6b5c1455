"""What an investor is shown: found by a grant that holds now, marked with their name, and noted each time.

Every function answers None for whoever has no such grant, for the pages to say the same as of an address that leads
nowhere. Whoever views the portal as somebody else is shown nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.datarooms.marking import Mark, Unreadable, marked_pdf, marked_picture, page_picture
from funding.datarooms.models import DataRoomAccess, DataRoomGrant, DataRoomItem
from funding.datarooms.services.items import PICTURES, name_of
from funding.datarooms.services.telling import tell_opened
from funding.datarooms.states import Folder, What
from incubator.organisations.models import Organisation
from incubator.organisations.states import OrganisationState
from park_portal.core import context
from park_portal.core.accounts.models import User
from park_portal.core.documents import formats
from park_portal.core.errors import DomainError

# Refusals of the same thing are noted once in so many seconds: a page that is open asks for each of its pictures.
REFUSED_AGAIN: Final = 60


@dataclass(frozen=True)
class File:
    """Bytes that leave, under a name and as a media type."""

    content: bytes
    mime: str
    name: str


def is_looked_over() -> bool:
    """Return whether this request is answered to somebody who views the portal as another person."""
    return context.current().viewer is not None


def mark_for(user: User) -> Mark:
    """Return what stands across whatever ``user`` is shown now."""
    return Mark(user.name, user.email, timezone.localtime().strftime("%Y-%m-%d %H:%M"))


def granted_to(user: User) -> models.QuerySet[DataRoomGrant]:
    """Return the grants that hold for ``user`` now, with what they are of."""
    rows = DataRoomGrant.objects.live().filter(investor__user=user)
    if is_looked_over():
        rows = rows.none()
    return rows.select_related(
        "item__organisation", "item__document", "investor__organisation", "investor__user"
    )


def companies_for(user: User) -> models.QuerySet[Organisation]:
    """Return the companies that let ``user`` in, whether something is shared at the moment or not."""
    if is_looked_over():
        return Organisation.objects.none()
    return Organisation.objects.filter(
        state=OrganisationState.ACTIVE,
        data_room_investors__user=user,
        data_room_investors__removed_at__isnull=True,
    ).distinct()


def shared_items(user: User, organisation: Organisation) -> list[DataRoomGrant]:
    """Return what ``user`` is granted of a company, in the order of its room."""
    grants = granted_to(user).filter(item__organisation=organisation)
    return sorted(grants, key=lambda grant: order_of(grant.item))


def order_of(item: DataRoomItem) -> tuple[int, bool, str]:
    """Return by what the items of a room stand in order: folder, fields before documents, title."""
    return Folder.values.index(item.folder), item.is_document, item.title


def read_facts(grants: list[DataRoomGrant]) -> list[tuple[DataRoomItem, str]]:
    """Return the fields among ``grants`` with their values, each noted as read."""
    facts = [grant for grant in grants if not grant.item.is_document]
    if not facts:
        return []
    with transaction.atomic():
        DataRoomAccess.objects.bulk_create(
            DataRoomAccess(grant=grant, what=What.VIEWED, version=grant.item.version) for grant in facts
        )
        tell_opened(facts[0].investor)
    return [(grant.item, grant.item.value_shown()) for grant in facts]


def open_item(item_id: UUID, *, actor: User) -> DataRoomGrant | None:
    """Return the grant by which ``actor`` may look at a document now, and note that they opened it."""
    grant = _grant(item_id, actor)
    if grant is None or not grant.item.is_document:
        return None
    with transaction.atomic():
        _note(grant, What.VIEWED)
        tell_opened(grant.investor)
    return grant


def show_page(item_id: UUID, number: int, *, actor: User) -> bytes | None:
    """Return one page of a document as a JPEG with the viewer's name across it, and note which."""
    grant = _grant(item_id, actor)
    if grant is None or not 1 <= number <= grant.item.pages:
        return None
    mark, content, is_picture = mark_for(actor), _content(grant.item), _is_picture(grant.item)
    try:
        picture = marked_picture(content, mark) if is_picture else page_picture(content, number, mark)
    except Unreadable as error:
        raise _broken() from error
    with transaction.atomic():
        opening = grant.accesses.filter(what=What.VIEWED, version=grant.item.version).order_by("-id").first()
        if opening is None:  # a program that asks for a page by its address
            opening = _note(grant, What.VIEWED)
            tell_opened(grant.investor)
        _note(grant, What.PAGE, page=number, opening=opening)
    return picture


def download_item(item_id: UUID, *, actor: User) -> File | None:
    """Return the copy that ``actor`` may keep, with their name on every page, and note that they took it.

    A file that cannot carry a mark leaves as it is, where the company agreed to that.
    """
    grant = _grant(item_id, actor)
    if grant is None or not grant.may_download or not (grant.item.is_shown or grant.unmarked):
        return None
    item, mark = grant.item, mark_for(actor)
    assert item.document is not None
    name, mime, content = name_of(item), item.document.mime, _content(item)
    if _is_picture(item):
        content, mime = marked_picture(content, mark, side=None), formats.JPEG.mime
        name = f"{name.rpartition('.')[0]}.jpg"
    elif item.pages:
        try:
            content = marked_pdf(content, mark)
        except Unreadable as error:
            raise _broken() from error
    with transaction.atomic():
        _note(grant, What.DOWNLOADED)
        tell_opened(grant.investor)
    return File(content, mime, name)


def _broken() -> DomainError:
    return DomainError(
        _("A page of this file is damaged and cannot be shown. Ask the company for another copy."),
        code="page_damaged",
    )


def _grant(item_id: UUID, actor: User) -> DataRoomGrant | None:
    grant = granted_to(actor).filter(item=item_id).first()
    if grant is None and not is_looked_over():
        _note_refusal(item_id, actor)
    return grant


def _note(grant: DataRoomGrant, what: What, **more: Any) -> DataRoomAccess:
    return DataRoomAccess.objects.create(grant=grant, what=what, version=grant.item.version, **more)


def _note_refusal(item_id: UUID, actor: User) -> None:
    """Note that somebody came back for what they held once; of a stranger nothing is kept."""
    past = DataRoomGrant.objects.filter(item=item_id, investor__user=actor).select_related("item").first()
    if past is None:
        return
    lately = timezone.now() - timedelta(seconds=REFUSED_AGAIN)
    if not past.accesses.filter(what=What.REFUSED, at__gt=lately).exists():
        _note(past, What.REFUSED)


def _is_picture(item: DataRoomItem) -> bool:
    return item.document is not None and item.document.mime in PICTURES


def _content(item: DataRoomItem) -> bytes:
    assert item.document is not None
    with item.document.open() as content:
        return bytes(content.read())
