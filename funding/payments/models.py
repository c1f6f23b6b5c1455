from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.awards.models import Award, Tranche
from funding.funds.models import Fund
from funding.payments.states import (
    BATCH_MACHINE,
    DISBURSEMENT_MACHINE,
    BatchState,
    DisbursementState,
    LineVerdict,
)
from park_portal.core.accounts.rules import sees_records
from park_portal.core.audit.models import append_only
from park_portal.core.documents.models import Document
from park_portal.core.invariants import Agrees, kept, one_of
from park_portal.core.money import MAX_FEN, MoneyField

if TYPE_CHECKING:
    from typing import Self

_S = DisbursementState


def _person(label: Any) -> Any:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=label,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )


class OfStaff(models.QuerySet[Any]):
    """Rows that the park's staff see, and nobody else."""

    def visible_to(self, user: Any) -> Self:
        return self if user.is_authenticated and sees_records(user) else self.none()


class PaymentBatchQuerySet(OfStaff):
    pass


# A file that the bank has is of these payments, all of them released with it.
_WHOLE = """
    IF EXISTS (SELECT 1 FROM funding_disbursement d WHERE d.batch_id = NEW.id
               AND d.state NOT IN ('released', 'paid', 'bounced')) THEN
        RAISE EXCEPTION 'payments of batch % are not released', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_batch_released_whole';
    END IF;
    RETURN NEW;
"""


class PaymentBatch(models.Model):
    """One file of payments of a fund that goes to its bank: released whole or not at all."""

    machine = BATCH_MACHINE

    fund = models.ForeignKey(
        Fund, verbose_name=_("fund"), on_delete=models.PROTECT, related_name="payment_batches"
    )
    number = models.CharField(_("number"), max_length=40, unique=True)
    state = models.CharField(
        _("state"), max_length=10, choices=BatchState, default=BatchState.OPEN, editable=False
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("put together by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    released_by = _person(_("released by"))
    released_at = models.DateTimeField(_("released"), null=True, blank=True)

    objects = PaymentBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("payment batch")
        verbose_name_plural = _("payment batches")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="payment_batch_released_by_another",
                condition=Q(released_by__isnull=True) | ~Q(released_by=F("made_by")),
            ),
            models.CheckConstraint(
                name="payment_batch_released_by_somebody",
                condition=Q(state=BatchState.OPEN, released_by__isnull=True, released_at__isnull=True)
                | Q(state=BatchState.RELEASED, released_by__isnull=False, released_at__isnull=False),
            ),
        ]
        triggers = [
            *BATCH_MACHINE.triggers(),
            pgtrigger.ReadOnly(
                name="payment_batch_identity_fixed", fields=["fund", "number", "made_by", "created_at"]
            ),
            pgtrigger.Trigger(
                name="payment_batch_released_whole",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Q(new__state=BatchState.RELEASED),
                func=_WHOLE,
            ),
            kept("payment_batch"),
        ]

    def __str__(self) -> str:
        return self.number


class DisbursementQuerySet(models.QuerySet["Disbursement"]):
    def visible_to(self, user: Any) -> Self:
        """Staff see all; others those of awards they may see."""
        if not user.is_authenticated:
            return self.none()
        if sees_records(user):
            return self
        return self.filter(award__in=Award.objects.visible_to(user).values("pk"))


# What is approved is held in the ledger, what is paid was posted there with the bank's day, and what goes no further holds
# nothing any longer. Looked at for a whole statement at once; planned anew each time, for ten thousand rows as for one.
_ON_THE_LEDGER = """
    EXECUTE $query$
        SELECT n.id FROM changed n
        JOIN before o ON o.id = n.id AND o.state <> n.state
        LEFT JOIN core_transfer held
            ON held.key = 'disbursement/' || n.id || '/' || n.round AND held.step = 'pending'
        LEFT JOIN core_transfer ended ON ended.pending_id = held.id
        WHERE n.state <> 'asked' AND (CASE
            WHEN n.state IN ('approved', 'released') THEN held.amount_fen = n.amount_fen AND ended.id IS NULL
            WHEN n.state = 'paid' THEN
                ended.step = 'post' AND ended.amount_fen = n.amount_fen AND ended.business_date = n.paid_on
            ELSE held.id IS NULL OR ended.step IN ('void', 'expire')
                OR (ended.step = 'post'
                    AND EXISTS (SELECT 1 FROM core_transfer r WHERE r.reverses_id = ended.id))
            END) IS NOT TRUE
        LIMIT 1
    $query$ INTO wrong;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'the ledger says otherwise than disbursement %', wrong
            USING ERRCODE = 'check_violation', CONSTRAINT = 'disbursement_stands_on_the_ledger';
    END IF;
    RETURN NULL;
"""

_WITHIN = """
    IF NEW.amount_fen > (SELECT t.amount_fen FROM funding_tranche t WHERE t.id = NEW.tranche_id) THEN
        RAISE EXCEPTION 'more than tranche % has', NEW.tranche_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'disbursement_within_its_tranche';
    END IF;
    RETURN NEW;
"""

_JOINS_OPEN = """
    IF NOT EXISTS (SELECT 1 FROM funding_paymentbatch b WHERE b.id = NEW.batch_id AND b.state = 'open') THEN
        RAISE EXCEPTION 'batch % is released', NEW.batch_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'disbursement_joins_an_open_batch';
    END IF;
    RETURN NEW;
"""


class Disbursement(models.Model):
    """One payment of an award: who asked, who checked, who approved, who released, and what the bank says of it."""

    machine = DISBURSEMENT_MACHINE

    award = models.ForeignKey(
        Award, verbose_name=_("award"), on_delete=models.PROTECT, related_name="disbursements"
    )
    tranche = models.ForeignKey(
        Tranche,
        verbose_name=_("tranche"),
        on_delete=models.PROTECT,
        related_name="disbursements",
        db_index=False,
    )
    number = models.CharField(_("number"), max_length=48, unique=True)
    amount_fen = MoneyField(_("amount"))
    purpose = models.CharField(_("purpose"), max_length=200)
    payee = models.CharField(_("payee"), max_length=120)
    bank = models.CharField(_("bank"), max_length=120)
    account_number = models.CharField(_("account number"), max_length=40)
    state = models.CharField(
        _("state"), max_length=10, choices=DisbursementState, default=DisbursementState.ASKED, editable=False
    )
    # Counts up when the bank sends a payment back: what was held for it then has ended.
    round = models.PositiveSmallIntegerField(_("attempt"), default=1, editable=False)
    batch = models.ForeignKey(
        PaymentBatch,
        verbose_name=_("batch"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="payments",
    )
    asked_by = _person(_("asked for by"))
    asked_at = models.DateTimeField(_("asked for"), default=timezone.now)
    checked_by = _person(_("evidence checked by"))
    checked_at = models.DateTimeField(_("evidence checked"), null=True, blank=True)
    approved_by = _person(_("approved by"))
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True)
    released_by = _person(_("released by"))
    released_at = models.DateTimeField(_("released"), null=True, blank=True)
    paid_on = models.DateField(_("paid on"), null=True, blank=True)
    bank_reference = models.CharField(_("bank reference"), max_length=80, blank=True)
    reason = models.CharField(_("reason"), max_length=400, blank=True)

    objects = DisbursementQuerySet.as_manager()

    class Meta:
        verbose_name = _("disbursement")
        verbose_name_plural = _("disbursements")
        ordering = ["-id"]
        indexes = [models.Index(fields=["state", "id"], name="disbursement_by_state")]
        constraints = [
            models.CheckConstraint(
                name="disbursement_amount_positive", condition=Q(amount_fen__gt=0, amount_fen__lte=MAX_FEN)
            ),
            models.UniqueConstraint(
                name="disbursement_one_a_tranche", fields=["tranche"], condition=~Q(state=_S.CANCELLED)
            ),
            # Four eyes and two more: who asks, who checks, who approves and who releases are four people.
            models.CheckConstraint(
                name="disbursement_checked_by_another",
                condition=Q(checked_by__isnull=True)
                | Q(asked_by__isnull=True)
                | ~Q(checked_by=F("asked_by")),
            ),
            models.CheckConstraint(
                name="disbursement_approved_by_another",
                condition=Q(approved_by__isnull=True)
                | (
                    ~Q(approved_by=F("checked_by"))
                    & (Q(asked_by__isnull=True) | ~Q(approved_by=F("asked_by")))
                ),
            ),
            models.CheckConstraint(
                name="disbursement_released_by_another",
                condition=Q(released_by__isnull=True)
                | (
                    ~Q(released_by=F("approved_by"))
                    & ~Q(released_by=F("checked_by"))
                    & (Q(asked_by__isnull=True) | ~Q(released_by=F("asked_by")))
                ),
            ),
            # Nobody's step is left out on the way.
            models.CheckConstraint(
                name="disbursement_has_its_people",
                condition=Q(
                    state__in=[_S.ASKED, _S.RETURNED, _S.CANCELLED],
                    approved_by__isnull=True,
                    released_by__isnull=True,
                )
                | Q(state=_S.CHECKED, checked_by__isnull=False)
                | Q(state=_S.APPROVED, checked_by__isnull=False, approved_by__isnull=False)
                | Q(
                    state__in=[_S.RELEASED, _S.PAID, _S.BOUNCED],
                    checked_by__isnull=False,
                    approved_by__isnull=False,
                    released_by__isnull=False,
                ),
            ),
            # Of digits alone, as banks keep them; spaces and hyphens are only for reading.
            models.CheckConstraint(
                name="disbursement_account_is_a_number", condition=Q(account_number__regex=r"^[0-9]{8,32}$")
            ),
            models.CheckConstraint(
                name="disbursement_paid_as_the_bank_says",
                condition=(Q(state=_S.PAID, paid_on__isnull=False) & ~Q(bank_reference=""))
                | (~Q(state=_S.PAID) & Q(paid_on__isnull=True, bank_reference="")),
            ),
        ]
        triggers = [
            *DISBURSEMENT_MACHINE.triggers(),
            Agrees(name="disbursement_of_its_award_s_tranche", same={"tranche.award": "award"}),
            pgtrigger.Trigger(
                name="disbursement_within_its_tranche",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("amount_fen"),
                func=_WITHIN,
            ),
            Agrees(
                name="disbursement_of_the_batch_s_fund",
                same={"batch.fund": "award.fund"},
                watch=("batch_id",),
            ),
            pgtrigger.Protect(
                name="disbursement_terms_fixed",
                operation=pgtrigger.UpdateOf("amount_fen", "payee", "bank", "account_number", "purpose"),
                condition=pgtrigger.Q(old__state__in=[_S.CHECKED, _S.APPROVED, _S.RELEASED, _S.PAID]),
            ),
            pgtrigger.Protect(
                name="disbursement_attempts_count_up",
                operation=pgtrigger.UpdateOf("round", "state"),
                condition=pgtrigger.Condition(
                    "NEW.round <> OLD.round + CASE WHEN NEW.state = 'asked' AND OLD.state <> 'asked' THEN 1 ELSE 0 END"
                ),
            ),
            pgtrigger.Trigger(
                name="disbursement_joins_an_open_batch",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("batch_id"),
                condition=pgtrigger.Condition(
                    "NEW.batch_id IS NOT NULL AND NEW.batch_id IS DISTINCT FROM OLD.batch_id"
                ),
                func=_JOINS_OPEN,
            ),
            pgtrigger.Protect(
                name="disbursement_leaves_no_released_batch",
                operation=pgtrigger.UpdateOf("batch_id"),
                condition=pgtrigger.Condition(
                    "OLD.state IN ('released', 'paid') AND NEW.batch_id IS DISTINCT FROM OLD.batch_id"
                ),
            ),
            pgtrigger.ReadOnly(name="disbursement_identity_fixed", fields=["award", "tranche", "number"]),
            pgtrigger.Trigger(
                name="disbursement_stands_on_the_ledger",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(old="before", new="changed"),
                declare=[("wrong", "bigint")],
                func=_ON_THE_LEDGER,
            ),
            kept("disbursement"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("payments:detail", args=[self.pk])

    @property
    def ledger_key(self) -> str:
        """The key under which this attempt is held in the ledger."""
        return f"disbursement/{self.pk}/{self.round}"


class BankStatementQuerySet(OfStaff):
    pass


class BankStatement(models.Model):
    """One statement of a fund's bank account as the bank sent it."""

    fund = models.ForeignKey(
        Fund, verbose_name=_("fund"), on_delete=models.PROTECT, related_name="bank_statements"
    )
    document = models.OneToOneField(
        Document, verbose_name=_("file"), on_delete=models.PROTECT, related_name="+"
    )
    since = models.DateField(_("from"))
    until = models.DateField(_("to"))
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("uploaded by"), on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(_("uploaded"), default=timezone.now)
    booked_by = _person(_("booked by"))
    booked_at = models.DateTimeField(_("booked"), null=True, blank=True)

    objects = BankStatementQuerySet.as_manager()

    class Meta:
        verbose_name = _("bank statement")
        verbose_name_plural = _("bank statements")
        ordering = ["-until", "-id"]
        constraints = [
            models.CheckConstraint(name="bank_statement_in_order", condition=Q(until__gte=F("since"))),
            models.CheckConstraint(
                name="bank_statement_booked_by_somebody",
                condition=Q(booked_at__isnull=True, booked_by__isnull=True)
                | Q(booked_at__isnull=False, booked_by__isnull=False),
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="bank_statement_is_final",
                fields=["fund", "document", "since", "until", "uploaded_by", "created_at"],
            ),
            pgtrigger.Protect(
                name="bank_statement_booked_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__booked_at__isnull=False),
            ),
            kept("bank_statement"),
        ]

    def __str__(self) -> str:
        return f"{self.fund} {self.since}–{self.until}"


class StatementLine(models.Model):
    """One line of a bank statement, and the payment that it is about."""

    statement = models.ForeignKey(
        BankStatement, verbose_name=_("bank statement"), on_delete=models.PROTECT, related_name="lines"
    )
    place = models.PositiveIntegerField(_("line"))
    on = models.DateField(_("date"))
    amount_fen = MoneyField(_("amount"))
    counterparty = models.CharField(_("counterparty"), max_length=200, blank=True)
    text = models.CharField(_("text"), max_length=400, blank=True)
    bank_reference = models.CharField(_("bank reference"), max_length=80, blank=True)
    # Money that came in rather than went out.
    is_incoming = models.BooleanField(_("incoming"), default=False)
    verdict = models.CharField(_("what it is"), max_length=10, choices=LineVerdict)
    disbursement = models.ForeignKey(
        Disbursement,
        verbose_name=_("disbursement"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta:
        verbose_name = _("line of a bank statement")
        verbose_name_plural = _("lines of bank statements")
        ordering = ["statement_id", "place"]
        constraints = [
            models.UniqueConstraint(name="statement_line_once", fields=["statement", "place"]),
            one_of("statement_line_verdict_known", "verdict", LineVerdict),
            models.CheckConstraint(
                name="statement_line_amount_positive", condition=Q(amount_fen__gt=0, amount_fen__lte=MAX_FEN)
            ),
            # One payment is settled by one line of a statement.
            models.UniqueConstraint(
                name="statement_line_settles_once",
                fields=["statement", "disbursement"],
                condition=Q(verdict=LineVerdict.MATCHED),
            ),
            models.CheckConstraint(
                name="statement_line_matches_something",
                condition=~Q(verdict=LineVerdict.MATCHED) | Q(disbursement__isnull=False),
            ),
        ]
        triggers: ClassVar = append_only("statement_line")

    def __str__(self) -> str:
        return f"{self.statement} {self.place}"
