"""The dates on which the park's calendar differs from the published one."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class SpecialDay(models.Model):
    """One date that is worked, or not, whatever the published calendar says."""

    date = models.DateField(_("date"), unique=True)
    working = models.BooleanField(
        _("working day"), help_text=_("Tick for a weekend that is worked; leave empty for a day off.")
    )
    name = models.CharField(_("name"), max_length=100)
    source = models.CharField(
        _("source"), max_length=300, blank=True, help_text=_("Number or address of the notice that says so.")
    )

    class Meta:
        ordering = ["-date"]
        verbose_name = _("special day")
        verbose_name_plural = _("special days")

    def __str__(self) -> str:
        return f"{self.date:%Y-%m-%d} {self.name}"
