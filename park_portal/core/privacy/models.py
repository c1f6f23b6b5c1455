from __future__ import annotations

from typing import Any

import pgtrigger
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from park_portal.core.accounts.models import User
from park_portal.core.personal import CONSENTS
from park_portal.core.privacy.rules import is_data_officer
from park_portal.core.privacy.states import REQUEST_MACHINE, RequestKind, RequestState


class DataRequestQuerySet(models.QuerySet["DataRequest"]):
    def visible_to(self, user: Any) -> DataRequestQuerySet:
        """Everyone sees their own; who deals with them, all."""
        if not user.is_authenticated:
            return self.none()
        return self if is_data_officer(user) else self.filter(person_id=user.pk)


class DataRequest(models.Model):
    """One thing that a person asked the park to do with their data, until when it is answered, and how it was."""

    machine = REQUEST_MACHINE

    person = models.ForeignKey(
        User, verbose_name=_("person"), on_delete=models.PROTECT, related_name="data_requests"
    )
    kind = models.CharField(_("what is asked"), max_length=12, choices=RequestKind)
    text = models.TextField(_("in the person’s words"), max_length=4000, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=RequestState, default=RequestState.OPEN)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    due_on = models.DateField(_("answer by"))
    answer = models.TextField(pgettext_lazy("data request", "answer"), max_length=4000, blank=True)
    answered_by = models.ForeignKey(
        User, verbose_name=_("answered by"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)

    objects = DataRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("data request")
        verbose_name_plural = _("data requests")
        ordering = ["-id"]
        indexes = [models.Index(fields=["state", "due_on"], name="data_request_due")]
        constraints = [
            models.UniqueConstraint(
                fields=["person"],
                condition=models.Q(state="open", kind="erasure"),
                name="data_request_one_erasure",
            ),
            models.CheckConstraint(
                name="data_request_answered_has_time",
                condition=models.Q(state__in=["done", "refused"], answered_at__isnull=False)
                | models.Q(state__in=["open", "withdrawn"], answered_at__isnull=True),
            ),
        ]
        triggers = [
            *REQUEST_MACHINE.triggers(),
            # An erasure that was asked for by one person never becomes that of another.
            pgtrigger.ReadOnly(name="data_request_identity_fixed", fields=["person", "kind", "asked_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("my-data")


class ConsentQuerySet(models.QuerySet["Consent"]):
    def visible_to(self, user: Any) -> ConsentQuerySet:
        """Everyone sees their own alone."""
        return self.filter(person_id=user.pk) if user.is_authenticated else self.none()

    def in_force(self) -> ConsentQuerySet:
        """Those that were given to the text as it stands now and are not withdrawn."""
        current = models.Q(pk__in=[])
        for purpose in CONSENTS.values():
            current |= models.Q(purpose=purpose.name, version=purpose.version)
        return self.filter(current, withdrawn_at__isnull=True)


class Consent(models.Model):
    """One consent of one person to one purpose, with the text as it was shown, given and perhaps withdrawn."""

    person = models.ForeignKey(
        User, verbose_name=_("person"), on_delete=models.PROTECT, related_name="consents"
    )
    purpose = models.CharField(_("to what"), max_length=40)
    version = models.PositiveSmallIntegerField(_("version of the text"))
    text = models.JSONField(_("text as shown"), default=dict)
    given_at = models.DateTimeField(pgettext_lazy("consent", "given"), default=timezone.now)
    withdrawn_at = models.DateTimeField(pgettext_lazy("consent", "withdrawn"), null=True, blank=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "purpose"],
                condition=models.Q(withdrawn_at__isnull=True),
                name="consent_once_in_force",
            ),
            models.CheckConstraint(
                name="consent_withdrawn_after_given",
                condition=models.Q(withdrawn_at__isnull=True)
                | models.Q(withdrawn_at__gte=models.F("given_at")),
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="consent_given_fixed", fields=["person", "purpose", "version", "text", "given_at"]
            )
        ]

    def __str__(self) -> str:
        known = CONSENTS.get(self.purpose)
        return str(known.label) if known else self.purpose

    @property
    def text_shown(self) -> str:
        """The text that was agreed to, in the language being read."""
        return self.text.get(get_language() or "") or next(iter(self.text.values()), "")
