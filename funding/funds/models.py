from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.funds.states import BudgetPurpose, FundKind, Source, Track
from incubator.organisations.merging import moves_only_by_merge
from incubator.organisations.models import Organisation
from park_portal.core.accounts.rules import sees_records
from park_portal.core.documents.models import Document
from park_portal.core.invariants import kept, one_of
from park_portal.core.ledger.models import Account, Book
from park_portal.core.money import MAX_FEN, MoneyField

if TYPE_CHECKING:
    from typing import Self

    from park_portal.core.accounts.models import User


class FundQuerySet(models.QuerySet["Fund"]):
    def visible_to(self, user: User) -> FundQuerySet:
        """Funds are public: they are named on every call."""
        return self


class Fund(models.Model):
    """One pot of money that calls give from."""

    # One column a language, made by modeltranslation.
    name_zh_hans: str | None
    name_en: str | None

    name = models.CharField(_("name"), max_length=120)
    code = models.SlugField(_("code"), max_length=20, unique=True)
    kind = models.CharField(_("kind"), max_length=12, choices=FundKind, default=FundKind.DEDICATED)
    summary = models.TextField(_("summary"), blank=True)
    size_fen = MoneyField(_("size"), null=True, blank=True)
    active = models.BooleanField(_("in use"), default=True)
    # Opened with the first money that is booked.
    book = models.OneToOneField(
        Book,
        verbose_name=_("book"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="fund",
    )

    objects = FundQuerySet.as_manager()

    class Meta:
        verbose_name = _("fund")
        verbose_name_plural = _("funds")
        ordering = ["code"]
        constraints = [models.CheckConstraint(name="fund_size_positive", condition=models.Q(size_fen__gte=0))]
        triggers = [
            # What was booked for a fund stays in its book.
            pgtrigger.Protect(
                name="fund_book_fixed",
                operation=pgtrigger.UpdateOf("book_id"),
                condition=pgtrigger.Q(old__book__isnull=False)
                & pgtrigger.Q(old__book__df=pgtrigger.F("new__book")),
            )
        ]

    def __str__(self) -> str:
        return self.name


class StaffRows(models.QuerySet[Any]):
    """Rows about the money of a fund: for staff who see the park's records."""

    def visible_to(self, user: Any) -> Self:
        return self if user.is_authenticated and sees_records(user) else self.none()


class CommitmentQuerySet(StaffRows):
    def with_owed(self) -> Self:
        """Return the rows with ``owed_fen``: what was promised and has not come in yet."""
        held = Account.objects.filter(
            subject_type="funding.commitment",
            subject_id=Cast(models.OuterRef("pk"), models.CharField()),
        )
        owed = models.F("debits_posted_fen") - models.F("credits_posted_fen")
        return self.annotate(
            owed_fen=Coalesce(
                models.Subquery(held.values(sum=owed)[:1]),
                models.F("amount_fen"),
                output_field=models.BigIntegerField(),
            )
        )


class Commitment(models.Model):
    """One promise of a partner to put an amount into a fund; what it has paid in is in the ledger."""

    fund = models.ForeignKey(
        Fund, verbose_name=_("fund"), on_delete=models.PROTECT, related_name="commitments"
    )
    organisation = models.ForeignKey(
        Organisation, verbose_name=_("partner"), on_delete=models.PROTECT, related_name="commitments"
    )
    source = models.CharField(_("source"), max_length=12, choices=Source)
    amount_fen = MoneyField(_("amount"))
    agreed_on = models.DateField(_("agreed on"))
    document = models.ForeignKey(
        Document,
        verbose_name=_("agreement"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    note = models.CharField(_("note"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    objects = CommitmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("commitment")
        verbose_name_plural = _("commitments")
        ordering = ["-agreed_on", "-id"]
        constraints = [
            models.CheckConstraint(
                name="commitment_amount_positive",
                condition=models.Q(amount_fen__gt=0, amount_fen__lte=MAX_FEN),
            ),
            one_of("commitment_source_known", "source", Source),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="commitment_terms_fixed", fields=["fund", "source", "amount_fen", "agreed_on"]
            ),
            moves_only_by_merge("commitment"),
            kept("commitment"),
        ]

    def __str__(self) -> str:
        return f"{self.organisation} {self.agreed_on:%Y-%m-%d}"


class BudgetLineQuerySet(StaffRows):
    pass


class BudgetLine(models.Model):
    """One part of a fund that is meant for a year, a track and a purpose; what it holds is in the ledger."""

    fund = models.ForeignKey(
        Fund, verbose_name=_("fund"), on_delete=models.PROTECT, related_name="budget_lines"
    )
    year = models.SmallIntegerField(_("year"), validators=[MinValueValidator(2020), MaxValueValidator(2100)])
    track = models.CharField(_("track"), max_length=8, choices=Track)
    purpose = models.CharField(_("purpose"), max_length=12, choices=BudgetPurpose)
    note = models.CharField(_("note"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    objects = BudgetLineQuerySet.as_manager()

    class Meta:
        verbose_name = _("budget line")
        verbose_name_plural = _("budget lines")
        ordering = ["-year", "fund_id", "track", "purpose"]
        constraints = [
            models.UniqueConstraint(name="budget_line_once", fields=["fund", "year", "track", "purpose"]),
            models.CheckConstraint(
                name="budget_line_year_possible", condition=models.Q(year__gte=2020, year__lte=2100)
            ),
            one_of("budget_line_track_known", "track", Track),
            one_of("budget_line_purpose_known", "purpose", BudgetPurpose),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="budget_line_identity_fixed", fields=["fund", "year", "track", "purpose"]
            ),
            kept("budget_line"),
        ]

    def __str__(self) -> str:
        return f"{self.fund.code} {self.year} {self.get_track_display()} · {self.get_purpose_display()}"
