from __future__ import annotations

import pgtrigger
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from park_portal.core.invariants import kept


class Pledge(models.Model):
    """One version of the pledge of integrity that reviewers sign before they read."""

    # One column a language, made by modeltranslation.
    text_zh_hans: str
    text_en: str | None

    version = models.PositiveSmallIntegerField(_("version"), unique=True)
    text = models.TextField(_("text"), max_length=4000)
    effective_from = models.DateTimeField(_("in force from"), default=timezone.now)

    class Meta:
        verbose_name = _("pledge of integrity")
        verbose_name_plural = _("pledges of integrity")
        ordering = ["-version"]
        triggers = [
            # Whoever signed it signed these words: another text is another version.
            pgtrigger.ReadOnly(name="pledge_words_fixed", fields=["version", "text_zh_hans", "text_en"]),
            kept("pledge"),
        ]

    def __str__(self) -> str:
        return str(_("version %(number)s") % {"number": self.version})
