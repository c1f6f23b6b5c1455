from __future__ import annotations

from typing import Final

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.reviews.states import Unclean
from park_portal.core.documents.models import Document
from park_portal.core.invariants import one_of

# Parts of a file, by the kinds of ``documents.texts.Part``.
PART_NAMES: Final = {
    "page": _("page %(number)s"),
    "slide": _("slide %(number)s"),
    "sheet": _("sheet “%(number)s”"),
    "notes": _("notes"),
    "margin": _("header or footer"),
    "comments": _("comments"),
    "file": _("file “%(number)s”"),
    "text": _("text"),
}


class CleanCopy(models.Model):
    """One file of an application as the reviewers of a double-blind stage get it, or why they cannot."""

    original = models.OneToOneField(
        Document, verbose_name=_("file as sent"), on_delete=models.PROTECT, related_name="clean_copy"
    )
    document = models.OneToOneField(
        Document,
        verbose_name=_("file for reviewers"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="copy_of",
    )
    problem = models.CharField(_("not shown because"), max_length=12, choices=Unclean, blank=True)
    # By which revision of the cleaning it was made; an earlier one is made anew.
    revision = models.PositiveSmallIntegerField(_("revision"), default=1)
    # [{"place": …, "number": …, "kind": …, "text": …}]: where the file's text names the team, for staff only.
    names = models.JSONField(_("names in the text"), default=list, blank=True, encoder=DjangoJSONEncoder)
    unread = models.PositiveIntegerField(_("parts without text"), default=0)
    made_at = models.DateTimeField(_("made"), default=timezone.now)

    class Meta:
        verbose_name = _("file for double-blind review")
        verbose_name_plural = _("files for double-blind review")
        ordering = ["id"]
        constraints = [
            one_of("clean_copy_problem_known", "problem", Unclean, empty=True),
            models.CheckConstraint(
                name="clean_copy_or_reason",
                condition=models.Q(document__isnull=False, problem="")
                | (models.Q(document__isnull=True) & ~models.Q(problem="")),
            ),
            # Never the file itself.
            models.CheckConstraint(
                name="clean_copy_is_another",
                condition=models.Q(document__isnull=True) | ~models.Q(document=models.F("original")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.original_id}: {self.problem or self.document_id}"

    @property
    def places(self) -> list[dict[str, str]]:
        """Where the file's text names the team, in words: ``{"place", "text"}``."""
        return [
            {"place": str(PART_NAMES[one["place"]]) % {"number": one["number"]}, "text": one["text"]}
            for one in self.names
        ]
