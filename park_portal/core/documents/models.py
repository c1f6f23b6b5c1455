"""Documents: rows that say what a private file is; the bytes lie in the store under their own hash."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

import pgtrigger
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from park_portal.core.documents.names import ending_of

if TYPE_CHECKING:
    from typing import Self

CONTENT = (
    "public_id",
    "subject_type",
    "subject_id",
    "kind",
    "name",
    "mime",
    "size",
    "sha256",
    "path",
    "version",
    "replaces",
    "uploaded_by",
    "created_at",
)


class DocumentQuerySet(models.QuerySet["Document"]):
    """Documents by what they belong to. Who may read one is decided document by document
    (``services.may_read``).
    """

    def of(self, subject: models.Model) -> Self:
        """Return every document of ``subject``, replaced and removed ones too."""
        return self.filter(subject_type=subject._meta.label_lower, subject_id=str(subject.pk))

    def current(self) -> Self:
        """Return those that were neither replaced nor removed."""
        return self.filter(replaced_by__isnull=True, removed_at__isnull=True)


class Document(models.Model):
    """One version of one private file that belongs to one record."""

    public_id = models.UUIDField(_("address"), default=uuid.uuid4, unique=True, editable=False)
    subject_type = models.CharField(_("record type"), max_length=80)
    subject_id = models.CharField(_("record"), max_length=64)
    kind = models.CharField(_("kind"), max_length=80)
    name = models.CharField(_("file name"), max_length=200)
    mime = models.CharField(_("media type"), max_length=100)
    size = models.BigIntegerField(_("size in bytes"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    path = models.CharField(max_length=200, editable=False)
    version = models.PositiveIntegerField(_("version"), default=1)
    replaces = models.OneToOneField(
        "self",
        verbose_name=_("replaces"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="replaced_by",
    )
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("uploaded by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Empty: the portal itself."),
    )
    created_at = models.DateTimeField(_("uploaded"), default=timezone.now)
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)

    objects: ClassVar[DocumentQuerySet] = DocumentQuerySet.as_manager()  # type: ignore[assignment] # as_manager() is beyond the plugin

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "kind"], name="document_by_subject"),
            models.Index(fields=["sha256"], name="document_by_content"),
        ]
        constraints = [
            models.CheckConstraint(name="document_not_empty", condition=models.Q(size__gt=0)),
            models.CheckConstraint(
                name="document_versions_count_up",
                condition=models.Q(version=1, replaces__isnull=True)
                | models.Q(version__gt=1, replaces__isnull=False),
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="document_content_is_final", fields=list(CONTENT)),
            pgtrigger.Protect(name="document_is_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address that serves the file to whoever may read it."""
        return reverse("document", args=[self.public_id])

    @property
    def extension(self) -> str:
        """The ending of the name, for an icon or a badge."""
        return ending_of(self.name)

    def open(self) -> File:
        """Return the content, open for reading."""
        return default_storage.open(self.path, "rb")
