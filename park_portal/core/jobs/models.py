from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.jobs.states import JOB_MACHINE, OPEN, JobState

if TYPE_CHECKING:
    from typing import Self


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: Any) -> Self:
        """Return the jobs that ``user`` started: what one asked for may hold what only oneself may see."""
        return self.filter(owner_id=user.pk) if user.is_authenticated else self.none()


class Job(models.Model):
    """One piece of long work that somebody asked for, with how far it is and what came of it."""

    public_id = models.UUIDField(_("address"), default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=80)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("started by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Empty: the portal itself."),
    )
    params = models.JSONField(_("asked for"), default=dict, blank=True, encoder=DjangoJSONEncoder)
    state = models.CharField(_("state"), max_length=10, choices=JobState, default=JobState.QUEUED)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0)
    done = models.PositiveIntegerField(_("done so far"), default=0)
    total = models.PositiveIntegerField(pgettext_lazy("job", "of"), null=True, blank=True)
    message = models.CharField(_("at work on"), max_length=200, blank=True)
    error = models.TextField(_("what went wrong"), blank=True)
    result = models.ForeignKey(
        "core.Document",
        verbose_name=_("result"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("asked for at"), default=timezone.now)
    queued_at = models.DateTimeField(_("waiting since"), default=timezone.now)
    started_at = models.DateTimeField(_("begun"), null=True, blank=True)
    heartbeat_at = models.DateTimeField(_("last sign of life"), null=True, blank=True)
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects: ClassVar[JobQuerySet] = JobQuerySet.as_manager()  # type: ignore[assignment] # as_manager() is beyond the plugin
    machine = JOB_MACHINE

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="job_by_owner"),
            models.Index(
                fields=["state", "heartbeat_at"], name="job_open", condition=models.Q(state__in=OPEN)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="job_running_has_a_heartbeat",
                condition=~models.Q(state=JobState.RUNNING) | models.Q(heartbeat_at__isnull=False),
            ),
        ]
        triggers = JOB_MACHINE.triggers()

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("job", args=[self.public_id])

    @property
    def is_open(self) -> bool:
        """Whether the job still waits or runs."""
        return self.state in OPEN

    @property
    def percent(self) -> int | None:
        """How much is done, 0 to 100; ``None`` while nobody knows of how much."""
        if self.state == JobState.DONE:
            return 100
        if not self.total:
            return None
        return min(100, self.done * 100 // self.total)
