from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.applications.models import Application
from funding.reviews.states import (
    ConflictKind,
)


class Conflict(models.Model):
    """One reason why one person must not review one application."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("person"), on_delete=models.CASCADE, related_name="conflicts"
    )
    application = models.ForeignKey(
        Application, verbose_name=_("application"), on_delete=models.CASCADE, related_name="conflicts"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=ConflictKind)
    note = models.CharField(_("note"), max_length=400, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("recorded by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    recorded_at = models.DateTimeField(_("recorded"), default=timezone.now)

    class Meta:
        verbose_name = _("conflict of interest")
        verbose_name_plural = _("conflicts of interest")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["person", "application", "kind"], name="conflict_once")
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="conflict_identity_fixed", fields=["person", "application", "kind", "recorded_by"]
            ),
            # What somebody declared of themselves, staff do not take back.
            pgtrigger.Protect(
                name="conflict_declared_is_kept",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Q(old__recorded_by=pgtrigger.F("old__person")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} · {self.application}: {self.get_kind_display()}"
