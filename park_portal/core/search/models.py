from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.utils.translation import gettext_lazy as _


class SearchEntry(models.Model):
    """What one record is found by; written when the record is, and never shown without asking who may see
    it.
    """

    kind = models.CharField(_("record type"), max_length=80)
    object_id = models.BigIntegerField(_("record"))
    title_zh = models.CharField(_("Chinese title"), max_length=500, blank=True)
    title_en = models.CharField(_("English title"), max_length=500, blank=True)
    codes = ArrayField(models.CharField(max_length=80), verbose_name=_("numbers"), default=list, blank=True)
    vector = SearchVectorField(null=True, editable=False)
    updated_at = models.DateTimeField(_("written"), auto_now=True)

    class Meta:
        verbose_name = _("search entry")
        verbose_name_plural = _("search entries")
        constraints = [models.UniqueConstraint(fields=["kind", "object_id"], name="search_entry_once")]
        indexes = [
            GinIndex(fields=["vector"], name="search_by_word"),
            GinIndex(fields=["codes"], name="search_by_code"),
        ]

    def __str__(self) -> str:
        return self.title_zh or self.title_en
