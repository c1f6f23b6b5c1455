from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.workflow import Machine, Transition


class JobState(models.TextChoices):
    QUEUED = "queued", pgettext_lazy("job", "waiting")
    RUNNING = "running", pgettext_lazy("job", "running")
    DONE = "done", pgettext_lazy("job", "done")
    FAILED = "failed", pgettext_lazy("job", "failed")
    CANCELLED = "cancelled", pgettext_lazy("job", "cancelled")


OPEN = (JobState.QUEUED, JobState.RUNNING)

JOB_MACHINE = Machine(
    name="job",
    label=_("job"),
    states=JobState,
    initial=JobState.QUEUED,
    transitions=(
        Transition(
            "begin", (JobState.QUEUED,), JobState.RUNNING, pgettext_lazy("job", "begin"), "core.run_job"
        ),
        Transition(
            "finish", (JobState.RUNNING,), JobState.DONE, pgettext_lazy("job", "finish"), "core.run_job"
        ),
        Transition("fail", OPEN, JobState.FAILED, pgettext_lazy("job", "fail"), "core.run_job"),
        Transition(
            "put_back", (JobState.RUNNING,), JobState.QUEUED, pgettext_lazy("job", "put back"), "core.run_job"
        ),
        Transition("cancel", OPEN, JobState.CANCELLED, pgettext_lazy("job", "Cancel"), "core.cancel_job"),
        Transition(
            "retry",
            (JobState.FAILED, JobState.CANCELLED),
            JobState.QUEUED,
            pgettext_lazy("job", "Run again"),
            "core.retry_job",
        ),
    ),
)
