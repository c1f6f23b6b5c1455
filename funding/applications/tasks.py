"""What workers do for applications."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from funding.applications.exports import export_applications
from funding.applications.models import Version
from funding.applications.receipts import receipt_pdf
from park_portal.core.documents.models import Document
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.progress import Progress
from park_portal.core.jobs.registry import job
from park_portal.core.outbox.registry import handles


@handles("application.receipt", slow=True)
def on_receipt(payload: dict[str, Any]) -> None:
    """Make the receipt of a version before anyone asks for it."""
    receipt_pdf(Version.objects.select_related("application__call").get(pk=payload["version"]))


@job("applications.export", label=_("Export of applications"), rule="funding.export_applications")
def on_export(job_: Job, progress: Progress) -> Document | None:
    return export_applications(job_.params["keys"], progress)
