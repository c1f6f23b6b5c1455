from __future__ import annotations

from celery import shared_task

from park_portal.core.audit.services import SYSTEM
from park_portal.core.jobs.services import start_job
from park_portal.core.privacy import copies, erasing  # noqa: F401 # they register jobs
from park_portal.core.privacy.retention import JOB


@shared_task(name="core.privacy.retention", ignore_result=True)
def retention() -> int:
    """Let a job let go what is old enough; rung by the clock."""
    return start_job(JOB, actor=SYSTEM).pk
