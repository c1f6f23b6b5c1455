"""Transfers, the chain that seals them, and the months in which nothing is posted any longer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import TruncMonth
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from park_portal.core.audit.models import append_only
from park_portal.core.errors import Text
from park_portal.core.invariants import one_of
from park_portal.core.ledger import sql
from park_portal.core.ledger.models.accounts import Account, Book, StaffRows
from park_portal.core.ledger.registry import code_label
from park_portal.core.ledger.states import CNY, ENDS, MOVES, Standing, Step
from park_portal.core.money import MAX_FEN, MoneyField

if TYPE_CHECKING:
    from typing import Self


class ParkDate(models.Func):
    """The day in Shanghai of a moment; unlike Django's own it is the same in every session, as a check must be."""

    template = "((%(expressions)s) AT TIME ZONE 'Asia/Shanghai')::date"
    output_field = models.DateField()


class TransferQuerySet(StaffRows):
    def about(self, subject: models.Model) -> Self:
        """Return what was booked for ``subject``."""
        return self.filter(subject_type=subject._meta.label_lower, subject_id=str(subject.pk))

    def moving(self) -> Self:
        """Return those that move money; pending ones and what voids them do not."""
        return self.filter(step__in=MOVES)

    def waiting(self) -> Self:
        """Return the pending ones of which nothing has become yet."""
        ended = Transfer.objects.filter(pending_id=OuterRef("pk"))
        return self.filter(~Exists(ended), step=Step.PENDING)

    def with_standing(self) -> Self:
        """Return the rows with ``standing``: what has become of each (``Standing``)."""
        ends = Transfer.objects.filter(pending_id=OuterRef("pk"))
        return self.annotate(
            standing=models.Case(
                models.When(
                    Exists(Transfer.objects.filter(reverses_id=OuterRef("pk"))),
                    then=models.Value(Standing.REVERSED.value),
                ),
                models.When(~Q(step=Step.PENDING), then=models.Value(Standing.POSTED.value)),
                models.When(Exists(ends.filter(step=Step.POST)), then=models.Value(Standing.POSTED.value)),
                models.When(Exists(ends.filter(step=Step.VOID)), then=models.Value(Standing.VOIDED.value)),
                models.When(Exists(ends), then=models.Value(Standing.EXPIRED.value)),
                default=models.Value(Standing.PENDING.value),
                output_field=models.CharField(),
            )
        )


class Transfer(models.Model):
    """One move of money from the credited to the debited account, for good: rows are added and never changed."""

    step = models.CharField(_("what it does"), max_length=10, choices=Step, default=Step.DIRECT)
    debit = models.ForeignKey(
        Account,
        verbose_name=_("debit account"),
        on_delete=models.PROTECT,
        related_name="debits",
        db_index=False,
    )
    credit = models.ForeignKey(
        Account,
        verbose_name=_("credit account"),
        on_delete=models.PROTECT,
        related_name="credits",
        db_index=False,
    )
    amount_fen = MoneyField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3, default=CNY)
    code = models.CharField(_("code"), max_length=40)
    crosses_books = models.BooleanField(_("from one book to another"), default=False)
    pending = models.ForeignKey(
        "self",
        verbose_name=_("pending transfer that it ends"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="ends",
        db_index=False,
    )
    reverses = models.ForeignKey(
        "self",
        verbose_name=_("transfer that it reverses"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="reversals",
        db_index=False,
    )
    # What it is for.
    subject_type = models.CharField(_("record type"), max_length=80)
    subject_id = models.CharField(_("record"), max_length=64)
    key = models.CharField(_("idempotency key"), max_length=120, unique=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text=_("Empty: the portal itself."),
    )
    memo = models.CharField(_("memo"), max_length=300, blank=True)
    business_date = models.DateField(_("business date"))
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    created_at = models.DateTimeField(_("booked"), default=timezone.now)
    # The transaction that wrote it: what was written together stood together.
    xid = models.BigIntegerField(default=0, editable=False)
    digest = models.CharField(_("SHA-256"), max_length=64, default="", editable=False)

    objects = TransferQuerySet.as_manager()

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["debit", "business_date", "id"], name="transfer_by_debit"),
            models.Index(fields=["credit", "business_date", "id"], name="transfer_by_credit"),
            models.Index(fields=["subject_type", "subject_id"], name="transfer_by_subject"),
            models.Index(
                fields=["expires_at"], name="transfer_by_expiry", condition=Q(expires_at__isnull=False)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="transfer_amount_positive", condition=Q(amount_fen__gt=0, amount_fen__lte=MAX_FEN)
            ),
            models.CheckConstraint(name="transfer_in_yuan", condition=Q(currency=CNY)),
            models.CheckConstraint(name="transfer_between_two", condition=~Q(debit=F("credit"))),
            one_of("transfer_step_known", "step", Step),
            # Each step points at what it is about and at nothing else; only pending ones expire.
            models.CheckConstraint(
                name="transfer_shape",
                condition=Q(step__in=ENDS, pending__isnull=False, reverses__isnull=True)
                | Q(step=Step.REVERSAL, pending__isnull=True, reverses__isnull=False)
                | Q(~Q(step__in=[*ENDS, Step.REVERSAL]), pending__isnull=True, reverses__isnull=True),
            ),
            models.CheckConstraint(
                name="transfer_only_pending_expires",
                condition=Q(expires_at__isnull=True) | Q(step=Step.PENDING, expires_at__gt=F("created_at")),
            ),
            models.CheckConstraint(
                name="transfer_not_of_tomorrow",
                condition=Q(business_date__lte=ParkDate("created_at")),
            ),
            models.CheckConstraint(name="transfer_has_key", condition=~Q(key="")),
            models.UniqueConstraint(
                name="transfer_ends_pending_once", fields=["pending"], condition=Q(pending__isnull=False)
            ),
            models.UniqueConstraint(
                name="transfer_reversed_once", fields=["reverses"], condition=Q(reverses__isnull=False)
            ),
        ]
        triggers: ClassVar = [
            *append_only("transfer"),
            pgtrigger.Trigger(
                name="transfer_begins_locked",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=sql.BEGIN_LOCKED,
            ),
            pgtrigger.Trigger(
                name="transfer_ends_pending",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__pending__isnull=False),
                declare=[("held", "core_transfer%ROWTYPE")],
                func=sql.ENDS_PENDING,
            ),
            pgtrigger.Trigger(
                name="transfer_in_open_month",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="added"),
                declare=[("one", "bigint"), ("earliest", "date"), ("closed", "date")],
                func=sql.IN_OPEN_MONTH,
            ),
            pgtrigger.Trigger(
                name="transfer_of_one_book",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="added"),
                declare=[("wrong", "bigint")],
                func=sql.OF_ONE_BOOK,
            ),
            pgtrigger.Trigger(
                name="transfer_reverses_posted",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__reverses__isnull=False),
                declare=[("held", "core_transfer%ROWTYPE")],
                func=sql.REVERSES_POSTED,
            ),
            pgtrigger.Trigger(
                name="transfer_signs_itself",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=sql.SIGN,
            ),
            pgtrigger.Trigger(
                name="transfer_moves_balances",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="added"),
                func=sql.MOVE_BALANCES,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.code_label}"

    @property
    def code_label(self) -> Text:
        return code_label(self.code)


class TransferSeal(models.Model):
    """One link of the ledger's hash chain: the position of a transfer and the hash over it and the link before."""

    position = models.BigIntegerField(_("position"), primary_key=True)
    transfer_id = models.BigIntegerField(_("transfer"), unique=True)
    digest = models.CharField(_("SHA-256"), max_length=64)

    class Meta:
        verbose_name = _("seal of a transfer")
        verbose_name_plural = _("seals of transfers")
        ordering = ["position"]
        triggers: ClassVar = append_only("transfer_seal")

    def __str__(self) -> str:
        return f"{self.position}: {self.digest[:12]}"


class ClosedMonthQuerySet(StaffRows):
    pass


class ClosedMonth(models.Model):
    """One month of a book in which, and before which, nothing is posted any longer."""

    book = models.ForeignKey(
        Book, verbose_name=_("book"), on_delete=models.PROTECT, related_name="closed_months"
    )
    month = models.DateField(_("month"), help_text=_("Its first day."))
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("closed by"), on_delete=models.PROTECT, related_name="+"
    )
    closed_at = models.DateTimeField(_("closed"), default=timezone.now)
    # What came later is told by its number: clocks of several hosts do not agree to the moment.
    last_transfer = models.BigIntegerField(_("last transfer before it was closed"), default=0, editable=False)

    objects = ClosedMonthQuerySet.as_manager()

    class Meta:
        verbose_name = _("closed month")
        verbose_name_plural = _("closed months")
        ordering = ["-month", "book_id"]
        constraints = [
            models.CheckConstraint(name="closed_month_begins_on_the_first", condition=Q(month__day=1)),
            models.CheckConstraint(
                name="closed_month_is_over",
                condition=Q(month__lt=TruncMonth(ParkDate("closed_at"))),
            ),
        ]
        triggers: ClassVar = [
            *append_only("closed_month"),
            pgtrigger.Trigger(
                name="closed_month_in_order",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("closed", "date")],
                func=sql.MONTH_IN_ORDER,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.book} {self.month:%Y-%m}"
