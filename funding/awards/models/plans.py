"""What an award's money is for and when it is paid: budget categories, milestones, tranches."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.awards.models.agreements import TRL_RANGE, adds_up
from funding.awards.models.awards import Award, OfAwards
from funding.awards.states import MILESTONE_MACHINE, CategoryKind, MilestoneState
from park_portal.core.audit.models import append_only
from park_portal.core.documents.models import Document
from park_portal.core.invariants import Agrees, one_of
from park_portal.core.money import MAX_FEN, MoneyField


class BudgetCategory(models.Model):
    """One budget category of an award: what was planned for it, and what is meant for it now."""

    award = models.ForeignKey(
        Award, verbose_name=_("award"), on_delete=models.PROTECT, related_name="categories"
    )
    kind = models.CharField(_("budget category"), max_length=12, choices=CategoryKind)
    planned_fen = MoneyField(_("planned"), default=0, editable=False)
    amount_fen = MoneyField(_("amount"))

    objects = OfAwards.as_manager()

    class Meta:
        verbose_name = _("budget category")
        verbose_name_plural = _("budget categories")
        ordering = ["award_id", "id"]
        constraints = [
            models.UniqueConstraint(name="budget_category_once", fields=["award", "kind"]),
            models.CheckConstraint(
                name="budget_category_amount_possible",
                condition=Q(amount_fen__gte=0, amount_fen__lte=MAX_FEN, planned_fen__gte=0),
            ),
            one_of("budget_category_kind_known", "kind", CategoryKind),
        ]
        triggers = [
            adds_up("budget_category_adds_up", pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.ReadOnly(name="budget_category_identity_fixed", fields=["award", "kind"]),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()


class BudgetShift(models.Model):
    """One shift of budget from one category of an award to another, within what is allowed."""

    award = models.ForeignKey(
        Award, verbose_name=_("award"), on_delete=models.PROTECT, related_name="budget_shifts"
    )
    source = models.ForeignKey(
        BudgetCategory,
        verbose_name=_("from"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    target = models.ForeignKey(
        BudgetCategory, verbose_name=_("to"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    amount_fen = MoneyField(_("amount"))
    reason = models.CharField(_("reason"), max_length=400)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    at = models.DateTimeField(_("when"), default=timezone.now)

    objects = OfAwards.as_manager()

    class Meta:
        verbose_name = _("shift between budget categories")
        verbose_name_plural = _("shifts between budget categories")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="budget_shift_amount_positive", condition=Q(amount_fen__gt=0, amount_fen__lte=MAX_FEN)
            ),
            models.CheckConstraint(name="budget_shift_between_two", condition=~Q(source=F("target"))),
        ]
        triggers = [
            Agrees(
                name="budget_shift_within_one_award",
                same={"source.award": "award", "target.award": "award"},
            ),
            *append_only("budget_shift"),
        ]

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"


class Milestone(models.Model):
    """One milestone: what must be shown technically and on the market (双验证), the evidence, and who found it good."""

    machine = MILESTONE_MACHINE

    award = models.ForeignKey(
        Award, verbose_name=_("award"), on_delete=models.PROTECT, related_name="milestones"
    )
    number = models.PositiveSmallIntegerField(_("number"))
    title = models.CharField(_("title"), max_length=160)
    due_on = models.DateField(_("due"))
    technical_goal = models.CharField(_("to be shown technically"), max_length=400)
    market_goal = models.CharField(_("to be shown on the market"), max_length=400)
    trl = models.SmallIntegerField(_("TRL"), null=True, blank=True, validators=TRL_RANGE)
    state = models.CharField(
        _("state"), max_length=10, choices=MilestoneState, default=MilestoneState.PLANNED, editable=False
    )
    technical_evidence = models.TextField(_("technical evidence"), max_length=4000, blank=True)
    technical_document = models.ForeignKey(
        Document,
        verbose_name=_("technical evidence (file)"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    market_evidence = models.TextField(_("market evidence"), max_length=4000, blank=True)
    market_document = models.ForeignKey(
        Document,
        verbose_name=_("market evidence (file)"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
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
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("checked by"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    checked_at = models.DateTimeField(_("checked"), null=True, blank=True, editable=False)
    answer = models.CharField(_("answer"), max_length=400, blank=True, editable=False)

    objects = OfAwards.as_manager()

    class Meta:
        verbose_name = _("milestone")
        verbose_name_plural = _("milestones")
        ordering = ["award_id", "number"]
        constraints = [
            models.UniqueConstraint(name="milestone_numbered", fields=["award", "number"]),
            models.CheckConstraint(
                name="milestone_trl_possible", condition=Q(trl__isnull=True) | Q(trl__gte=1, trl__lte=9)
            ),
            models.CheckConstraint(
                name="milestone_shown_twice",
                condition=Q(state=MilestoneState.PLANNED)
                | (~Q(technical_evidence="") & ~Q(market_evidence="") & Q(submitted_at__isnull=False)),
                violation_error_message=_("Both technical and market evidence are needed."),
            ),
            models.CheckConstraint(
                name="milestone_checked_by_another",
                condition=Q(checked_by__isnull=True)
                | Q(submitted_by__isnull=True)
                | ~Q(checked_by=F("submitted_by")),
            ),
            models.CheckConstraint(
                name="milestone_met_when_checked",
                condition=~Q(state=MilestoneState.MET) | Q(checked_at__isnull=False),
            ),
        ]
        triggers = [
            *MILESTONE_MACHINE.triggers(),
            pgtrigger.Protect(
                name="milestone_evidence_fixed",
                operation=pgtrigger.UpdateOf(
                    *("technical_evidence", "market_evidence", "technical_document_id", "market_document_id"),
                    *("title", "technical_goal", "market_goal", "trl"),
                ),
                condition=pgtrigger.Condition(
                    "OLD.state <> 'planned' AND (OLD.technical_evidence, OLD.market_evidence, OLD.technical_document_id, "
                    "OLD.market_document_id, OLD.title, OLD.technical_goal, OLD.market_goal, OLD.trl) IS DISTINCT FROM "
                    "(NEW.technical_evidence, NEW.market_evidence, NEW.technical_document_id, NEW.market_document_id, "
                    "NEW.title, NEW.technical_goal, NEW.market_goal, NEW.trl)"
                ),
            ),
            pgtrigger.ReadOnly(name="milestone_identity_fixed", fields=["award", "number"]),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"


class Tranche(models.Model):
    """One part of an award's money that is paid when its conditions are met."""

    award = models.ForeignKey(
        Award, verbose_name=_("award"), on_delete=models.PROTECT, related_name="tranches"
    )
    number = models.PositiveSmallIntegerField(_("number"))
    amount_fen = MoneyField(_("amount"))
    milestone = models.ForeignKey(
        Milestone,
        verbose_name=_("milestone"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="tranches",
        help_text=_("Paid when it is met. Empty: paid when the agreement is signed."),
    )
    condition = models.CharField(_("other condition"), max_length=400, blank=True)

    objects = OfAwards.as_manager()

    class Meta:
        verbose_name = _("tranche")
        verbose_name_plural = _("tranches")
        ordering = ["award_id", "number"]
        constraints = [
            models.UniqueConstraint(name="tranche_numbered", fields=["award", "number"]),
            models.CheckConstraint(
                name="tranche_amount_possible", condition=Q(amount_fen__gte=0, amount_fen__lte=MAX_FEN)
            ),
        ]
        triggers = [
            adds_up("tranche_adds_up", pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete),
            Agrees(
                name="tranche_of_the_milestone_s_award",
                same={"milestone.award": "award"},
                watch=("milestone_id",),
            ),
            pgtrigger.ReadOnly(name="tranche_identity_fixed", fields=["award", "number"]),
        ]

    def __str__(self) -> str:
        return f"{self.award.number}-{self.number}"
