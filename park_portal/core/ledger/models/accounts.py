"""Books, accounts, and the codes that the accounting software knows them by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pgtrigger
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from park_portal.core.accounts.rules import sees_records
from park_portal.core.errors import Text
from park_portal.core.invariants import kept, one_of
from park_portal.core.ledger.registry import account_kinds, kind_label
from park_portal.core.ledger.states import CNY, Side
from park_portal.core.money import MoneyField

if TYPE_CHECKING:
    from typing import Self

BALANCES = ("debits_posted_fen", "credits_posted_fen", "debits_pending_fen", "credits_pending_fen")


class StaffRows(models.QuerySet[Any]):
    """Rows of the ledger: staff who see the park's records see them; others see of it what their own pages say."""

    def visible_to(self, user: Any) -> Self:
        return self if user.is_authenticated and sees_records(user) else self.none()


class BookQuerySet(StaffRows):
    pass


class Book(models.Model):
    """One body of money that is kept apart from all other money: a fund's, or the park's own."""

    code = models.SlugField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=120)

    objects = BookQuerySet.as_manager()

    class Meta:
        verbose_name = _("book")
        verbose_name_plural = _("books")
        ordering = ["code"]
        triggers = [kept("book"), pgtrigger.ReadOnly(name="book_code_fixed", fields=["code"])]

    def __str__(self) -> str:
        return self.name


class AccountQuerySet(StaffRows):
    def of(self, subject: models.Model) -> Self:
        """Return the accounts that are kept for ``subject``."""
        return self.filter(subject_type=subject._meta.label_lower, subject_id=str(subject.pk))


class Account(models.Model):
    """One place where money of a book is, or is owed: its four sums are kept by the database from its transfers."""

    book = models.ForeignKey(Book, verbose_name=_("book"), on_delete=models.PROTECT, related_name="accounts")
    kind = models.CharField(_("kind"), max_length=40)
    # Whose account it is; empty where the book has only one of this kind.
    subject_type = models.CharField(_("record type"), max_length=80, blank=True)
    subject_id = models.CharField(_("record"), max_length=64, blank=True)
    label = models.CharField(_("for"), max_length=200, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default=CNY)
    normal = models.CharField(_("normal side"), max_length=6, choices=Side)
    may_go_below_zero = models.BooleanField(_("may go below zero"), default=False)
    debits_posted_fen = MoneyField(_("debits posted"), default=0, editable=False)
    credits_posted_fen = MoneyField(_("credits posted"), default=0, editable=False)
    debits_pending_fen = MoneyField(_("debits pending"), default=0, editable=False)
    credits_pending_fen = MoneyField(_("credits pending"), default=0, editable=False)

    objects = AccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ["book_id", "kind", "id"]
        indexes = [models.Index(fields=["subject_type", "subject_id"], name="account_by_subject")]
        constraints = [
            models.UniqueConstraint(
                name="account_once", fields=["book", "kind", "subject_type", "subject_id"]
            ),
            one_of("account_normal_known", "normal", Side),
            models.CheckConstraint(name="account_in_yuan", condition=Q(currency=CNY)),
            # What is pending counts where it would take money away, and not where it would bring some.
            models.CheckConstraint(
                name="account_within_its_limit",
                condition=Q(may_go_below_zero=True)
                | Q(
                    normal=Side.DEBIT,
                    debits_posted_fen__gte=F("credits_posted_fen") + F("credits_pending_fen"),
                )
                | Q(
                    normal=Side.CREDIT,
                    credits_posted_fen__gte=F("debits_posted_fen") + F("debits_pending_fen"),
                ),
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.ReadOnly(
                name="account_identity_fixed",
                fields=[
                    *("book", "kind", "subject_type", "subject_id"),
                    *("normal", "may_go_below_zero"),
                ],
            ),
            pgtrigger.Protect(
                name="account_begins_empty",
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition(" OR ".join(f"NEW.{column} <> 0" for column in BALANCES)),
            ),
            # What a transfer's own trigger writes is one level deeper.
            pgtrigger.Protect(
                name="account_moves_by_transfers",
                operation=pgtrigger.UpdateOf(*BALANCES),
                condition=pgtrigger.Condition("pg_trigger_depth() = 0"),
            ),
            kept("account"),
        ]

    def __str__(self) -> str:
        return " · ".join(str(part) for part in (self.book, self.kind_label, self.label) if part)

    @property
    def kind_label(self) -> Text:
        return kind_label(self.kind)

    @property
    def balance_fen(self) -> int:
        """What is posted, in fen, on the side on which the account grows."""
        posted = self.debits_posted_fen - self.credits_posted_fen
        return posted if self.normal == Side.DEBIT else -posted

    @property
    def held_fen(self) -> int:
        """What pending transfers would take away, in fen."""
        return self.credits_pending_fen if self.normal == Side.DEBIT else self.debits_pending_fen

    @property
    def expected_fen(self) -> int:
        """What pending transfers would bring, in fen."""
        return self.debits_pending_fen if self.normal == Side.DEBIT else self.credits_pending_fen

    @property
    def free_fen(self) -> int:
        """What may still be taken, in fen."""
        return self.balance_fen - self.held_fen


class AccountCodeQuerySet(StaffRows):
    pass


def kind_choices() -> list[tuple[str, Text]]:
    """Return the kinds of accounts for a form, by their names."""
    return [(kind.name, kind.label) for kind in account_kinds()]


class AccountCode(models.Model):
    """What the accounting software calls accounts of one kind; of one book, where the book is named."""

    kind = models.CharField(_("kind of account"), max_length=40, choices=kind_choices)
    book = models.ForeignKey(
        Book,
        verbose_name=_("book"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Empty: all books that have no code of their own for this kind."),
    )
    code = models.CharField(
        _("account code"),
        max_length=40,
        blank=True,
        validators=[RegexValidator(r"^[0-9A-Za-z.\-]*$", _("Digits, letters, dots and hyphens only."))],
        help_text=_("Empty: transfers between two such accounts stay out of the journal."),
    )
    name = models.CharField(_("account name"), max_length=120, blank=True)

    objects = AccountCodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("account code")
        verbose_name_plural = _("account codes")
        ordering = ["kind", "book_id"]
        constraints = [
            models.UniqueConstraint(name="account_code_once", fields=["kind", "book"], nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return f"{self.code or '—'} {self.name}".strip()
