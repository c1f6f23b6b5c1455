"""The agreement of an award: its terms, who signed it, and what is changed in it later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pgtrigger
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.awards.models.awards import Award, OfAwards
from funding.awards.states import (
    AGREEMENT_MACHINE,
    AMENDMENT_MACHINE,
    AgreementState,
    AmendmentState,
    Party,
)
from funding.funds.models import Fund
from park_portal.core.audit.models import append_only
from park_portal.core.documents.models import Document
from park_portal.core.invariants import Agrees, kept, one_of
from park_portal.core.money import MAX_FEN, MoneyField, format_yuan

if TYPE_CHECKING:
    from park_portal.core.errors import Text

TRL_RANGE = [MinValueValidator(1), MaxValueValidator(9)]


class AgreementTemplate(models.Model):
    """The text of agreements of one fund, or (without a fund) of all."""

    fund = models.ForeignKey(
        Fund,
        verbose_name=_("fund"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="agreement_templates",
        help_text=_("Empty: every fund without one of its own."),
    )
    body = models.TextField(
        _("text"), max_length=20000, help_text=_("Blank lines separate the articles of the agreement.")
    )

    class Meta:
        verbose_name = _("agreement template")
        verbose_name_plural = _("agreement templates")
        ordering = ["fund"]
        constraints = [
            models.UniqueConstraint(fields=["fund"], nulls_distinct=False, name="agreement_template_once")
        ]

    def __str__(self) -> str:
        return str(self.fund or _("all funds"))


# What the tranches and the budget categories of an award come to is what its agreement says, once it is issued.
_ADDS_UP = """
    SELECT a.* INTO held FROM funding_agreement a WHERE a.award_id = {award} AND a.state <> 'draft';
    IF FOUND THEN
        SELECT coalesce(sum(t.amount_fen), 0) INTO total FROM funding_tranche t WHERE t.award_id = held.award_id;
        IF total <> held.amount_fen THEN
            RAISE EXCEPTION 'the tranches of award % come to %, the agreement to %', held.award_id, total, held.amount_fen
                USING ERRCODE = 'check_violation', CONSTRAINT = '{name}';
        END IF;
        SELECT coalesce(sum(c.amount_fen), 0) INTO total FROM funding_budgetcategory c WHERE c.award_id = held.award_id;
        IF total <> held.amount_fen THEN
            RAISE EXCEPTION 'the budget of award % comes to %, the agreement to %', held.award_id, total, held.amount_fen
                USING ERRCODE = 'check_violation', CONSTRAINT = '{name}';
        END IF;
    END IF;
    RETURN NULL;
"""


def adds_up(name: str, operation: Any) -> pgtrigger.Trigger:
    """Return the trigger that compares, at the end of the transaction, plan and budget of an award with its agreement."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        timing=pgtrigger.Deferred,
        operation=operation,
        declare=[("held", "funding_agreement%ROWTYPE"), ("total", "bigint")],
        func=_ADDS_UP.format(award="coalesce(NEW.award_id, OLD.award_id)", name=name),
    )


_SIGNED_BY_ALL = """
    IF EXISTS (
        SELECT 1 FROM unnest(ARRAY['park', 'grantee'] || CASE WHEN EXISTS (
            SELECT 1 FROM funding_award w WHERE w.id = NEW.award_id AND w.project_id IS NOT NULL
        ) THEN ARRAY['university'] ELSE ARRAY[]::text[] END) AS asked (party)
        WHERE NOT EXISTS (SELECT 1 FROM funding_signature s WHERE s.agreement_id = NEW.id
                          AND s.version = NEW.version AND s.party = asked.party)
    ) THEN
        RAISE EXCEPTION 'agreement % is not signed by all', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'agreement_signed_by_all';
    END IF;
    RETURN NEW;
"""

# A signed agreement changes by an approved amendment that says so, and by nothing else.
_BY_AMENDMENT = """
    IF OLD.state = 'issued' OR NOT EXISTS (
        SELECT 1 FROM funding_amendment m WHERE m.agreement_id = NEW.id AND m.state = 'approved'
        AND (OLD.amount_fen = NEW.amount_fen OR m.amount_fen = NEW.amount_fen)
        AND (OLD.ends_on = NEW.ends_on OR m.ends_on = NEW.ends_on)
        AND (OLD.scope = NEW.scope OR m.scope = NEW.scope)
        AND (OLD.pi_name = NEW.pi_name OR m.pi_name = NEW.pi_name)
    ) THEN
        RAISE EXCEPTION 'agreement % changes by an amendment only', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'agreement_changes_by_amendment';
    END IF;
    RETURN NEW;
"""


class Agreement(models.Model):
    """What park and grantee agree on for one award, and the PDF that they sign."""

    machine = AGREEMENT_MACHINE

    award = models.OneToOneField(
        Award, verbose_name=_("award"), on_delete=models.PROTECT, related_name="agreement"
    )
    state = models.CharField(
        _("state"),
        max_length=8,
        choices=AgreementState,
        default=AgreementState.DRAFT,
        editable=False,
    )
    # Counts up when it is taken back: what was signed was another text.
    version = models.PositiveSmallIntegerField(_("version"), default=1, editable=False)
    amount_fen = MoneyField(_("amount"))
    starts_on = models.DateField(_("begins on"))
    ends_on = models.DateField(_("ends on"))
    pi_name = models.CharField(_("principal investigator"), max_length=80)
    scope = models.TextField(_("scope of work"), max_length=4000)
    trl_start = models.SmallIntegerField(_("TRL at the start"), validators=TRL_RANGE)
    trl_target = models.SmallIntegerField(_("TRL to be reached"), validators=TRL_RANGE)
    report_months = models.PositiveSmallIntegerField(
        _("interim report every (months)"),
        default=6,
        validators=[MinValueValidator(1), MaxValueValidator(24)],
    )
    document = models.ForeignKey(
        Document,
        verbose_name=_("PDF"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    objects = OfAwards.as_manager()

    class Meta:
        verbose_name = _("agreement")
        verbose_name_plural = _("agreements")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="agreement_amount_positive", condition=Q(amount_fen__gt=0, amount_fen__lte=MAX_FEN)
            ),
            models.CheckConstraint(
                name="agreement_ends_after_it_begins",
                condition=Q(ends_on__gt=F("starts_on")),
                violation_error_message=_("It ends before it begins."),
            ),
            models.CheckConstraint(
                name="agreement_trl_possible",
                condition=Q(trl_start__gte=1, trl_target__gte=F("trl_start"), trl_target__lte=9),
                violation_error_message=_(
                    "The TRL to be reached is not below the one at the start; both are 1 to 9."
                ),
            ),
            models.CheckConstraint(
                name="agreement_issued_as_pdf",
                condition=Q(state=AgreementState.DRAFT) | Q(document__isnull=False),
            ),
        ]
        triggers = [
            *AGREEMENT_MACHINE.triggers(),
            adds_up("agreement_adds_up", pgtrigger.Update),
            pgtrigger.Trigger(
                name="agreement_signed_by_all",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Q(new__state=AgreementState.SIGNED)
                & pgtrigger.Q(old__state=AgreementState.ISSUED),
                func=_SIGNED_BY_ALL,
            ),
            pgtrigger.Trigger(
                name="agreement_changes_by_amendment",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.state IN ('issued', 'signed') AND NEW.state = OLD.state AND (OLD.amount_fen, OLD.ends_on, "
                    "OLD.scope, OLD.pi_name) IS DISTINCT FROM (NEW.amount_fen, NEW.ends_on, NEW.scope, NEW.pi_name)"
                ),
                func=_BY_AMENDMENT,
            ),
            pgtrigger.Protect(
                name="agreement_terms_fixed",
                operation=pgtrigger.UpdateOf(
                    "starts_on", "trl_start", "trl_target", "report_months", "document_id"
                ),
                condition=pgtrigger.Condition(
                    "OLD.state IN ('issued', 'signed') AND NEW.state <> 'draft' AND (OLD.starts_on, OLD.trl_start, "
                    "OLD.trl_target, OLD.report_months, OLD.document_id) IS DISTINCT FROM (NEW.starts_on, "
                    "NEW.trl_start, NEW.trl_target, NEW.report_months, NEW.document_id)"
                ),
            ),
            pgtrigger.ReadOnly(name="agreement_of_one_award", fields=["award"]),
            kept("agreement"),
        ]

    def __str__(self) -> str:
        return self.award.number

    @property
    def parties(self) -> list[Party]:
        """Who signs: a research project's university too."""
        return [Party.PARK, Party.GRANTEE, *([Party.UNIVERSITY] if self.award.project_id else [])]


class Signature(models.Model):
    """One party's signature under one version of an agreement: who signed, when, and the scan of it."""

    agreement = models.ForeignKey(
        Agreement, verbose_name=_("agreement"), on_delete=models.PROTECT, related_name="signatures"
    )
    version = models.PositiveSmallIntegerField(_("version"))
    party = models.CharField(_("party"), max_length=10, choices=Party)
    name = models.CharField(_("signed by"), max_length=80)
    signed_on = models.DateField(_("signed on"))
    scan = models.ForeignKey(
        Document, verbose_name=_("scan"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    noted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("noted by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    noted_at = models.DateTimeField(_("noted"), default=timezone.now)

    objects = OfAwards.over("agreement__award")

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        ordering = ["agreement_id", "id"]
        constraints = [
            models.UniqueConstraint(name="signature_once", fields=["agreement", "version", "party"]),
            one_of("signature_party_known", "party", Party),
        ]
        triggers = append_only("signature")

    def __str__(self) -> str:
        return f"{self.get_party_display()} {self.name}"


class Amendment(models.Model):
    """One change of a signed agreement: what it becomes, why, who asked for it and who decided. Empty: stays as it is."""

    machine = AMENDMENT_MACHINE

    agreement = models.ForeignKey(
        Agreement, verbose_name=_("agreement"), on_delete=models.PROTECT, related_name="amendments"
    )
    number = models.PositiveSmallIntegerField(_("number"), editable=False)
    state = models.CharField(
        _("state"), max_length=10, choices=AmendmentState, default=AmendmentState.PROPOSED, editable=False
    )
    amount_fen = MoneyField(_("new amount"), null=True, blank=True)
    category = models.ForeignKey(
        "funding.BudgetCategory",
        verbose_name=_("budget category that takes the difference"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    tranche = models.ForeignKey(
        "funding.Tranche",
        verbose_name=_("tranche that takes the difference"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text=_("Empty: a new last tranche."),
    )
    ends_on = models.DateField(_("new end"), null=True, blank=True)
    scope = models.TextField(_("new scope of work"), max_length=4000, blank=True)
    pi_name = models.CharField(_("new principal investigator"), max_length=80, blank=True)
    reason = models.TextField(_("reason"), max_length=1000)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("proposed by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        editable=False,
    )
    proposed_at = models.DateTimeField(_("proposed"), default=timezone.now, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("decided by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        editable=False,
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True, editable=False)
    answer = models.CharField(_("answer"), max_length=400, blank=True, editable=False)

    objects = OfAwards.over("agreement__award")

    class Meta:
        verbose_name = _("amendment")
        verbose_name_plural = _("amendments")
        ordering = ["agreement_id", "number"]
        constraints = [
            models.UniqueConstraint(name="amendment_numbered", fields=["agreement", "number"]),
            models.UniqueConstraint(
                name="amendment_one_at_a_time",
                fields=["agreement"],
                condition=Q(state=AmendmentState.PROPOSED),
            ),
            models.CheckConstraint(
                name="amendment_changes_something",
                condition=Q(amount_fen__isnull=False)
                | Q(ends_on__isnull=False)
                | ~Q(scope="")
                | ~Q(pi_name=""),
                violation_error_message=_("Say what is to change."),
            ),
            models.CheckConstraint(
                name="amendment_amount_whole",
                condition=Q(amount_fen__isnull=True, category__isnull=True, tranche__isnull=True)
                | Q(
                    amount_fen__isnull=False,
                    amount_fen__gt=0,
                    amount_fen__lte=MAX_FEN,
                    category__isnull=False,
                ),
                violation_error_message=_(
                    "With a new amount goes the budget category that takes the difference."
                ),
            ),
            models.CheckConstraint(
                name="amendment_decided_by_another",
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")),
            ),
            models.CheckConstraint(
                name="amendment_decided_by_somebody",
                condition=~Q(state__in=[AmendmentState.APPROVED, AmendmentState.REFUSED])
                | Q(decided_by__isnull=False, decided_at__isnull=False),
            ),
        ]
        triggers = [
            *AMENDMENT_MACHINE.triggers(),
            Agrees(
                name="amendment_of_its_award",
                same={"category.award": "agreement.award", "tranche.award": "agreement.award"},
            ),
            pgtrigger.ReadOnly(
                name="amendment_is_final",
                fields=[
                    *(
                        "agreement",
                        "number",
                        "amount_fen",
                        "category",
                        "tranche",
                        "ends_on",
                        "scope",
                        "pi_name",
                    ),
                    *("reason", "proposed_by", "proposed_at"),
                ],
            ),
            kept("amendment"),
        ]

    def __str__(self) -> str:
        return f"{self.agreement} · {self.number}"

    @property
    def award(self) -> Award:
        return self.agreement.award

    @property
    def changes(self) -> list[tuple[Text, Any]]:
        """What it changes: label and value."""
        values = [
            (_("amount"), format_yuan(self.amount_fen) if self.amount_fen else ""),
            (_("ends on"), self.ends_on.isoformat() if self.ends_on else ""),
            (_("principal investigator"), self.pi_name),
            (_("scope of work"), self.scope),
        ]
        return [(label, value) for label, value in values if value]
