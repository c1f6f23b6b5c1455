from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from park_portal.core.imports.registry import IMPORT_KINDS, ImportKind
from park_portal.core.imports.states import IMPORT_MACHINE, ImportState, RowAction


class ImportBatchQuerySet(models.QuerySet["ImportBatch"]):
    def visible_to(self, user: Any) -> ImportBatchQuerySet:
        """Staff see the imports of the kinds they may run; auditors all of them."""
        if not (user.is_authenticated and user.is_staff):
            return self.none()
        if user.has_perm("core.view_importbatch") and "auditor" in user.roles:
            return self
        return self.filter(kind__in=[name for name, kind in IMPORT_KINDS.items() if user.has_perm(kind.rule)])

    def without_content(self) -> ImportBatchQuerySet:
        """Returns the batches without loading the files themselves and their reports."""
        return self.defer("content", "report")


class ImportBatch(models.Model):
    """One file that was handed in, what checking it found, and what importing it did."""

    machine = IMPORT_MACHINE

    kind = models.CharField(_("kind"), max_length=60)
    file_name = models.CharField(_("file"), max_length=200)
    content = models.BinaryField(editable=False)
    checksum = models.CharField(_("SHA-256"), max_length=64, editable=False)
    options = models.JSONField(_("options"), default=dict, blank=True)
    report = models.JSONField(_("report"), default=dict, blank=True, encoder=DjangoJSONEncoder)
    state = models.CharField(
        _("state"), max_length=10, choices=ImportState, default=IMPORT_MACHINE.initial, editable=False
    )
    rows_created = models.PositiveIntegerField(_("new"), default=0)
    rows_updated = models.PositiveIntegerField(_("changed"), default=0)
    rows_unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("handed in by")
    )
    created_at = models.DateTimeField(_("handed in"), auto_now_add=True)
    applied_at = models.DateTimeField(_("imported"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)

    objects = ImportBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-id"]
        triggers = [*IMPORT_MACHINE.triggers()]

    def __str__(self) -> str:
        return self.file_name

    def get_absolute_url(self) -> str:
        meta = self.definition.model._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_import", args=[self.pk])

    @property
    def definition(self) -> ImportKind:
        return IMPORT_KINDS[self.kind]


class ImportedRow(models.Model):
    """One row that an import created or changed, with what it held before and after, so that it can be undone."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField(_("row"))
    model = models.CharField(max_length=60)
    object_id = models.BigIntegerField()
    label = models.CharField(max_length=200)
    action = models.CharField(max_length=10, choices=RowAction)
    before = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    after = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name = _("imported row")
        verbose_name_plural = _("imported rows")
        ordering = ["batch", "id"]
        indexes = [models.Index(fields=["model", "object_id"], name="imported_row_object")]

    def __str__(self) -> str:
        return self.label
