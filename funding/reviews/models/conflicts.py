from __future__ import annotations

from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from funding.applications.models import Application
from funding.reviews.states import (
    CONFLICT_MACHINE,
    MATCHED_BY,
    ConflictKind,
    ConflictSource,
    ConflictState,
)
from incubator.organisations.merging import moves_only_by_merge
from incubator.organisations.models import Faculty, Organisation, faculty_of_its_university
from park_portal.core.accounts.rules import sees_records
from park_portal.core.invariants import one_of

_KEPT_AS_DECLARED = """
    IF TG_OP = 'UPDATE' THEN
        IF (OLD.state, OLD.expires_on) IS NOT DISTINCT FROM (NEW.state, NEW.expires_on) THEN RETURN NEW; END IF;
    END IF;
    RAISE EXCEPTION 'what % declared of themselves is kept', OLD.person_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'conflict_declared_is_kept';
"""
_NO_NAME = Q(other_name="", other_email="", other_orcid="")


class ConflictQuerySet(models.QuerySet["Conflict"]):
    def visible_to(self, user: Any) -> ConflictQuerySet:
        """Staff see all; people what they said of themselves."""
        if not user.is_authenticated:
            return self.none()
        return self if sees_records(user) else self.filter(person_id=user.pk, recorded_by_id=user.pk)

    def standing(self) -> ConflictQuerySet:
        """Return what bars today."""
        today = timezone.localdate()
        return self.filter(
            Q(expires_on__isnull=True) | Q(expires_on__gte=today), state=ConflictState.STANDING
        )

    def possible(self) -> ConflictQuerySet:
        """Return what staff have to look at."""
        return self.filter(state=ConflictState.POSSIBLE)


class Conflict(models.Model):
    """One tie of a person to another person, an organisation or an application that may forbid a review."""

    machine = CONFLICT_MACHINE

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("person"), on_delete=models.CASCADE, related_name="conflicts"
    )
    application = models.ForeignKey(
        Application,
        verbose_name=_("application"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="conflicts",
    )
    organisation = models.ForeignKey(
        Organisation,
        verbose_name=_("organisation"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="conflicts",
    )
    faculty = models.ForeignKey(
        Faculty,
        verbose_name=_("faculty"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    other = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("the other person"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="conflicts_of_others",
    )
    other_name = models.CharField(_("name of the other person"), max_length=100, blank=True, db_default="")
    other_email = models.EmailField(_("e-mail of the other person"), blank=True, db_default="")
    other_orcid = models.CharField(_("ORCID of the other person"), max_length=19, blank=True, db_default="")
    kind = models.CharField(_("kind"), max_length=16, choices=ConflictKind)
    source = models.CharField(
        _("source"),
        max_length=12,
        choices=ConflictSource,
        default=ConflictSource.STAFF,
        db_default=ConflictSource.STAFF,
    )
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=ConflictState,
        default=ConflictState.POSSIBLE,
        db_default=ConflictState.POSSIBLE,
        editable=False,
    )
    note = models.CharField(_("note"), max_length=400, blank=True)
    since = models.DateField(pgettext_lazy("tie", "since"), null=True, blank=True)
    expires_on = models.DateField(
        _("counts until"), null=True, blank=True, help_text=_("Empty: until it is taken back.")
    )
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("recorded by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    recorded_at = models.DateTimeField(_("recorded"), default=timezone.now)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("decided by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)

    objects = ConflictQuerySet.as_manager()

    class Meta:
        verbose_name = _("conflict of interest")
        verbose_name_plural = _("conflicts of interest")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["person", "application", "kind"], name="conflict_once"),
            models.UniqueConstraint(
                fields=["person", "organisation", "kind", "since"],
                condition=Q(organisation__isnull=False),
                nulls_distinct=False,
                name="conflict_with_organisation_once",
            ),
            models.UniqueConstraint(
                fields=["person", "other", "kind"],
                condition=Q(other__isnull=False),
                name="conflict_with_person_once",
            ),
            models.CheckConstraint(
                name="conflict_has_one_end",
                condition=Q(
                    _NO_NAME, application__isnull=False, organisation__isnull=True, other__isnull=True
                )
                | Q(_NO_NAME, application__isnull=True, organisation__isnull=False, other__isnull=True)
                | Q(_NO_NAME, application__isnull=True, organisation__isnull=True, other__isnull=False)
                | Q(~_NO_NAME, application__isnull=True, organisation__isnull=True, other__isnull=True),
            ),
            models.CheckConstraint(
                name="conflict_not_with_oneself",
                condition=Q(other__isnull=True) | ~Q(other=models.F("person")),
            ),
            models.CheckConstraint(
                name="conflict_dates_in_order",
                condition=Q(since__isnull=True)
                | Q(expires_on__isnull=True)
                | Q(expires_on__gte=models.F("since")),
                violation_error_message=_("The end lies before the start."),
            ),
            one_of("conflict_kind_known", "kind", ConflictKind),
            one_of("conflict_source_known", "source", ConflictSource),
        ]
        indexes = [
            models.Index(fields=["state", "-id"], name="conflict_by_state"),
            models.Index(Lower("other_email"), name="conflict_by_email", condition=~Q(other_email="")),
            models.Index(fields=["other_orcid"], name="conflict_by_orcid", condition=~Q(other_orcid="")),
        ]
        triggers = [
            *CONFLICT_MACHINE.triggers(),
            # Its organisation moves with a merger, its faculty with the university's.
            pgtrigger.ReadOnly(
                name="conflict_identity_fixed",
                fields=["person", "application", "other", "kind", "source", "recorded_by"],
            ),
            # What somebody declared of themselves on an application, staff do not take back.
            pgtrigger.Trigger(
                name="conflict_declared_is_kept",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Condition(
                    "OLD.recorded_by_id = OLD.person_id AND OLD.application_id IS NOT NULL AND OLD.state = 'standing'"
                ),
                func=_KEPT_AS_DECLARED,
            ),
            moves_only_by_merge("conflict"),
            faculty_of_its_university("conflict"),
        ]

    def __str__(self) -> str:
        return f"{self.person} · {self.end}: {self.get_kind_display()}"

    @property
    def end(self) -> str:
        """What the person is tied to, in words."""
        if self.application is not None:
            return str(self.application)
        if self.organisation is not None:
            return str(self.faculty or self.organisation)
        return str(self.other or self.other_name or self.other_email or self.other_orcid)

    @property
    def note_text(self) -> str:
        """The note as it is read: what a match rests on in the reader's language, else a person's own words."""
        code, colon, name = self.note.partition(":")
        return f"{MATCHED_BY[code]}: {name}" if colon and code in MATCHED_BY else self.note

    @property
    def is_expired(self) -> bool:
        return self.expires_on is not None and self.expires_on < timezone.localdate()
