from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.reviews.models.runs import StageRun
from park_portal.core.invariants import kept


class Objection(models.Model):
    """One objection raised against an application during its public notice."""

    run = models.ForeignKey(
        StageRun,
        verbose_name=_("stage of an application"),
        on_delete=models.PROTECT,
        related_name="objections",
    )
    name = models.CharField(_("name"), max_length=80)
    email = models.EmailField(_("e-mail"), blank=True)
    text = models.TextField(_("objection"), max_length=4000)
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    resolution = models.TextField(_("resolution"), max_length=4000, blank=True)
    upheld = models.BooleanField(_("upheld"), null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("resolved by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)

    class Meta:
        verbose_name = _("objection")
        verbose_name_plural = _("objections")
        ordering = ["-id"]
        triggers = [
            pgtrigger.ReadOnly(
                name="objection_words_fixed", fields=["run", "name", "email", "text", "received_at"]
            ),
            pgtrigger.Protect(
                name="objection_resolved_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__upheld__isnull=False),
            ),
            kept("objection"),
        ]

    def __str__(self) -> str:
        return f"{self.run.application} · {self.name}"
