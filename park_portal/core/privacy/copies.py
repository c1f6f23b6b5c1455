"""A copy of everything that is held about a person, for that person alone, for a few days."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.core.files import File
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from park_portal.core.accounts.models import User
from park_portal.core.documents import formats
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import NOBODY_ELSES, forget_content, name_for, store_document
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.progress import Progress
from park_portal.core.jobs.services import job, start_job
from park_portal.core.personal import HOLDINGS, WORKED_OUT, Holding, Purpose, Retention, WorkedOut, goes
from park_portal.core.privacy.held import column_label, dated_rules, how_long, table_label
from park_portal.core.workflow import require

JOB: Final = "privacy.copy"
KIND: Final = "privacy.copy"
MOST_BYTES: Final = 4 << 30
NOBODY_ELSES.add(KIND)


def begin_copy(person: User, *, actor: User) -> Job:
    """Let a copy of all that is held about ``person`` be made, and return the job that makes it."""
    require(actor, "core.edit_profile", person)
    return start_job(JOB, actor=actor)


@job(JOB, label=_("A copy of my data"), rule="core.use_data_rights", proved=True)
def _make_copy(running: Job, progress: Progress) -> Document:
    assert running.owner is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "copy.zip"
        write_copy(path, running.owner, progress)
        with open(path, "rb") as file:
            name = f"my-data-{timezone.localdate():%Y-%m-%d}.zip"
            return store_document(
                File(file, name=name),
                actor=running.owner,
                subject=running,
                kind=KIND,
                name=name,
                allowed={formats.ZIP},
                max_bytes=MOST_BYTES,
            )


def write_copy(path: Path, person: User, progress: Any = None) -> None:
    """Write the archive: all rows as JSON, the same as a page to read, and the files of the person.

    Nothing in it is packed: pictures and documents are already, and what opens archives need not fear a bomb.
    """
    parts = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        holdings = [one for one in HOLDINGS.values() if one.people and one.told()]
        order = [purpose.value for purpose in Purpose]
        holdings.sort(key=lambda one: order.index(one.purpose) if one.purpose else len(order))
        rules = dated_rules()
        for number, holding in enumerate(holdings):
            rows = list(_rows(holding, person))
            if rows:
                parts.append(_part(holding, rows, rules))
            if progress is not None:
                progress(number, len(holdings), holding.model._meta.verbose_name_plural)
        parts += [
            _worked_out(one, facts, rules)
            for one in WORKED_OUT.values()
            if (facts := list(one.facts(person)))
        ]
        files = list(_files(person))
        for document, name in files:
            with document.open() as content, archive.open(name, "w") as inside:
                for chunk in content.chunks():
                    inside.write(chunk)
        told = {"person": person.pk, "made": timezone.now(), "parts": parts}
        archive.writestr("data.json", json.dumps(told, cls=_Encoder, ensure_ascii=False, indent=1))
        page = {
            "person": person,
            "made": timezone.now(),
            "parts": [(part, list(_lines(part))) for part in parts],
            "files": [name for _document, name in files],
        }
        archive.writestr("data.html", render_to_string("core/privacy/copy.html", page))


def _rows(holding: Holding, person: User) -> Iterator[dict[str, Any]]:
    """Yield the person's rows of one table, as far as they may see them."""
    rows = holding.rows_of(person)
    manager = holding.model._default_manager
    if hasattr(manager, "visible_to") and holding.label != "core.Document":
        rows = rows.filter(pk__in=manager.visible_to(person).order_by().values("pk"))
    fields = [holding.field(name) for name in holding.told()]
    for row in rows.distinct().order_by("pk").iterator(chunk_size=1000):
        yield {field.name: getattr(row, str(field.attname)) for field in fields}


def _part(holding: Holding, rows: list[dict[str, Any]], rules: Any) -> dict[str, Any]:
    assert holding.purpose
    assert holding.basis
    assert holding.keep
    return {
        "table": holding.label,
        "what": table_label(holding),
        "purpose": str(holding.purpose.label),
        "basis": str(holding.basis.label),
        "keep": str(how_long(holding.keep, rules)),
        "columns": {name: column_label(holding, name) for name in holding.told()},
        "rows": rows,
    }


def _worked_out(found: WorkedOut, facts: list[tuple[Any, Any]], rules: Any) -> dict[str, Any]:
    names = [f"figure_{number}" for number in range(1, len(facts) + 1)]
    return {
        "table": found.name,
        "what": str(found.label),
        "purpose": str(found.purpose.label),
        "basis": str(found.basis.label),
        "keep": str(how_long(found.keep, rules)),
        "columns": {name: str(label) for name, (label, _value) in zip(names, facts, strict=True)},
        "rows": [{name: value for name, (_label, value) in zip(names, facts, strict=True)}],
    }


def _lines(part: dict[str, Any]) -> Iterator[list[tuple[str, Any]]]:
    """Yield each row as (label, value) for people to read, without what is empty."""
    for row in part["rows"]:
        yield [
            (
                part["columns"][name],
                pgettext("in a copy", "(a file)") if isinstance(value, bytes | memoryview) else value,
            )
            for name, value in row.items()
            if value not in (None, "", [], {})
        ]


def _files(person: User) -> Iterator[tuple[Document, str]]:
    """Yield the files that the person put in and may still read, each with a name of its own."""
    own = models.Q(uploaded_by=person) | models.Q(
        subject_type=person._meta.label_lower, subject_id=str(person.pk)
    )
    for document in Document.objects.current().filter(own).exclude(kind=KIND).exclude(path="").order_by("pk"):
        is_theirs = (document.subject_type, document.subject_id) == (person._meta.label_lower, str(person.pk))
        if name := document.name if is_theirs else name_for(person, document):
            yield document, f"files/{document.pk}-{name}"


class _Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        if isinstance(o, bytes | memoryview):
            return pgettext("in a copy", "(a file)")
        try:
            return super().default(o)
        except TypeError:
            return str(o)


def _old_copies(before: Any) -> models.QuerySet[Document]:
    return Document.objects.filter(kind=KIND, created_at__lt=before).exclude(path="")


goes(
    Retention(
        name="copies",
        label=_("Copies of people’s data"),
        policy="privacy.copy_days",
        explain=_("Made longer ago than that: the archive is deleted; the person can have a new one made."),
        rows=_old_copies,
        go=forget_content,
    )
)
