from __future__ import annotations

from typing import Any

import pgtrigger
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.applications.models import Application
from funding.calls.models import Stage
from funding.calls.states import Acts
from funding.reviews.states import (
    RUN_MACHINE,
    AutomaticNote,
    RunState,
)
from incubator.projects.models import ResearchProject
from park_portal.core.accounts.rules import sees_records
from park_portal.core.invariants import Agrees, kept


class StageRunQuerySet(models.QuerySet["StageRun"]):
    def visible_to(self, user: Any) -> StageRunQuerySet:
        """Staff see all; liaisons the liaison stages of their university or faculties."""
        if not user.is_authenticated:
            return self.none()
        if sees_records(user):
            return self
        in_care = ResearchProject.objects.in_care_of(user).values("pk")
        return self.filter(stage__acts=Acts.LIAISON, application__project__in=in_care)

    def under_way(self) -> StageRunQuerySet:
        return self.filter(state__in=[RunState.ACTIVE, RunState.PAUSED])


class StageRun(models.Model):
    """One application's passage through one stage."""

    machine = RUN_MACHINE

    application = models.ForeignKey(
        Application, verbose_name=_("application"), on_delete=models.PROTECT, related_name="runs"
    )
    stage = models.ForeignKey(Stage, verbose_name=_("stage"), on_delete=models.PROTECT, related_name="runs")
    state = models.CharField(_("state"), max_length=10, choices=RunState, default=RunState.ACTIVE)
    entered_at = models.DateTimeField(_("entered"), default=timezone.now)
    due_at = models.DateTimeField(_("due"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    # A person's words, or the code of an ``AutomaticNote``: pages show ``note_text``.
    note = models.TextField(_("note"), blank=True)

    objects = StageRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("stage of an application")
        verbose_name_plural = _("stages of applications")
        ordering = ["application", "entered_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["application", "stage"], name="stage_run_once"),
            models.UniqueConstraint(
                fields=["application"],
                condition=models.Q(state__in=[RunState.ACTIVE, RunState.PAUSED]),
                name="stage_run_one_at_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["stage", "state", "due_at"], name="stage_run_queue"),
            models.Index(
                fields=["due_at", "id"], name="stage_run_active_due", condition=models.Q(state="active")
            ),
        ]
        triggers = [
            *RUN_MACHINE.triggers(),
            Agrees(name="stage_run_of_its_call", same={"stage.call": "application.call"}),
            pgtrigger.ReadOnly(name="stage_run_place_fixed", fields=["application", "stage"]),
            kept("stage_run"),
        ]

    def __str__(self) -> str:
        return f"{self.application.number} · {self.stage}"

    @property
    def note_text(self) -> str:
        """The note as it is read: what the portal noted by itself in the reader's language."""
        return str(AutomaticNote(self.note).label) if self.note in AutomaticNote.values else self.note
