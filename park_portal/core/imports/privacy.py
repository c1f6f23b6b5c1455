"""What imported tables hold about the people in them."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from park_portal.core.imports.models import ImportBatch, ImportedRow
from park_portal.core.personal import Basis, Purpose, Retention, goes, holds

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
