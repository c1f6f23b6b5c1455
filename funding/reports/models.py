"""Reports of awards, and what was spent: each expense with its receipt."""

from __future__ import annotations

from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from funding.awards.models import Award, BudgetCategory
from funding.awards.models.awards import OfAwards
from funding.reports.states import OPEN, REPORT_MACHINE, ReportKind, ReportState
from park_portal.core.documents.models import Document
from park_portal.core.invariants import Agrees, one_of
from park_portal.core.money import MAX_FEN, MoneyField

# What the grantee writes.
TEXTS = ("progress", "results", "technical_evidence", "market_evidence", "problems", "next_steps")
_TEXTS_CHANGED = " OR ".join(f"OLD.{name} <> NEW.{name}" for name in TEXTS)


def label_of(name: str) -> Any:
    """Return the label of one of ``TEXTS``."""
    field: Any = Report._meta.get_field(name)
    return field.verbose_name


class Report(models.Model):
    """One report on a period of an award: written by the grantee, returned or accepted by the park."""

    machine = REPORT_MACHINE

    award = models.ForeignKey(
        Award, verbose_name=_("award"), on_delete=models.PROTECT, related_name="reports"
    )
    kind = models.CharField(_("kind of report"), max_length=8, choices=ReportKind)
    number = models.SmallIntegerField(_("number"))
    period_from = models.DateField(_("period from"))
    period_to = models.DateField(_("period to"))
    due_on = models.DateField(_("due"))
    state = models.CharField(
        _("state"), max_length=10, choices=ReportState, default=ReportState.DUE, editable=False
    )
    progress = models.TextField(pgettext_lazy("report", "what was done"), max_length=6000, blank=True)
    results = models.TextField(pgettext_lazy("report", "what came of it"), max_length=6000, blank=True)
    technical_evidence = models.TextField(_("technical evidence"), max_length=6000, blank=True)
    market_evidence = models.TextField(_("market evidence"), max_length=6000, blank=True)
    problems = models.TextField(_("problems"), max_length=6000, blank=True)
    next_steps = models.TextField(_("next steps"), max_length=6000, blank=True)
    trl_now = models.SmallIntegerField(_("TRL now"), null=True, blank=True)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("sent by"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    submitted_at = models.DateTimeField(_("sent"), null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("read by"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    decided_at = models.DateTimeField(_("read"), null=True, blank=True, editable=False)
    answer = models.CharField(_("answer"), max_length=1000, blank=True, editable=False)

    objects = OfAwards.as_manager()

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering = ["due_on", "id"]
        constraints = [
            models.UniqueConstraint(name="report_numbered", fields=["award", "number"]),
            models.UniqueConstraint(
                name="report_one_final", fields=["award"], condition=Q(kind=ReportKind.FINAL)
            ),
            one_of("report_kind_known", "kind", ReportKind),
            models.CheckConstraint(
                name="report_period_in_order", condition=Q(period_to__gte=F("period_from"))
            ),
            models.CheckConstraint(
                name="report_trl_possible",
                condition=Q(trl_now__isnull=True) | Q(trl_now__gte=1, trl_now__lte=9),
            ),
            models.CheckConstraint(
                name="report_sent_whole",
                condition=~Q(state__in=[ReportState.SUBMITTED, ReportState.ACCEPTED])
                | (
                    Q(submitted_at__isnull=False, trl_now__isnull=False)
                    & ~Q(progress="")
                    & ~Q(technical_evidence="")
                    & ~Q(market_evidence="")
                ),
            ),
            models.CheckConstraint(
                name="report_decided_by_another",
                condition=Q(decided_by__isnull=True)
                | Q(submitted_by__isnull=True)
                | ~Q(decided_by=F("submitted_by")),
            ),
            models.CheckConstraint(
                name="report_accepted_at_a_time",
                condition=~Q(state=ReportState.ACCEPTED) | Q(decided_at__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["state", "due_on"], name="report_by_due")]
        triggers = [
            *REPORT_MACHINE.triggers(),
            pgtrigger.Protect(
                name="report_texts_fixed",
                operation=pgtrigger.UpdateOf(*TEXTS, "trl_now"),
                condition=pgtrigger.Condition(
                    "OLD.state IN ('submitted', 'accepted') AND "
                    f"({_TEXTS_CHANGED} OR OLD.trl_now IS DISTINCT FROM NEW.trl_now)"
                ),
            ),
            pgtrigger.Protect(
                name="report_kept_once_sent",
                operation=pgtrigger.Delete,
                condition=~pgtrigger.Q(old__state=ReportState.DUE),
            ),
            pgtrigger.ReadOnly(name="report_identity_fixed", fields=["award", "kind", "number"]),
        ]

    def __str__(self) -> str:
        return f"{self.award.number} {self.get_kind_display()} {self.number}"

    def get_absolute_url(self) -> str:
        return reverse("reports:detail", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def is_overdue(self) -> bool:
        return self.is_open and self.due_on < timezone.localdate()


_WHILE_OPEN = """
    IF EXISTS (SELECT 1 FROM funding_report r WHERE r.id = coalesce(NEW.report_id, OLD.report_id)
               AND r.state NOT IN ('due', 'returned')) THEN
        RAISE EXCEPTION 'expenses of report % are fixed', coalesce(NEW.report_id, OLD.report_id)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'expense_while_report_is_open';
    END IF;
    RETURN coalesce(NEW, OLD);
"""

_EXPLAINED = """
    IF EXISTS (SELECT 1 FROM funding_expense e WHERE e.receipt_sha256 = NEW.receipt_sha256 AND e.id <> NEW.id) THEN
        RAISE EXCEPTION 'the receipt of expense % was used before', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'expense_receipt_once_or_explained';
    END IF;
    RETURN NULL;
"""


class Expense(models.Model):
    """One expense of a report: what for, out of which budget category, and the receipt."""

    report = models.ForeignKey(
        Report, verbose_name=_("report"), on_delete=models.CASCADE, related_name="expenses"
    )
    category = models.ForeignKey(
        BudgetCategory, verbose_name=_("budget category"), on_delete=models.PROTECT, related_name="expenses"
    )
    spent_on = models.DateField(_("spent on"))
    payee = models.CharField(_("paid to"), max_length=120)
    purpose = models.CharField(_("what for"), max_length=200)
    amount_fen = MoneyField(_("amount"))
    receipt = models.ForeignKey(
        Document, verbose_name=_("receipt"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    receipt_sha256 = models.CharField(
        _("SHA-256 of the receipt"), max_length=64, editable=False, db_index=True
    )
    duplicate_note = models.CharField(_("why the receipt is used again"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    objects = OfAwards.over("report__award")

    class Meta:
        verbose_name = _("expense")
        verbose_name_plural = _("expenses")
        ordering = ["spent_on", "id"]
        constraints = [
            models.CheckConstraint(
                name="expense_amount_positive", condition=Q(amount_fen__gt=0, amount_fen__lte=MAX_FEN)
            ),
        ]
        triggers = [
            Agrees(name="expense_of_its_award", same={"category.award": "report.award"}),
            pgtrigger.Trigger(
                name="expense_while_report_is_open",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                func=_WHILE_OPEN,
            ),
            # The same receipt may cover two expenses, but nobody uses it twice without saying why.
            pgtrigger.Trigger(
                name="expense_receipt_once_or_explained",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("duplicate_note"),
                condition=pgtrigger.Q(new__duplicate_note=""),
                func=_EXPLAINED,
            ),
            pgtrigger.ReadOnly(
                name="expense_identity_fixed", fields=["report", "category", "receipt", "receipt_sha256"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.spent_on} {self.purpose}"
