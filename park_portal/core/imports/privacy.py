"""What imported tables hold about the people in them."""

from __future__ import annotations

import html
import io
import re
import zipfile
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from park_portal.core.imports.models import ImportBatch, ImportedRow
from park_portal.core.personal import Basis, Purpose, Retention, goes, holds, patterns

if TYPE_CHECKING:
    from park_portal.core.accounts.models import User
    from park_portal.core.personal import Marks


def _empty_naming(person: User, marks: Marks) -> None:
    """Empty the files that name the person: nobody takes one name out of a workbook. Those undone or refused, too."""
    sought = re.compile("|".join(expression for expression, _put in patterns(marks)), re.IGNORECASE)
    for batch in ImportBatch.objects.exclude(content=b"").defer("report").iterator(chunk_size=1):
        if sought.search(_text_of(bytes(batch.content))):
            ImportBatch.objects.filter(pk=batch.pk).update(content=b"")


def _text_of(content: bytes) -> str:
    """Return what can be read in a file of rows, packed or not; not in order."""
    pieces = [content]
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            pieces = [archive.read(name) for name in archive.namelist()]
    codes = ("utf-8", "gb18030", "utf-16")
    return "\n".join(html.unescape(piece.decode(code, "ignore")) for piece in pieces for code in codes)


holds(
    "core.ImportBatch",
    people=("created_by",),
    purpose=Purpose.PARK,
    basis=Basis.LAW,
    keep="privacy.import_months",
    linked="created_by",
    scrubbed="file_name options report",
    emptied="content",
    plain="id kind checksum state rows_created rows_updated rows_unchanged created_at applied_at undone_at",
    since="created_at",
    deed=_empty_naming,
    untold="content options report checksum",
)
holds(
    "core.ImportedRow",
    purpose=Purpose.PARK,
    basis=Basis.LAW,
    keep="privacy.import_months",
    scrubbed="label before after",
    plain="id batch number model object_id action",
)


def _old_batches(before: Any) -> models.QuerySet[ImportBatch]:
    return ImportBatch.objects.filter(created_at__lt=before).exclude(content=b"")


def _empty(rows: models.QuerySet[ImportBatch]) -> int:
    ImportedRow.objects.filter(batch__in=rows.values("pk")).delete()
    return rows.update(content=b"", report={})


goes(
    Retention(
        name="imports",
        label=_("Imported tables"),
        policy="privacy.import_months",
        explain=_(
            "Handed in longer ago than that: the file and what each row held before are deleted, so the import can no "
            "longer be undone. That there was an import stays noted."
        ),
        rows=_old_batches,
        go=_empty,
    )
)
