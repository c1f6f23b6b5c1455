"""What long work holds about who asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from park_portal.core.documents.models import Document
from park_portal.core.documents.services import forget_content
from park_portal.core.jobs.models import Job
from park_portal.core.personal import Basis, Keep, Purpose, holds

if TYPE_CHECKING:
    from park_portal.core.accounts.models import User
    from park_portal.core.personal import Marks


def _forget_results(person: User, marks: Marks) -> None:
    """Forget what the person's own jobs made: exports are copies, and theirs alone."""
    own = Job.objects.filter(owner=person, result__isnull=False).values("result")
    forget_content(Document.objects.filter(pk__in=own, subject_type="core.job"))


holds(
    "core.Job",
    people=("owner",),
    purpose=Purpose.RUNNING,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    linked="owner",
    scrubbed="params message error",
    plain="id public_id kind state attempt done total result request_id created_at queued_at started_at heartbeat_at "
    "finished_at",
    since="created_at",
    deed=_forget_results,
    untold="request_id",
)
