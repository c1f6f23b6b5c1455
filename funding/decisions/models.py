from __future__ import annotations

from typing import Any

import pgtrigger
from django.conf import settings
from django.core.validators import MinValueValidator
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
from funding.reviews.rules import barred_from
from park_portal.core.accounts.rules import sees_records
from park_portal.core.documents.models import Document
from park_portal.core.invariants import Agrees, one_of
from park_portal.core.money import MoneyField


class DecisionQuerySet(models.QuerySet["Decision"]):
    def visible_to(self, user: Any) -> DecisionQuerySet:
        """Staff see all, but what is pending of an application that a conflict of interest keeps them from.

        Everyone else sees only what was released of applications they may see.
        """
        if not user.is_authenticated:
            return self.none()
        if sees_records(user):
            return self.exclude(state=DecisionState.PENDING, application_id__in=barred_from(user))
        return self.filter(
            state=DecisionState.RELEASED, application__in=Application.objects.visible_to(user).values("pk")
        )


_APPROVAL_GOES_OUT = pgtrigger.Condition(
    "OLD.state = 'pending' AND NEW.state = 'released' AND NEW.verdict = 'approve'"
)

# Where the call has a public notice, nothing is granted but what stood in one to its end, and no more than stood there.
_AFTER_ITS_NOTICE = """
    IF EXISTS (SELECT 1 FROM funding_stage s JOIN funding_application a ON a.call_id = s.call_id
               WHERE a.id = NEW.application_id AND s.kind = 'notice')
       AND NOT EXISTS (SELECT 1 FROM funding_noticeline l WHERE l.application_id = NEW.application_id
                       AND l.state = 'passed' AND COALESCE(l.amount_fen, NEW.amount_fen) >= NEW.amount_fen) THEN
        RAISE EXCEPTION 'the public notice of application % is not over', NEW.application_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'decision_after_its_notice';
    END IF;
    RETURN NEW;
"""

# The call is held, so that two releases at once do not each see the other's money as free. What a lapsed award gave
# back is free again.
_WITHIN_THE_BUDGET = """
    SELECT c.* INTO held FROM funding_call c JOIN funding_application a ON a.call_id = c.id
        WHERE a.id = NEW.application_id FOR NO KEY UPDATE OF c;
    SELECT COALESCE(SUM(d.amount_fen), 0) INTO spent FROM funding_decision d
        JOIN funding_application a ON a.id = d.application_id LEFT JOIN funding_award w ON w.application_id = a.id
        WHERE a.call_id = held.id AND d.state = 'released' AND d.verdict = 'approve' AND d.id <> NEW.id
        AND w.state IS DISTINCT FROM 'lapsed';
    IF held.budget_fen IS NOT NULL AND spent + NEW.amount_fen > held.budget_fen THEN
        RAISE EXCEPTION 'call % has no budget left for application %', held.code, NEW.application_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'decision_within_the_budget';
    END IF;
    RETURN NEW;
"""


class Decision(models.Model):
    """One verdict on one application, hidden until it is released."""

    machine = DECISION_MACHINE

    application = models.ForeignKey(
        Application, verbose_name=_("application"), on_delete=models.PROTECT, related_name="decisions"
    )
    verdict = models.CharField(_("verdict"), max_length=8, choices=Verdict)
    amount_fen = MoneyField(_("amount granted"), null=True, blank=True)
    amount_reason = models.TextField(_("why less than asked for"), max_length=1000, blank=True, db_default="")
    # Of a reserve: its place on the list, counted from 1. Empty for those released before the list had an order.
    reserve_place = models.SmallIntegerField(
        _("place on the reserve list"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
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
            models.CheckConstraint(
                name="decision_place_of_a_reserve",
                condition=models.Q(reserve_place__isnull=True)
                | models.Q(verdict="reserve", reserve_place__gte=1),
            ),
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
                    "OLD.state = 'pending' AND (OLD.verdict, OLD.amount_fen, OLD.amount_reason, OLD.conditions, "
                    "OLD.comment_applicant) IS DISTINCT FROM (NEW.verdict, NEW.amount_fen, NEW.amount_reason, "
                    "NEW.conditions, NEW.comment_applicant)"
                ),
                func=(
                    "IF EXISTS (SELECT 1 FROM funding_letter WHERE decision_id = NEW.id) THEN "
                    "RAISE EXCEPTION 'decision % has a letter that says otherwise', NEW.id "
                    "USING ERRCODE = 'check_violation'; END IF; RETURN NEW;"
                ),
            ),
            pgtrigger.Trigger(
                name="decision_after_its_notice",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=_APPROVAL_GOES_OUT,
                func=_AFTER_ITS_NOTICE,
            ),
            pgtrigger.Trigger(
                name="decision_within_the_budget",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=_APPROVAL_GOES_OUT,
                declare=[("held", "funding_call%ROWTYPE"), ("spent", "bigint")],
                func=_WITHIN_THE_BUDGET,
            ),
            pgtrigger.Protect(
                name="decision_released_fixed",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__state="released"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application.number}: {self.get_verdict_display()}"


class Placement(models.Model):
    """One application that staff put at a place of the ranked table by hand; the others keep their order around it."""

    call = models.ForeignKey(
        Call, verbose_name=_("call"), on_delete=models.PROTECT, related_name="placements"
    )
    application = models.OneToOneField(
        Application, verbose_name=_("application"), on_delete=models.PROTECT, related_name="placement"
    )
    place = models.SmallIntegerField(_("place"), validators=[MinValueValidator(1)])
    reason = models.TextField(_("reason"), max_length=1000)
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("placed by"), on_delete=models.PROTECT, related_name="+"
    )
    placed_at = models.DateTimeField(_("placed"), default=timezone.now)

    class Meta:
        verbose_name = _("place by hand")
        verbose_name_plural = _("places by hand")
        ordering = ["call", "place"]
        constraints = [
            # At the end of the transaction, for places are exchanged.
            models.UniqueConstraint(
                fields=["call", "place"], name="placement_place_once", deferrable=models.Deferrable.DEFERRED
            ),
            models.CheckConstraint(name="placement_from_one", condition=models.Q(place__gte=1)),
            models.CheckConstraint(name="placement_has_reason", condition=~models.Q(reason="")),
        ]
        triggers = [
            Agrees(name="placement_of_its_call", same={"application.call": "call"}),
            pgtrigger.ReadOnly(name="placement_application_fixed", fields=["call", "application"]),
        ]

    def __str__(self) -> str:
        return f"{self.place}. {self.application}"


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
        """Staff see all, but of an application that a conflict of interest keeps them from; else as decisions."""
        if not user.is_authenticated:
            return self.none()
        if sees_records(user):
            return self.exclude(
                ~models.Q(state=LetterState.RELEASED), decision__application_id__in=barred_from(user)
            )
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
