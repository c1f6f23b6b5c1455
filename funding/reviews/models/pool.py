from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from stdnum.iso7064 import mod_11_2

from funding.reviews.states import ReviewerKind
from incubator.organisations.models import Faculty, Organisation, faculty_of_its_university
from incubator.organisations.names import normalise_name
from park_portal.core.accounts.rules import sees_records
from park_portal.core.invariants import one_of

EARLIEST_YEAR, LATEST_YEAR = 1900, 2100
LONGEST_STATEMENT = 4000


def check_orcid(value: str) -> None:
    """Refuse what is not an ORCID iD: sixteen digits in fours, the last one a check digit (ISO 7064 MOD 11-2)."""
    digits = value.replace("-", "")
    if (
        len(value) != 19
        or not digits.isascii()
        or not digits[:15].isdecimal()
        or not mod_11_2.is_valid(digits)
    ):
        raise ValidationError(
            gettext("This is not an ORCID iD. It has sixteen digits, such as 0000-0002-1825-0097.")
        )


class ReviewerQuerySet(models.QuerySet["Reviewer"]):
    def visible_to(self, user: Any) -> ReviewerQuerySet:
        """Staff see the pool; a reviewer sees their own entry."""
        if not user.is_authenticated:
            return self.none()
        return self if sees_records(user) else self.filter(user_id=user.pk)

    def active(self) -> ReviewerQuerySet:
        return self.filter(active=True, user__is_active=True)


class Reviewer(models.Model):
    """One expert of the pool: where they work, what they know, how much they take on."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, verbose_name=_("person"), on_delete=models.CASCADE, related_name="reviewer"
    )
    institution = models.CharField(_("institution"), max_length=200, blank=True)
    organisation = models.ForeignKey(
        Organisation,
        verbose_name=_("employer on file"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    title = models.CharField(pgettext_lazy("person", "title"), max_length=80, blank=True)
    # What tells the institution apart, as for organisations: the database compares it with theirs.
    institution_key = models.CharField(
        _("institution as compared"), max_length=200, editable=False, blank=True, db_default=""
    )
    keywords = ArrayField(
        models.CharField(max_length=60), verbose_name=_("keywords"), default=list, blank=True
    )
    statement = models.TextField(
        _("own words"), blank=True, max_length=LONGEST_STATEMENT, db_default="", default=""
    )
    kind = models.CharField(
        _("looks from"), max_length=10, choices=ReviewerKind, blank=True, default="", db_default=""
    )
    orcid = models.CharField(
        "ORCID", max_length=19, blank=True, default="", db_default="", validators=[check_orcid]
    )
    faculty = models.ForeignKey(
        Faculty,
        verbose_name=_("faculty"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    capacity = models.PositiveSmallIntegerField(_("reviews at a time"), default=6)
    active = models.BooleanField(_("available"), default=True)
    created_at = models.DateTimeField(_("since"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now, db_default=Now())

    objects = ReviewerQuerySet.as_manager()

    class Meta:
        verbose_name = _("expert reviewer")
        verbose_name_plural = _("expert reviewers")
        ordering = ["user__name", "id"]
        constraints = [
            one_of("reviewer_kind_known", "kind", ReviewerKind, empty=True),
            models.CheckConstraint(
                name="reviewer_orcid_form",
                condition=models.Q(orcid="") | models.Q(orcid__regex=r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$"),
            ),
            models.UniqueConstraint(
                fields=["orcid"],
                condition=~models.Q(orcid=""),
                name="reviewer_orcid_once",
                violation_error_message=_("Somebody else of the pool has this ORCID iD."),
            ),
        ]
        triggers = [faculty_of_its_university("reviewer")]

    def __str__(self) -> str:
        return self.user.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.institution_key = normalise_name(self.institution)[:200]
        fields = kwargs.get("update_fields")
        if fields is not None and "institution" in fields:
            kwargs["update_fields"] = {*fields, "institution_key"}
        super().save(*args, **kwargs)


class PublicationQuerySet(models.QuerySet["Publication"]):
    def visible_to(self, user: Any) -> PublicationQuerySet:
        """Staff see those of the pool; a reviewer sees their own."""
        if not user.is_authenticated:
            return self.none()
        return self if sees_records(user) else self.filter(reviewer__user_id=user.pk)


class Publication(models.Model):
    """One paper, book or patent of a reviewer: what they know is read from it, and with whom they wrote it."""

    reviewer = models.ForeignKey(
        Reviewer, verbose_name=_("expert reviewer"), on_delete=models.CASCADE, related_name="publications"
    )
    title = models.CharField(_("title"), max_length=500)
    abstract = models.TextField(_("abstract"), max_length=10_000, blank=True)
    authors = ArrayField(
        models.CharField(max_length=120), verbose_name=_("authors"), default=list, blank=True, size=200
    )
    year = models.SmallIntegerField(
        _("year"),
        null=True,
        blank=True,
        validators=[MinValueValidator(EARLIEST_YEAR), MaxValueValidator(LATEST_YEAR)],
    )
    source = models.CharField(pgettext_lazy("publication", "published in"), max_length=300, blank=True)
    doi = models.CharField("DOI", max_length=200, blank=True)
    created_at = models.DateTimeField(_("entered"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now)

    objects = PublicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("publication")
        verbose_name_plural = _("publications")
        ordering = ["-year", "-id"]
        constraints = [
            models.UniqueConstraint(
                "reviewer",
                Lower("title"),
                name="publication_title_once",
                violation_error_message=_("This publication is already on the list."),
            ),
            models.UniqueConstraint(
                "reviewer",
                Lower("doi"),
                condition=~models.Q(doi=""),
                name="publication_doi_once",
                violation_error_message=_("A publication with this DOI is already on the list."),
            ),
            models.CheckConstraint(
                name="publication_year_in_range",
                condition=models.Q(year__isnull=True) | models.Q(year__range=(EARLIEST_YEAR, LATEST_YEAR)),
            ),
            models.CheckConstraint(name="publication_has_title", condition=~models.Q(title="")),
        ]

    def __str__(self) -> str:
        return self.title
