"""Money that an award has to give back."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.awards.models.awards import Award, OfAwards
from funding.awards.states import CLAWBACK_MACHINE, ClawbackState
from park_portal.core.invariants import kept
from park_portal.core.money import MAX_FEN, MoneyField

_ALL_BACK = """
    IF NOT EXISTS (
        SELECT 1 FROM core_account a WHERE a.kind = 'award.clawback'
        AND a.subject_type = 'funding.clawback' AND a.subject_id = NEW.id::text
        AND a.credits_posted_fen >= NEW.amount_fen AND a.debits_posted_fen = a.credits_posted_fen
    ) THEN
        RAISE EXCEPTION 'clawback % is not paid back', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'clawback_paid_back_in_the_ledger';
    END IF;
    RETURN NEW;
"""


class Clawback(models.Model):
    """One claim on money that was paid out; what of it has come back is in the ledger."""

    machine = CLAWBACK_MACHINE

    award = models.ForeignKey(
        Award, verbose_name=_("award"), on_delete=models.PROTECT, related_name="clawbacks"
    )
    amount_fen = MoneyField(_("amount"))
    reason = models.CharField(_("reason"), max_length=400)
    due_on = models.DateField(_("to be paid back by"))
    state = models.CharField(
        _("state"), max_length=10, choices=ClawbackState, default=ClawbackState.CLAIMED, editable=False
    )
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("claimed by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        editable=False,
    )
    claimed_at = models.DateTimeField(_("claimed"), default=timezone.now, editable=False)

    objects = OfAwards.as_manager()

    class Meta:
        verbose_name = _("clawback")
        verbose_name_plural = _("clawbacks")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="clawback_amount_positive", condition=Q(amount_fen__gt=0, amount_fen__lte=MAX_FEN)
            )
        ]
        triggers = [
            *CLAWBACK_MACHINE.triggers(),
            pgtrigger.Trigger(
                name="clawback_paid_back_in_the_ledger",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Q(new__state=ClawbackState.RECOVERED),
                func=_ALL_BACK,
            ),
            pgtrigger.ReadOnly(
                name="clawback_terms_fixed",
                fields=["award", "amount_fen", "reason", "due_on", "claimed_by", "claimed_at"],
            ),
            kept("clawback"),
        ]

    def __str__(self) -> str:
        return f"{self.award.number} {self.due_on:%Y-%m-%d}"
