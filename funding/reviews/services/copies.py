"""The files that reviewers of a double-blind stage get: cleaned of their authors, under neutral names, never the originals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from funding.applications.models import Application, Version
from funding.applications.naming import MOST, is_double_blind, names_of
from funding.applications.redaction import Names, find
from funding.calls.states import QuestionKind
from funding.reviews.models import CleanCopy
from funding.reviews.services.telling import staff_of, tell
from funding.reviews.states import Unclean
from park_portal.core.accounts.states import Language, StaffRole
from park_portal.core.documents import formats
from park_portal.core.documents.cleaning import REVISION, CannotClean, clean
from park_portal.core.documents.formats import Format
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import remove_document, store_document
from park_portal.core.documents.texts import read_text
from park_portal.core.outbox.services import publish
from park_portal.core.workflow import SYSTEM

COPY: Final = "copy:"
TOPIC: Final = "review.copies"
# The cleaned file may be a little larger than what was sent: it is packed anew.
MAX_BYTES: Final = 256 * 1024 * 1024
_BY_MIME: Final[dict[str, Format]] = {one.mime: one for one in formats.FORMATS}


def files_shown(version: Version) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (number, file) of the files that reviewers are shown, numbered through the whole form."""
    number = 0
    for section in version.form["sections"]:
        for question in section["questions"]:
            if (
                question["kind"] != QuestionKind.FILES
                or not question["asked"]
                or not question["reviewers_see"]
            ):
                continue
            if question["settings"].get("names_applicant"):
                continue
            for item in version.answers.get(question["key"]) or []:
                number += 1
                yield number, item


def ask_for_copies(application: Application) -> None:
    """Have a worker make what lacks of the copies of what was submitted last; asking often is asking once."""
    if not is_double_blind(application):
        return
    version = application.versions.order_by("-number").first()
    if version is not None:
        publish(TOPIC, key=f"{TOPIC}:{version.pk}:{REVISION}", payload={"version": version.pk})


def make_copies(version: Version) -> int:
    """Make the copies of the files of ``version`` that are not there yet; return how many. Safe to run twice."""
    application = version.application
    if not is_double_blind(application):
        return 0
    files = {item["id"]: number for number, item in files_shown(version)}
    originals = Document.objects.filter(public_id__in=files).exclude(path="")
    done = set(
        CleanCopy.objects.filter(original__in=originals, revision__gte=REVISION).values_list(
            "original", flat=True
        )
    )
    names = names_of(application, version.form, version.answers)
    made = [
        _make(original, application, files[str(original.public_id)], names)
        for original in originals.order_by("pk")
        if original.pk not in done
    ]
    unclean = [copy for copy in made if copy.problem]
    if unclean:
        _tell_staff(version, unclean)
    return len(made)


def _tell_staff(version: Version, unclean: list[CleanCopy]) -> None:
    application = version.application
    lines: dict[str, str] = {}
    for language in Language.values:
        with override(language):
            lines[language] = "\n".join(
                f"- {copy.original.name}: {copy.get_problem_display()}" for copy in unclean
            )
    tell(
        "review.file_unclean",
        application=application,
        recipients=staff_of(application.call, StaffRole.OFFICER),
        key=f"{version.pk}:{REVISION}:{unclean[0].pk}",
        link=reverse("admin:funding_application_change", args=[application.pk]),
        files=lines,
    )


def _make(original: Document, application: Application, number: int, names: Names) -> CleanCopy:
    format_ = _BY_MIME.get(original.mime)
    with original.open() as file:
        content = cast(bytes, file.read())
    problem, cleaned = "", b""
    try:
        if format_ is None:
            raise CannotClean("damaged")
        cleaned = clean(content, format_)
    except CannotClean as error:
        problem = Unclean(error.reason)
    reading = read_text(cleaned or content, format_) if format_ is not None else None
    places = [
        {"place": part.kind, "number": part.name, "kind": hit.kind, "text": hit.text}
        for part in (reading.parts if reading else ())
        for hit in find(part.text, names)
    ][:MOST]
    with transaction.atomic():
        # Two workers at once: the second finds what the first has made.
        Application.objects.select_for_update(no_key=True).get(pk=application.pk)
        held = CleanCopy.objects.filter(original=original).first()
        if held is not None and held.revision >= REVISION:
            return held
        document = None
        if not problem:
            assert format_ is not None
            document = store_document(
                cleaned,
                actor=SYSTEM,
                subject=application,
                kind=f"{COPY}{original.pk}",
                name=f"{application.number}-file-{number}.{original.extension or format_.extensions[0]}",
                allowed={format_},
                max_bytes=MAX_BYTES,
            )
        if held is not None and held.document is not None:
            remove_document(held.document, actor=SYSTEM)
        copy, _new = CleanCopy.objects.update_or_create(
            original=original,
            defaults={
                "document": document,
                "problem": problem,
                "revision": REVISION,
                "names": places,
                "unread": reading.unread if reading else 0,
                "made_at": timezone.now(),
            },
        )
    return copy


def copies_of(version: Version) -> dict[str, dict[str, Any]]:
    """Return what double-blind reviewers get by the address of each file as it was sent; one query.

    ``{"url", "bytes", "sha256"}`` of the copy, or with ``note`` in words why there is none. A file without an entry is not
    ready yet.
    """
    ids = [item["id"] for _number, item in files_shown(version)]
    if not ids:
        return {}
    rows = CleanCopy.objects.filter(original__public_id__in=ids).select_related("original", "document")
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row.document is not None:
            shown = {
                "url": reverse("document", args=[row.document.public_id]),
                "bytes": row.document.size,
                "sha256": row.document.sha256,
            }
        else:
            note = _("It cannot be shown without telling who applies. The park office has been told.")
            shown = {"url": "", "bytes": None, "note": note}
        found[str(row.original.public_id)] = shown
    return found
