from __future__ import annotations

from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.applications.models import Application
from funding.calls.models import Call
from funding.decisions.states import (
    DECISION_MACHINE,
    LETTER_MACHINE,
    DecisionState,
    LetterState,
    Verdict,
)
from park_portal.core.accounts.rules import sees_records
from park_portal.core.documents.models import Document
from park_portal.core.invariants import one_of
from park_portal.core.money import MoneyField


class DecisionQuerySet(models.QuerySet["Decision"]):
    def visible_to(self, user: Any) -> DecisionQuerySet:
        """Staff see all; everyone else only what was released of applications they may see."""
        if not user.is_authenticated:
            return self.none()
        if sees_records(user):
            return self
        return self.filter(
            state=DecisionState.RELEASED, application__in=Application.objects.visible_to(user).values("pk")
        )


class Decision(models.Model):
    """One verdict on one application, hidden until it is released."""

    machine = DECISION_MACHINE

    application = models.ForeignKey(
        Application, verbose_name=_("application"), on_delete=models.PROTECT, related_name="decisions"
    )
    verdict = models.CharField(_("verdict"), max_length=8, choices=Verdict)
    amount_fen = MoneyField(_("amount granted"), null=True, blank=True)
    conditions = models.TextField(_("conditions"), max_length=4000, blank=True)
    comment_applicant = models.TextField(_("for the applicant"), max_length=8000, blank=True)
    note = models.TextField(_("internal note"), max_length=4000, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=DecisionState, default=DecisionState.PENDING)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("decided by"), on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided"), default=timezone.now)
    released_at = models.DateTimeField(_("released at"), null=True, blank=True)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["application"], condition=models.Q(state="pending"), name="decision_pending_once"
            ),
            models.CheckConstraint(
                name="decision_amount_when_approved",
                condition=(models.Q(verdict="approve", amount_fen__isnull=False, amount_fen__gt=0))
                | (~models.Q(verdict="approve") & models.Q(amount_fen__isnull=True)),
                violation_error_message=_("An approval needs an amount; nothing else has one."),
            ),
            models.CheckConstraint(
                name="decision_released_has_time",
                condition=models.Q(state="released", released_at__isnull=False)
                | models.Q(state="pending", released_at__isnull=True),
            ),
            one_of("decision_verdict_known", "verdict", Verdict),
        ]
        triggers = [
            *DECISION_MACHINE.triggers(),
            pgtrigger.ReadOnly(name="decision_application_fixed", fields=["application"]),
            # A letter says what was decided: who decides otherwise throws it away first.
            pgtrigger.Trigger(
                name="decision_in_a_letter_fixed",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.state = 'pending' AND (OLD.verdict, OLD.amount_fen, OLD.conditions, OLD.comment_applicant) "
                    "IS DISTINCT FROM (NEW.verdict, NEW.amount_fen, NEW.conditions, NEW.comment_applicant)"
                ),
                func=(
                    "IF EXISTS (SELECT 1 FROM funding_letter WHERE decision_id = NEW.id) THEN "
                    "RAISE EXCEPTION 'decision % has a letter that says otherwise', NEW.id "
                    "USING ERRCODE = 'check_violation'; END IF; RETURN NEW;"
                ),
            ),
            pgtrigger.Protect(
                name="decision_released_fixed",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__state="released"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application.number}: {self.get_verdict_display()}"


class LetterTemplate(models.Model):
    """The text of the letters of one verdict, for one call or (without a call) for all."""

    call = models.ForeignKey(
        Call,
        verbose_name=_("call"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="letter_templates",
        help_text=_("Empty: every call without one of its own."),
    )
    verdict = models.CharField(_("verdict"), max_length=8, choices=Verdict)
    subject = models.CharField(_("subject"), max_length=200)
    body = models.TextField(_("text"), max_length=10000)

    class Meta:
        verbose_name = _("letter template")
        verbose_name_plural = _("letter templates")
        ordering = ["verdict", "call"]
        constraints = [
            models.UniqueConstraint(
                fields=["call", "verdict"], nulls_distinct=False, name="letter_template_once"
            ),
            one_of("letter_template_verdict_known", "verdict", Verdict),
        ]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} · {self.call.code if self.call else _('all calls')}"


class LetterQuerySet(models.QuerySet["Letter"]):
    def visible_to(self, user: Any) -> LetterQuerySet:
        """Staff see all; everyone else only released letters of applications they may see."""
        if not user.is_authenticated:
            return self.none()
        if sees_records(user):
            return self
        return self.filter(
            state=LetterState.RELEASED,
            decision__application__in=Application.objects.visible_to(user).values("pk"),
        )


class Letter(models.Model):
    """One letter that tells an applicant a verdict, in both languages, checked before it goes out."""

    machine = LETTER_MACHINE

    decision = models.OneToOneField(
        Decision, verbose_name=_("decision"), on_delete=models.PROTECT, related_name="letter"
    )
    subject = models.JSONField(_("subject"), default=dict)
    body = models.JSONField(_("text"), default=dict)
    state = models.CharField(_("state"), max_length=8, choices=LetterState, default=LetterState.DRAFT)
    document = models.ForeignKey(
        Document, verbose_name=_("PDF"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("checked by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    checked_at = models.DateTimeField(_("checked at"), null=True, blank=True)
    released_at = models.DateTimeField(_("released at"), null=True, blank=True)

    objects = LetterQuerySet.as_manager()

    class Meta:
        verbose_name = _("letter")
        verbose_name_plural = _("letters")
        ordering = ["-id"]
        triggers = [
            *LETTER_MACHINE.triggers(),
            pgtrigger.ReadOnly(name="letter_decision_fixed", fields=["decision"]),
            # What was read and found right is what goes out.
            pgtrigger.Protect(
                name="letter_checked_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state="checked")
                & (
                    pgtrigger.Q(old__subject__df=pgtrigger.F("new__subject"))
                    | pgtrigger.Q(old__body__df=pgtrigger.F("new__body"))
                    | pgtrigger.Q(old__document__df=pgtrigger.F("new__document"))
                ),
            ),
            pgtrigger.Trigger(
                name="letter_waits_for_its_decision",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(new__state="released") & ~pgtrigger.Q(old__state="released"),
                func=(
                    "IF NOT EXISTS (SELECT 1 FROM funding_decision WHERE id = NEW.decision_id AND state = 'released') "
                    "THEN RAISE EXCEPTION 'the decision of letter % is not released', NEW.id "
                    "USING ERRCODE = 'check_violation'; END IF; RETURN NEW;"
                ),
            ),
            pgtrigger.Protect(
                name="letter_released_fixed",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__state="released"),
            ),
        ]

    def __str__(self) -> str:
        return str(self.decision)
