"""Keeping private files and letting the right people read them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection
from typing import Any, BinaryIO, Final, cast

import pgtrigger
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import connection, models, transaction
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core import context
from park_portal.core.audit.services import Actor, System, record
from park_portal.core.documents import archives, formats, images
from park_portal.core.documents.formats import Format
from park_portal.core.documents.models import Document
from park_portal.core.documents.names import clean_name, ending_of
from park_portal.core.documents.uploads import OversizedFile
from park_portal.core.errors import DomainError, Text
from park_portal.core.outbox.registry import handles
from park_portal.core.outbox.services import publish

log = logging.getLogger(__name__)
_lazy_size = lazy(filesizeformat, str)

MAX_BYTES: Final = 20 * 1024 * 1024
Reader = Callable[[Any, Document], bool | str]
READERS: dict[str, list[Reader]] = {}
# Kinds that not even a superuser reads: people's own copies of all that is held about them.
NOBODY_ELSES: Final[set[str]] = set()
# The formats that people know by another name than their own; the others are names in every language.
FORMAT_NAMES: Final[dict[Format, Text]] = {
    formats.TEXT: pgettext_lazy("file format", "plain text"),
    formats.DOC: pgettext_lazy("file format", "Word 97–2003"),
    formats.XLS: pgettext_lazy("file format", "Excel 97–2003"),
    formats.PPT: pgettext_lazy("file format", "PowerPoint 97–2003"),
}


class FileRefused(DomainError):
    """A file that cannot be taken, with the reason."""

    code = "file_refused"
    default = _("This file cannot be taken.")


def readable(subject_type: str) -> Callable[[Reader], Reader]:
    """Register who may read the documents of one kind of record (its label: ``funding.application``).

    The function gets a user (perhaps anonymous) and a document and returns whether they may read it, or under which
    name, where the document's own would tell too much. Rooms further up may add a reader of their own: one that says
    yes is enough. Without any, nobody but a superuser may read.
    """

    def register(reader: Reader) -> Reader:
        READERS.setdefault(subject_type.lower(), []).append(reader)
        return reader

    return register


def may_read(user: Any, document: Document) -> bool:
    """Return whether ``user`` may read ``document``."""
    return name_for(user, document) != ""


def name_for(user: Any, document: Document) -> str:
    """Return the name under which ``user`` may read ``document``, empty for who may not; a plain yes comes first."""
    if not document.path:  # its content was erased
        return ""
    if user.is_active and user.is_superuser and document.kind not in NOBODY_ELSES:
        return document.name
    other = ""
    for reader in READERS.get(document.subject_type, ()):
        answer = reader(user, document)
        if answer is True:
            return document.name
        other = other or answer or ""
    return other


def store_document(
    file: File | bytes,
    *,
    actor: Actor,
    subject: models.Model,
    kind: str,
    name: str | None = None,
    allowed: Collection[Format] = formats.DEFAULT,
    max_bytes: int = MAX_BYTES,
    max_number: int | None = None,
    replaces: Document | None = None,
    keep_as: str = "",
) -> Document:
    """Keep ``file`` as a document of ``subject`` and return it.

    What the file is, is told from its bytes and must be one of ``allowed``, agree with the ending of its
    name, and be at most ``max_bytes`` large; with ``max_number``, at most so many current documents of
    this kind belong to the subject. ``replaces`` makes it the next version of that document. A picture is
    drawn anew: its pixels are kept, upright, and nothing that came along with them. ``keep_as`` is the name it is
    kept and told of under, without an ending, where its own would tell too much. Raises ``FileRefused``; then nothing
    is kept.
    """
    if isinstance(file, bytes):
        file = ContentFile(file, name=name or "")
    given = (name or file.name or "").strip()
    shown = clean_name(given, extension=ending_of(given) or "file") if given else str(_("file"))
    format_ = _check(file, name=given, shown=shown, allowed=allowed, max_bytes=max_bytes)
    if format_ in formats.IMAGES:
        file = _redrawn(file, format_, shown=shown)
    digest, size = _digest(file, name=shown, max_bytes=max_bytes)
    ending = ending_of(given)
    final_name = clean_name(
        keep_as or given, extension=ending if ending in format_.extensions else format_.extensions[0]
    )
    path = _keep(file, digest=digest, size=size)
    with transaction.atomic():
        _check_number(subject, kind, max_number=max_number, replaces=replaces)
        document = Document.objects.create(
            subject_type=subject._meta.label_lower,
            subject_id=str(subject.pk),
            kind=kind,
            name=final_name,
            mime=format_.mime,
            size=size,
            sha256=digest,
            path=path,
            version=replaces.version + 1 if replaces else 1,
            replaces=replaces,
            uploaded_by_id=None if isinstance(actor, System) else actor.pk,
        )
        record(
            "document.stored",
            document,
            actor=actor,
            after={"name": final_name, "sha256": digest, "size": size, "kind": kind},
            subject=f"{document.subject_type} {document.subject_id}",
        )
    return document


def remove_document(document: Document, *, actor: Actor) -> Document:
    """Take ``document`` out of the current ones; what refers to it (a submitted version) still finds it."""
    with transaction.atomic():
        changed = Document.objects.filter(pk=document.pk, removed_at__isnull=True).update(
            removed_at=timezone.now()
        )
        if changed:
            record("document.removed", document, actor=actor)
    document.refresh_from_db()
    return document


def forget_content(documents: models.QuerySet[Document]) -> int:
    """Take name and content of ``documents`` away for good; return how many there were.

    The row stays, with the hash of what it was, for whatever refers to it. Content that another document shares, which
    somebody else uploaded perhaps, stays too. The store is told by the outbox: what dies after the commit forgets nothing.
    """
    rows = list(documents.select_for_update().order_by("pk"))
    with pgtrigger.ignore("core.Document:document_content_is_final"):
        for row in rows:
            row.name = f"erased-{row.pk}.{ending_of(row.name) or 'file'}"
            row.path = ""
            row.removed_at = row.removed_at or timezone.now()
            row.save(update_fields=["name", "path", "removed_at"])
    for row in rows:
        publish("documents.forget", key=f"documents.forget:{row.pk}", payload={"sha256": row.sha256})
    return len(rows)


@handles("documents.forget")
def _drop_content(payload: dict[str, Any]) -> None:
    path = path_of(payload["sha256"])
    if not Document.objects.filter(path=path).exists():
        default_storage.delete(path)


def read_document(public_id: Any, *, user: Any) -> Document:
    """Return the document for ``user`` to read, and note that they did; ``Document.DoesNotExist`` for a
    stranger.
    """
    document = Document.objects.get(public_id=public_id)
    if not may_read(user, document):
        raise Document.DoesNotExist
    viewer = context.current().viewer
    if viewer is not None and not may_read(get_user_model()._default_manager.get(pk=viewer), document):
        # Who views as somebody else reads no more files than their own work gives them.
        raise Document.DoesNotExist
    record(
        "document.read",
        document,
        actor=user if user.is_authenticated else System(),
        subject=f"{document.subject_type} {document.subject_id}",
        sha256=document.sha256,
    )
    return document


def _check(file: File, *, name: str, shown: str, allowed: Collection[Format], max_bytes: int) -> Format:
    if isinstance(file, OversizedFile) or (file.size or 0) > max_bytes:
        raise _too_large(shown, file.size or 0, max_bytes)
    if not file.size:
        raise FileRefused(
            format_lazy(_("“{name}” is empty. Choose it again, or save it once more first."), name=shown),
            code="file_empty",
        )
    format_ = _told(file, shown=shown)
    wanted = endings_of(allowed)
    if format_ is None or format_ not in allowed:
        if format_:
            text = _("“{name}” is in the format {found}. Possible here: {wanted}.")
        else:
            text = _("What is inside “{name}” is not a file that can be taken. Possible here: {wanted}.")
        raise FileRefused(
            format_lazy(text, name=shown, found=format_name(format_) if format_ else "", wanted=wanted),
            code="file_type",
            found=format_.name if format_ else None,
        )
    ending = ending_of(name)
    if ending and ending in formats.BY_NAME and ending not in format_.extensions:
        raise FileRefused(
            format_lazy(
                _(
                    "“{name}” is named .{ending}, but what is inside is in the format {found}. "
                    "Save it in the right format."
                ),
                name=shown,
                ending=ending,
                found=format_name(format_),
            ),
            code="file_disguised",
            found=format_.name,
        )
    if (
        ending
        and ending not in formats.BY_NAME
        and len(ending) <= 4
        and ending.isascii()
        and ending.isalpha()
    ):
        raise FileRefused(
            format_lazy(
                _("“{name}” has the ending .{ending}. Possible here: {wanted}."),
                name=shown,
                ending=ending,
                wanted=wanted,
            ),
            code="file_ending",
        )
    return format_


def _told(file: File, *, shown: str) -> Format | None:
    """Return what ``file`` is by its content; raises ``FileRefused`` for what would harm whoever opens it."""
    try:
        return formats.sniff(cast(BinaryIO, file))
    except archives.Bomb:
        text, code = _("“{name}” unpacks to far more than it is and was not opened."), "file_bomb"
    except archives.Locked:
        text = _("“{name}” is locked with a password. Save it without one and choose it again.")
        code = "file_locked"
    except archives.BadNames:
        text = _(
            "“{name}” holds names that would be written outside its own folder or over one another. "
            "Pack it anew."
        )
        code = "file_names"
    except archives.Macros:
        text = _(
            "“{name}” holds macros. Save it without them (as .docx, .xlsx or .pptx) and choose it again."
        )
        code = "file_macros"
    except archives.Reaches as error:
        raise FileRefused(
            format_lazy(
                _(
                    "“{name}” would fetch something from another address when it is opened ({address}). "
                    "Break the link (in Office: File, Info, Edit Links to Files) or insert what it shows, "
                    "and save it again."
                ),
                name=shown,
                address=str(error)[:80],
            ),
            code="file_reaches",
        ) from None
    raise FileRefused(format_lazy(text, name=shown), code=code)


def _redrawn(file: File, format_: Format, *, shown: str) -> File:
    try:
        return ContentFile(images.redraw(cast(BinaryIO, file), format_), name=file.name)
    except images.Flood as error:
        raise FileRefused(
            format_lazy(
                _(
                    "“{name}” is {width} × {height} pixels; at most {most} million pixels are possible, "
                    "and {side} on a side. Save it smaller."
                ),
                name=shown,
                width=error.width,
                height=error.height,
                most=images.PIXELS_MAX // 1_000_000,
                side=images.SIDE_MAX,
            ),
            code="file_pixels",
        ) from None
    except images.Moving:
        text = _("“{name}” is an animation. Save the one picture that matters, or a PDF.")
        code = "file_animated"
    except images.Damaged:
        text = _(
            "“{name}” is damaged: the picture in it cannot be read. Open it, save it once more, and choose it again."
        )
        code = "file_damaged"
    raise FileRefused(format_lazy(text, name=shown), code=code)


def _too_large(name: str, size: int, max_bytes: int) -> FileRefused:
    return FileRefused(
        format_lazy(
            _("“{name}” is {size}; at most {most} is possible. Compress the pictures in it, for instance."),
            name=name,
            size=human_size(size),
            most=human_size(max_bytes),
        ),
        code="file_too_large",
    )


def format_name(format_: Format) -> Text:
    """Return what people call ``format_``, in the language of whoever reads it."""
    return FORMAT_NAMES.get(format_, format_.name)


def endings_of(allowed: Collection[Format]) -> str:
    """Return the endings of ``allowed`` as they are listed for people: documents first, always in one order."""
    return ", ".join(
        f".{ending}" for known in formats.FORMATS if known in allowed for ending in known.extensions
    )


def human_size(size: int) -> Any:
    """Return ``size`` bytes as people read it, in the language of whoever reads it."""
    return _lazy_size(size)


def _digest(file: File, *, name: str, max_bytes: int) -> tuple[str, int]:
    """Return SHA-256 and length of what ``file`` really holds, whatever it said of itself."""
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    for chunk in file.chunks():
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(name, size, max_bytes)
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest(), size


def path_of(digest: str) -> str:
    """Return where content with this hash lies in the store."""
    return f"documents/{digest[:2]}/{digest[2:4]}/{digest}"


def _keep(file: File, *, digest: str, size: int) -> str:
    """Put the content into the store under its hash, unless it is there, and return its path."""
    path = path_of(digest)
    if default_storage.exists(path):
        if default_storage.size(path) == size:
            return path
        log.warning("The stored content %s has the wrong length and is written again.", path)
        default_storage.delete(path)  # cut short by a crash: a hash has one content
    return default_storage.save(path, File(file, name=path))


def _check_number(
    subject: models.Model, kind: str, *, max_number: int | None, replaces: Document | None
) -> None:
    if replaces is not None:
        if not Document.objects.of(subject).current().filter(pk=replaces.pk, kind=kind).exists():
            raise FileRefused(
                _("The file that this one should replace has been replaced or removed meanwhile."),
                code="file_replaced",
            )
        return
    if max_number is None:
        return
    with connection.cursor() as cursor:  # two uploads at once must not both be the last one
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"documents:{subject._meta.label_lower}:{subject.pk}:{kind}"],
        )
    if Document.objects.of(subject).current().filter(kind=kind).count() >= max_number:
        raise FileRefused(
            format_lazy(_("At most {number} files are possible here. Remove one first."), number=max_number),
            code="file_number",
        )
