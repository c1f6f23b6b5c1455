"""How far a job is, written where everyone sees it while the job's own transaction is still open."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Final

from django.db import DatabaseError, connection
from django.utils import timezone

from park_portal.core.jobs.states import JobState

if TYPE_CHECKING:
    from park_portal.core.jobs.models import Job

log = logging.getLogger(__name__)

EVERY: Final = 0.25  # seconds between two writes, when there is news
HEARTBEAT: Final = 5.0  # seconds between two writes, when there is none


class Stopped(Exception):
    """The job is no longer this worker's to do: somebody cancelled it, or another worker has it."""


class Progress:
    """What a job's body calls: ``progress(done, total, message)``, as often as it likes.

    Calling costs next to nothing: a thread of its own, on a connection of its own, writes the latest
    figures a few times a second and a sign of life in between. Raises ``Stopped`` once the job was
    cancelled or taken over.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._figures = (job.done, job.total, job.message)
        self._written = self._figures
        self._stopped = threading.Event()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __call__(self, done: int, total: int | None = None, message: object = "") -> None:
        if self._stopped.is_set():
            raise Stopped
        self._figures = (done, total if total is not None else self._figures[1], str(message)[:200])

    @property
    def figures(self) -> tuple[int, int | None, str]:
        """The latest (done, total, message)."""
        return self._figures

    def __enter__(self) -> Progress:
        self._thread = threading.Thread(target=self._watch, name=f"job-{self.job.pk}", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Stop writing; the last figures are the caller's to store."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _watch(self) -> None:
        quiet = 0.0
        try:
            while not self._over.wait(EVERY):
                quiet += EVERY
                if self._figures == self._written and quiet < HEARTBEAT:
                    continue
                quiet = 0.0
                try:
                    self._write()
                except DatabaseError:
                    log.warning("The progress of job %s could not be written.", self.job.pk, exc_info=True)
                    connection.close()
        finally:
            connection.close()

    def _write(self) -> None:
        figures = self._figures
        jobs = type(self.job)._base_manager.filter(pk=self.job.pk)
        mine = jobs.filter(state=JobState.RUNNING, attempt=self.job.attempt)
        changed = mine.update(
            done=figures[0], total=figures[1], message=figures[2], heartbeat_at=timezone.now()
        )
        if not changed and jobs.exists():
            self._stopped.set()
        self._written = figures
