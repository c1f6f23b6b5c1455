from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.deals.states import DistributionKind, ValuationMethod
from funding.funds.models import Fund, StaffRows
from incubator.organisations.merging import moves_only_by_merge
from incubator.organisations.models import Organisation
from park_portal.core.invariants import Agrees, kept, one_of
from park_portal.core.money import MAX_FEN, MoneyField


class Valuation(models.Model):
    """What a fund's holding in a company is worth on a day, and by which method; a later row takes its place."""

    fund = models.ForeignKey(
        Fund, verbose_name=_("fund"), on_delete=models.PROTECT, related_name="valuations"
    )
    company = models.ForeignKey(
        Organisation, verbose_name=_("company"), on_delete=models.PROTECT, related_name="valuations"
    )
    on = models.DateField(_("on"))
    method = models.CharField(_("method"), max_length=12, choices=ValuationMethod)
    value_fen = MoneyField(_("value of the holding"))
    note = models.CharField(_("note"), max_length=400, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = StaffRows.as_manager()

    class Meta:
        verbose_name = _("valuation")
        verbose_name_plural = _("valuations")
        ordering = ["-on", "-id"]
        indexes = [models.Index(fields=["fund", "company", "-on"], name="valuation_by_holding")]
        constraints = [
            models.CheckConstraint(
                name="valuation_not_negative", condition=Q(value_fen__gte=0, value_fen__lte=MAX_FEN)
            ),
            models.CheckConstraint(
                name="valuation_written_off_is_nothing",
                condition=~Q(method=ValuationMethod.WRITTEN_OFF) | Q(value_fen=0),
                violation_error_message=_("What is written off is worth nothing."),
            ),
            one_of("valuation_method_known", "method", ValuationMethod),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="valuation_fixed", fields=["fund", "on", "method", "value_fen", "note", "by", "at"]
            ),
            moves_only_by_merge("valuation", "company"),
            kept("valuation"),
        ]

    def __str__(self) -> str:
        return f"{self.fund.code} · {self.company} {self.on:%Y-%m-%d}"


class Distribution(models.Model):
    """One payment of a company to a fund that holds a part of it, or the reversal of one that was noted by mistake."""

    fund = models.ForeignKey(
        Fund, verbose_name=_("fund"), on_delete=models.PROTECT, related_name="distributions"
    )
    company = models.ForeignKey(
        Organisation, verbose_name=_("company"), on_delete=models.PROTECT, related_name="distributions"
    )
    on = models.DateField(_("on"))
    kind = models.CharField(_("kind"), max_length=12, choices=DistributionKind)
    amount_fen = MoneyField(_("amount"))
    note = models.CharField(_("note"), max_length=400, blank=True)
    reverses = models.OneToOneField(
        "self",
        verbose_name=_("takes back"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="reversed_by",
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = StaffRows.as_manager()

    class Meta:
        verbose_name = _("distribution")
        verbose_name_plural = _("distributions")
        ordering = ["-on", "-id"]
        indexes = [models.Index(fields=["fund", "company", "on"], name="distribution_by_holding")]
        constraints = [
            models.CheckConstraint(
                name="distribution_amount_positive",
                condition=Q(amount_fen__gt=0, amount_fen__lte=MAX_FEN),
                violation_error_message=_("Amounts are above zero."),
            ),
            one_of("distribution_kind_known", "kind", DistributionKind),
        ]
        triggers = [
            Agrees(
                name="distribution_reversed_as_it_was",
                same={
                    "reverses.fund": "fund",
                    "reverses.company": "company",
                    "reverses.amount_fen": "amount_fen",
                },
            ),
            pgtrigger.ReadOnly(
                name="distribution_fixed",
                fields=["fund", "on", "kind", "amount_fen", "note", "reverses", "by", "at"],
            ),
            moves_only_by_merge("distribution", "company"),
            kept("distribution"),
        ]

    def __str__(self) -> str:
        return f"{self.fund.code} · {self.company} {self.on:%Y-%m-%d}"

    @property
    def signed_fen(self) -> int:
        """What the fund got by it, in fen: below zero where it takes back another."""
        return -self.amount_fen if self.reverses_id is not None else self.amount_fen


class RunwayFigure(models.Model):
    """How much cash a company had on a day and how much it uses up a month; a later row takes its place."""

    company = models.ForeignKey(
        Organisation, verbose_name=_("company"), on_delete=models.PROTECT, related_name="runway_figures"
    )
    on = models.DateField(_("on"))
    cash_fen = MoneyField(_("cash"))
    burn_fen = MoneyField(_("used up a month"), help_text=_("Zero: the company lives on what it earns."))
    note = models.CharField(_("note"), max_length=300, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = StaffRows.as_manager()

    class Meta:
        verbose_name = _("runway figure")
        verbose_name_plural = _("runway figures")
        ordering = ["-on", "-id"]
        indexes = [models.Index(fields=["company", "-on"], name="runway_by_company")]
        constraints = [
            models.CheckConstraint(
                name="runway_not_negative",
                condition=Q(cash_fen__gte=0, cash_fen__lte=MAX_FEN, burn_fen__gte=0, burn_fen__lte=MAX_FEN),
            )
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="runway_figure_fixed", fields=["on", "cash_fen", "burn_fen", "note", "by", "at"]
            ),
            moves_only_by_merge("runway_figure", "company"),
            kept("runway_figure"),
        ]

    def __str__(self) -> str:
        return f"{self.company} {self.on:%Y-%m-%d}"

    @property
    def tenths_left(self) -> int | None:
        """Tenths of a month that the cash lasts, rounded down; None where nothing is used up."""
        return self.cash_fen * 10 // self.burn_fen if self.burn_fen else None
