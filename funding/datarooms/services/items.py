"""What a company keeps in its room. Audit entries say that something changed, never what it is: others read them."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django.core.files.base import File
from django.db import transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from funding.datarooms.marking import MOST_PAGES, Unreadable, count_pages
from funding.datarooms.models import DataRoomGrant, DataRoomItem, rooms_of
from funding.datarooms.services.grants import revoke_grants
from funding.datarooms.states import MOST_ITEMS, Folder, ItemKind, Source
from incubator.organisations.models import Organisation
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import record
from park_portal.core.documents import formats
from park_portal.core.documents.formats import Format
from park_portal.core.documents.models import Document
from park_portal.core.documents.names import clean_name, ending_of
from park_portal.core.documents.services import (
    MAX_BYTES,
    NOBODY_ELSES,
    FileRefused,
    readable,
    remove_document,
    store_document,
)
from park_portal.core.errors import DomainError
from park_portal.core.workflow import require

KIND: Final = "data_room"
NOBODY_ELSES.add(KIND)
ALLOWED: Final[frozenset[Format]] = formats.DEFAULT
PICTURES: Final = frozenset(format_.mime for format_ in formats.IMAGES)


def add_document(
    organisation: Organisation, *, actor: User, file: Any, title: str, folder: str = Folder.COMPANY
) -> DataRoomItem:
    """Put a file into the room and return its item. Nobody but the company sees it until it is granted.

    Raises ``FileRefused`` for what is not taken, and for a PDF that could not be shown page by page.
    """
    _may_add(organisation, actor)
    item = DataRoomItem(
        organisation=organisation,
        kind=ItemKind.DOCUMENT,
        folder=_folder(folder),
        title=_title(title),
        created_by=actor,
    )
    item.pages = _pages_of(file)
    with transaction.atomic():
        item.document = _store(item, file, actor=actor)
        item.save(force_insert=True)
        record("data_room.add", item, actor=actor, after={"kind": item.kind, "folder": item.folder})
    return item


def replace_document(item: DataRoomItem, *, actor: User, file: Any) -> DataRoomItem:
    """Put a new version in the place of a document: whoever is granted it sees the new one from now on.

    Raises ``DomainError`` when somebody is granted it who could not be shown the new one.
    """
    require_fill(item, actor)
    pages = _pages_of(file)
    with transaction.atomic():
        stored = _locked(item)
        if stored.document is None:
            raise DomainError(_("A field has no file. Change its value instead."), code="not_a_document")
        if not pages and DataRoomGrant.objects.live().filter(item=stored, unmarked=False).exists():
            raise FileRefused(
                _(
                    "Somebody is granted this document with a watermark, which a file of this kind cannot carry. "
                    "Choose a PDF or a picture, or revoke the access first."
                ),
                code="file_unmarkable",
                field="file",
            )
        document = _store(stored, file, actor=actor, replaces=stored.document)
        before = stored.version
        stored.document, stored.pages, stored.version = document, pages, document.version
        stored.changed_at = timezone.now()
        stored.save(update_fields=["document", "pages", "version", "changed_at"])
        record(
            "data_room.replace",
            stored,
            actor=actor,
            before={"version": before},
            after={"version": stored.version},
        )
    return stored


def add_fact(
    organisation: Organisation,
    *,
    actor: User,
    title: str,
    folder: str = Folder.COMPANY,
    source: str = Source.TYPED,
    value: str = "",
    as_of: date | None = None,
) -> DataRoomItem:
    """Put a field into the room: a value that is typed, or one of the organisation's record, read when it is shown."""
    _may_add(organisation, actor)
    source, value = _source(source, value)
    with transaction.atomic():
        item = DataRoomItem.objects.create(
            organisation=organisation,
            kind=ItemKind.FACT,
            folder=_folder(folder),
            title=_title(title),
            source=source,
            value=value,
            as_of=as_of,
            created_by=actor,
        )
        record("data_room.add", item, actor=actor, after={"kind": item.kind, "folder": item.folder})
    return item


FIELDS: Final = ("title", "folder", "value", "as_of")


def update_item(item: DataRoomItem, *, actor: User, **values: Any) -> DataRoomItem:
    """Change title, folder, value or date of an item; a new value or date counts up its version."""
    if values.keys() - set(FIELDS):
        raise TypeError(f"not fields of an item: {sorted(values)}")
    require_fill(item, actor)
    with transaction.atomic():
        stored = _locked(item)
        if "value" in values and stored.source != Source.TYPED:
            if values["value"]:
                raise DomainError(
                    _("This value is read from the organisation's record. Change it there."),
                    code="from_record",
                    field="value",
                )
            values.pop("value")
        if "title" in values:
            values["title"] = _title(values["title"])
        if "folder" in values:
            values["folder"] = _folder(values["folder"])
        if "value" in values:
            _source(stored.source, values["value"])
        changed = sorted(name for name, value in values.items() if getattr(stored, name) != value)
        if not changed:
            return stored
        before = stored.version
        for name in changed:
            setattr(stored, name, values[name])
        if {"value", "as_of"} & set(changed):
            stored.version += 1
        stored.changed_at = timezone.now()
        stored.save(update_fields=[*changed, "version", "changed_at"])
        record(
            "data_room.change",
            stored,
            actor=actor,
            before={"version": before},
            after={"version": stored.version},
            fields=changed,
        )
    return stored


def remove_item(item: DataRoomItem, *, actor: User) -> DataRoomItem:
    """Take an item out of the room, and out of everybody's hands at once; who saw it before stays on record."""
    require_fill(item, actor)
    with transaction.atomic():
        stored = _locked(item)
        revoke_grants(DataRoomGrant.objects.filter(item=stored), actor=actor)
        stored.removed_at = timezone.now()
        stored.save(update_fields=["removed_at"])
        if stored.document is not None:
            remove_document(stored.document, actor=actor)
        record("data_room.remove", stored, actor=actor)
    return stored


def require_fill(item: DataRoomItem, actor: User) -> None:
    require(actor, "funding.fill_data_room", item.organisation)


def name_of(item: DataRoomItem) -> str:
    """Return the name under which an item's file leaves: its title, with the ending of the file."""
    assert item.document is not None
    return clean_name(item.title, extension=ending_of(item.document.name) or "file")


@readable("funding.dataroomitem")
def reads_own_room(user: Any, document: Document) -> bool | str:
    """The company's owners and editors, and nobody else: investors are shown marked copies, never the file itself."""
    if not user.is_authenticated or document.kind != KIND:
        return False
    item = (
        DataRoomItem.objects.filter(
            pk=document.subject_id, organisation__in=rooms_of(user).values("pk"), removed_at__isnull=True
        )
        .select_related("document")
        .first()
    )
    return name_of(item) if item is not None else False


def _locked(item: DataRoomItem) -> DataRoomItem:
    rows = DataRoomItem.objects.select_for_update(of=("self",)).select_related("document", "organisation")
    stored = rows.get(pk=item.pk)
    if stored.removed_at is not None:
        raise DomainError(_("This is no longer in the data room."), code="item_removed")
    return stored


def _may_add(organisation: Organisation, actor: User) -> None:
    require(actor, "funding.fill_data_room", organisation)
    if DataRoomItem.objects.filter(organisation=organisation, removed_at__isnull=True).count() >= MOST_ITEMS:
        raise DomainError(
            format_lazy(_("A data room holds at most {number} items. Remove one first."), number=MOST_ITEMS),
            code="room_full",
        )


def _store(item: DataRoomItem, file: Any, *, actor: User, replaces: Document | None = None) -> Document:
    if not isinstance(file, File):
        raise DomainError(_("Choose a file first."), code="no_file", field="file")
    # Under a name of no meaning: lists of files and the audit trail are read by others.
    return store_document(
        file, actor=actor, subject=item, kind=KIND, allowed=ALLOWED, replaces=replaces, keep_as="data-room"
    )


def _pages_of(file: Any) -> int:
    """Return how many pages of what was sent can be shown; 0 of an Office file, and of what is refused anyway.

    Asked before anything is kept. Raises ``FileRefused`` for a PDF that cannot be drawn.
    """
    if not isinstance(file, File) or not 0 < (file.size or 0) <= MAX_BYTES:
        return 0
    file.seek(0)
    head = file.read(16)
    file.seek(0)
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff")):
        return 1
    if not head.startswith(b"%PDF-"):
        return 0
    try:
        return count_pages(file.read())
    except Unreadable as error:
        text = {
            "locked": _("This PDF is locked with a password. Save it without one and choose it again."),
            "long": format_lazy(
                _("This PDF has {pages} pages; at most {most} can be shown. Split it."),
                pages=error.pages,
                most=MOST_PAGES,
            ),
        }.get(error.why, _("This PDF is damaged and cannot be shown. Save it once more and choose it again."))
        raise FileRefused(text, code=f"pdf_{error.why}", field="file") from error
    finally:
        file.seek(0)


def _title(title: str) -> str:
    title = " ".join(title.split())
    if not title or len(title) > 120:
        raise DomainError(_("Give it a title of at most 120 characters."), code="title", field="title")
    return title


def _folder(folder: str) -> str:
    if folder not in Folder.values:
        raise DomainError(_("There is no such folder."), code="folder", field="folder")
    return folder


def _source(source: str, value: str) -> tuple[str, str]:
    if source not in Source.values:
        raise DomainError(_("There is no such source."), code="source", field="source")
    value = value.strip()
    if source != Source.TYPED:
        return source, ""
    if not value or len(value) > 4000:
        raise DomainError(_("Type the value: at most 4,000 characters."), code="value", field="value")
    return source, value
