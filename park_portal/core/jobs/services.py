"""Starting, doing, watching and ending long work."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import timedelta
from typing import Any, Final

from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.utils import timezone, translation
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from park_portal.core import context as act
from park_portal.core.audit.services import record
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import readable
from park_portal.core.errors import DomainError, Text
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.progress import Progress, Stopped
from park_portal.core.jobs.registry import JOBS, JobKind, job
from park_portal.core.jobs.states import OPEN, JobState
from park_portal.core.outbox.services import notify, publish
from park_portal.core.workflow import SYSTEM, Actor, System, advance, may, require

log = logging.getLogger(__name__)

# Signs of life come every five seconds; a worker silent for this long is dead or cut off.
SILENT: Final = timedelta(seconds=60)
# A waiting job that no worker took for this long has lost its bell.
FORGOTTEN: Final = timedelta(seconds=60)

__all__ = [
    "Progress",
    "cancel_job",
    "job",
    "label_of",
    "retry_job",
    "run_job",
    "start_job",
    "sweep_jobs",
]


def start_job(kind: str, *, actor: Actor, params: Mapping[str, Any] | None = None) -> Job:
    """Ask for a job of ``kind`` and return it; a worker does it after the commit.

    Who already has the same job waiting or running gets that one: a second click starts nothing. Raises
    ``Forbidden`` when ``actor`` lacks the kind's permission, ``KeyError`` for an unknown kind.
    """
    spec = JOBS[kind]
    if spec.rule:
        require(actor, spec.rule)
    owner_id = None if isinstance(actor, System) else actor.pk
    with transaction.atomic():
        with connection.cursor() as cursor:  # two clicks at once
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"job:{kind}:{owner_id}"]
            )
        same = Job.objects.filter(
            kind=kind, owner_id=owner_id, params=dict(params or {}), state__in=OPEN
        ).first()
        if same is not None:
            return same
        started = Job.objects.create(
            kind=kind, owner_id=owner_id, params=dict(params or {}), request_id=act.current().request_id
        )
        record("job.started", started, actor=actor, after={"kind": kind, "params": started.params})
        _publish(started)
    return started


def cancel_job(job_: Job, *, actor: Actor) -> Job:
    """Cancel a job that waits or runs; what it did so far is undone."""
    return advance(job_, "cancel", actor=actor, changes={"finished_at": timezone.now()})


def retry_job(job_: Job, *, actor: Actor) -> Job:
    """Run a failed or cancelled job again, from the beginning."""
    with transaction.atomic():
        now = timezone.now()
        advance(
            job_,
            "retry",
            actor=actor,
            changes={"queued_at": now, "finished_at": None, "error": "", "message": "", "done": 0},
        )
        _publish(job_)
    return job_


def label_of(kind: str) -> Text:
    """Return what people call jobs of ``kind``."""
    spec = JOBS.get(kind)
    return spec.label if spec else kind


def _publish(job_: Job) -> None:
    key = f"job.run:{job_.pk}:{job_.queued_at.isoformat()}"
    publish("job.run", key=key, payload={"job_id": job_.pk})


# --- what workers do
# ----------------------------------------------------------------------------------------------


def run_job(job_id: int) -> bool:
    """Do one waiting job from beginning to end; return whether this call did it (or failed at it).

    One that another worker has, or that ended, is left alone. The body's effects, the state "done" and
    the notice commit together; a failure commits nothing but the state "failed" with its reason. A worker
    that was taken for dead and comes back finds that the attempt is no longer its own, and commits
    nothing.
    """
    begun = _begin(job_id)
    if begun is None:
        return False
    spec = JOBS.get(begun.kind)
    origin = act.origin(request_id=begun.request_id or None, door="worker")
    with origin, translation.override(begun.owner.language if begun.owner else "zh-hans"):
        try:
            with Progress(begun) as progress:
                _do(begun, spec, progress)
        except Stopped:
            log.info("Job %s was cancelled or taken over.", job_id)
            return False
        except Exception as error:  # whatever the body raises must end as a state that people see
            return _fail(begun, error)
    return True


def _begin(job_id: int) -> Job | None:
    with transaction.atomic():
        found = (
            Job.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("owner")
            .filter(pk=job_id, state=JobState.QUEUED)
            .first()
        )
        if found is None:
            return None
        now = timezone.now()
        advance(
            found,
            "begin",
            actor=SYSTEM,
            changes={"attempt": found.attempt + 1, "started_at": now, "heartbeat_at": now},
        )
        return found


def _do(begun: Job, spec: JobKind | None, progress: Progress) -> None:
    if spec is None:
        raise DomainError(_("The portal no longer knows this kind of job."), code="job_unknown")
    if spec.rule and begun.owner is not None:
        require(begun.owner, spec.rule)  # perhaps withdrawn while it waited
    with transaction.atomic() if spec.atomic else nullcontext():
        result = spec.run(begun, progress)
        progress.end()
        _finish(begun, result, progress)


def _finish(begun: Job, result: Document | None, progress: Progress) -> None:
    done, total, _message = progress.figures
    with transaction.atomic():
        _still_mine(begun)
        advance(
            begun,
            "finish",
            actor=SYSTEM,
            changes={
                "result": result,
                "done": total or done,
                "total": total,
                "message": "",
                "error": "",
                "finished_at": timezone.now(),
            },
        )
        _tell(begun, "job.finished")


def _still_mine(begun: Job) -> None:
    """Lock the job and raise ``Stopped`` when it was cancelled or another worker has begun it again."""
    stored = Job.objects.select_for_update(of=("self",)).get(pk=begun.pk)
    if stored.state != JobState.RUNNING or stored.attempt != begun.attempt:
        raise Stopped


def _fail(begun: Job, error: Exception) -> bool:
    if isinstance(error, DomainError):
        lines = [str(error), *(str(problem.message) for problem in error.problems)]
        text = "\n".join(dict.fromkeys(lines))
    elif isinstance(error, SoftTimeLimitExceeded):
        text = str(_("This took longer than a job may. Ask for less at a time."))
    else:
        log.error("Job %s (%s) failed.", begun.pk, begun.kind, exc_info=error)
        text = str(
            format_lazy(
                _(
                    "Something went wrong on our side. Nothing was changed. Quote {reference} to the park office."
                ),
                reference=act.current().request_id[:8],
            )
        )
    try:
        with transaction.atomic():
            _still_mine(begun)
            _end_in_failure(begun, text)
    except Stopped:
        return False
    return True


def _end_in_failure(job_: Job, text: str) -> None:
    advance(
        job_,
        "fail",
        actor=SYSTEM,
        changes={"error": text[:5000], "message": "", "finished_at": timezone.now()},
        reason=text[:500],
    )
    _tell(job_, "job.failed", reason=text)


def _tell(job_: Job, kind: str, **context: str) -> None:
    if job_.owner is None:
        return
    names = {}
    for language in ("zh-hans", "en"):
        with translation.override(language):
            names[language] = str(label_of(job_.kind))
    notify(
        kind,
        recipients=[job_.owner],
        key=f"{job_.pk}:{job_.attempt}",
        context={"job": names, **context},
        link=job_.get_absolute_url(),
    )


def sweep_jobs() -> list[int]:
    """Deal with jobs whose worker died, and return the ids of those that wait for a worker and should be
    rung again.

    A job that was tried often enough fails, with a clear reason; any other is put back and begins again.
    """
    now = timezone.now()
    with transaction.atomic():
        for dead in Job.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            state=JobState.RUNNING, heartbeat_at__lt=now - SILENT
        ):
            spec = JOBS.get(dead.kind)
            if spec is None or dead.attempt >= spec.attempts:
                language = dead.owner.language if dead.owner else "zh-hans"
                with translation.override(language):
                    text = str(
                        _("The job was interrupted more than once and was given up. Nothing was changed.")
                    )
                    _end_in_failure(dead, text)
            else:
                advance(
                    dead,
                    "put_back",
                    actor=SYSTEM,
                    changes={"queued_at": now, "done": 0, "message": ""},
                    reason="worker silent",
                )
                _publish(dead)
    return list(
        Job.objects.filter(state=JobState.QUEUED, queued_at__lt=now - FORGOTTEN).values_list("pk", flat=True)
    )


@readable("core.job")
def reads_result(user: Any, document: Document) -> bool:
    """Whoever started a job reads its result, as long as they might start it still."""
    found = Job.objects.filter(pk=document.subject_id).first()
    if found is None or not user.is_authenticated or found.owner_id != user.pk:
        return False
    spec = JOBS.get(found.kind)
    return spec is not None and (spec.rule is None or may(user, spec.rule))
