"""Large files are checked and imported by a worker."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from park_portal.core.imports.models import ImportBatch
from park_portal.core.imports.services import apply_batch, check_batch
from park_portal.core.imports.states import ImportState
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.progress import Progress
from park_portal.core.jobs.registry import job

CHECK = "imports.check"
APPLY = "imports.apply"


# Both see to their own transactions: a refused import must leave its report behind.
@job(CHECK, label=_("Checking a file to import"), atomic=False)
def check(job_: Job, progress: Progress) -> None:
    assert job_.owner is not None
    check_batch(ImportBatch.objects.get(pk=job_.params["batch"]), actor=job_.owner, progress=progress)


@job(APPLY, label=_("Importing a file"), atomic=False)
def apply(job_: Job, progress: Progress) -> None:
    assert job_.owner is not None
    batch = ImportBatch.objects.get(pk=job_.params["batch"])
    # An earlier attempt may have come to its end and only its report of that was lost.
    if batch.state != ImportState.APPLIED:
        apply_batch(batch, actor=job_.owner, progress=progress)
