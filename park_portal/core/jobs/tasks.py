"""The workers of long work: the outbox rings, one task does one job."""

from __future__ import annotations

import logging
from contextvars import copy_context
from typing import Any

from celery import shared_task
from django.db import transaction

from park_portal.core.jobs import services
from park_portal.core.outbox.registry import handles

log = logging.getLogger(__name__)


@shared_task(name="core.jobs.run", ignore_result=True, acks_late=True)
def run(job_id: int) -> bool:
    return services.run_job(job_id)


@shared_task(name="core.jobs.sweep", ignore_result=True)
def sweep() -> int:
    """Ring again for jobs that wait too long; rung by the clock."""
    waiting = services.sweep_jobs()
    for job_id in waiting:
        _ring(job_id)
    return len(waiting)


def _ring(job_id: int) -> None:
    try:
        run.apply_async((job_id,), retry=False)
    except Exception:  # the broker may be away; the job is safe and the sweeper will find it
        log.warning(
            "The broker did not answer; the sweeper will ring for job %s again.", job_id, exc_info=True
        )


@handles("job.run")
def on_run(payload: dict[str, Any]) -> None:
    # The job has transactions of its own: it must not run inside the one that marks the message done. After that one the
    # origin of the message is no longer in force, and the ring should still carry it.
    here = copy_context()
    transaction.on_commit(lambda: here.run(_ring, payload["job_id"]))
