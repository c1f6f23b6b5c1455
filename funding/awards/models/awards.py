from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pgtrigger
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.applications.models import Application
from funding.awards.states import AWARD_MACHINE, AwardState
from funding.calls.models import Call
from funding.funds.models import BudgetLine, Fund
from incubator.organisations.merging import moves_only_by_merge
from incubator.organisations.models import Organisation
from incubator.projects.models import ResearchProject
from park_portal.core.accounts.rules import sees_records
from park_portal.core.invariants import Agrees, kept
from park_portal.core.money import MoneyField

if TYPE_CHECKING:
    from typing import Self


class AwardQuerySet(models.QuerySet["Award"]):
    def visible_to(self, user: Any) -> AwardQuerySet:
        """Staff see all; everyone else the awards of applications they may see."""
        if not user.is_authenticated:
            return self.none()
        if sees_records(user):
            return self
        return self.filter(application__in=Application.objects.visible_to(user).values("pk"))


class OfAwards(models.QuerySet[Any]):
    """Rows of awards: whoever sees the award sees them."""

    path: ClassVar[str] = "award"

    @classmethod
    def over(cls, path: str) -> Any:
        """Return the manager of rows whose award is at the end of ``path``."""
        return type(cls.__name__, (cls,), {"path": path}).as_manager()  # type: ignore[attr-defined] # a subclass of this one

    def visible_to(self, user: Any) -> Self:
        if user.is_authenticated and sees_records(user):
            return self
        return self.filter(**{f"{self.path}__in": Award.objects.visible_to(user).values("pk")})


# Nothing is granted but by a decision that has gone out, and no other amount than it names.
_RELEASED_APPROVAL = """
    IF NOT EXISTS (SELECT 1 FROM funding_decision d
                   WHERE d.application_id = NEW.application_id AND d.state = 'released' AND d.verdict = 'approve'
                   AND d.amount_fen = NEW.amount_fen) THEN
        RAISE EXCEPTION 'no released decision grants application % the amount %', NEW.application_id, NEW.amount_fen
            USING ERRCODE = 'check_violation', CONSTRAINT = 'award_of_a_released_approval';
    END IF;
    RETURN NULL;
"""


# Nothing runs on money that is promised to nobody: the ledger holds the commitment before the state says so.
_COMMITTED_MONEY = """
    IF NOT EXISTS (SELECT 1 FROM core_transfer t
                   WHERE t.subject_type = 'funding.award' AND t.subject_id = NEW.id::text
                   AND t.code = 'award.commit' AND t.step = 'post' AND t.amount_fen = NEW.amount_fen) THEN
        RAISE EXCEPTION 'nothing is committed to award %', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'award_runs_on_committed_money';
    END IF;
    RETURN NEW;
"""


# And nothing runs on words: the agreement is signed first.
_SIGNED_AGREEMENT = """
    IF NOT EXISTS (SELECT 1 FROM funding_agreement a WHERE a.award_id = NEW.id AND a.state = 'signed') THEN
        RAISE EXCEPTION 'award % has no signed agreement', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'award_runs_on_a_signed_agreement';
    END IF;
    RETURN NEW;
"""

# What is closed owes nothing and is owed nothing.
_NOTHING_LEFT = """
    IF EXISTS (SELECT 1 FROM core_account a WHERE a.kind = 'award.committed'
               AND a.subject_type = 'funding.award' AND a.subject_id = NEW.id::text
               AND (a.credits_posted_fen <> a.debits_posted_fen OR a.credits_pending_fen <> 0 OR a.debits_pending_fen <> 0))
        OR EXISTS (SELECT 1 FROM funding_clawback c WHERE c.award_id = NEW.id AND c.state <> 'recovered') THEN
        RAISE EXCEPTION 'money of award % is still open', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'award_closed_with_nothing_left';
    END IF;
    RETURN NEW;
"""


class Award(models.Model):
    """One grant: what an approved application was given, from which fund."""

    machine = AWARD_MACHINE

    number = models.CharField(_("number"), max_length=36, unique=True)
    application = models.OneToOneField(
        Application, verbose_name=_("application"), on_delete=models.PROTECT, related_name="award"
    )
    fund = models.ForeignKey(Fund, verbose_name=_("fund"), on_delete=models.PROTECT, related_name="awards")
    organisation = models.ForeignKey(
        Organisation,
        verbose_name=_("organisation"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="awards",
    )
    project = models.ForeignKey(
        ResearchProject,
        verbose_name=_("research project"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="awards",
    )
    budget_line = models.ForeignKey(
        BudgetLine,
        verbose_name=_("budget line"),
        null=True,
        blank=True,
        db_index=False,
        on_delete=models.PROTECT,
        related_name="awards",
        help_text=_("Where its money comes from; what it needs there is held until the agreement is signed."),
    )
    title = models.CharField(_("title"), max_length=300)
    amount_fen = MoneyField(_("amount"))
    state = models.CharField(_("state"), max_length=12, choices=AwardState, default=AwardState.AGREEMENT)
    awarded_at = models.DateTimeField(_("awarded"), default=timezone.now)
    state_reason = models.CharField(_("why it stands so"), max_length=400, blank=True, db_default="")
    acceptance_call = models.ForeignKey(
        Call,
        verbose_name=_("call for acceptance"),
        null=True,
        blank=True,
        db_index=False,
        on_delete=models.PROTECT,
        related_name="+",
    )
    acceptance = models.OneToOneField(
        Application,
        verbose_name=_("application for acceptance"),
        null=True,
        blank=True,
        db_index=False,
        on_delete=models.PROTECT,
        related_name="accepted_award",
    )
    recognised_fen = MoneyField(_("costs recognised at acceptance"), null=True, blank=True)

    objects = AwardQuerySet.as_manager()

    class Meta:
        verbose_name = _("award")
        verbose_name_plural = _("awards")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="award_amount_positive", condition=models.Q(amount_fen__gt=0)),
            models.CheckConstraint(
                name="award_has_holder",
                condition=models.Q(organisation__isnull=False) | models.Q(project__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["fund", "state"], name="award_by_fund")]
        triggers = [
            *AWARD_MACHINE.triggers(),
            Agrees(
                name="award_of_its_application",
                same={
                    "fund": "application.call.fund",
                    "organisation": "application.organisation",
                    "project": "application.project",
                },
            ),
            pgtrigger.Trigger(
                name="award_of_a_released_approval",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                func=_RELEASED_APPROVAL,
            ),
            pgtrigger.Trigger(
                name="award_runs_on_committed_money",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state=AwardState.AGREEMENT)
                & pgtrigger.Q(new__state=AwardState.RUNNING),
                func=_COMMITTED_MONEY,
            ),
            pgtrigger.Trigger(
                name="award_runs_on_a_signed_agreement",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state=AwardState.AGREEMENT)
                & pgtrigger.Q(new__state=AwardState.RUNNING),
                func=_SIGNED_AGREEMENT,
            ),
            pgtrigger.Protect(
                name="award_accepted_by_a_decision",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state=AwardState.ACCEPTANCE)
                & pgtrigger.Q(new__state=AwardState.ACCEPTED)
                & (pgtrigger.Q(new__acceptance__isnull=True) | pgtrigger.Q(new__recognised_fen__isnull=True)),
            ),
            pgtrigger.Trigger(
                name="award_closed_with_nothing_left",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Q(old__state__in=[AwardState.ACCEPTED, AwardState.TERMINATED])
                & pgtrigger.Q(new__state=AwardState.CLOSED),
                func=_NOTHING_LEFT,
            ),
            Agrees(
                name="award_budget_line_of_its_fund",
                same={"budget_line.fund": "fund"},
                watch=("budget_line_id",),
            ),
            # Where money is held or was promised from is not changed under it.
            pgtrigger.Protect(
                name="award_budget_line_fixed",
                operation=pgtrigger.UpdateOf("budget_line_id"),
                condition=pgtrigger.Q(old__budget_line__isnull=False)
                & pgtrigger.Q(old__budget_line__df=pgtrigger.F("new__budget_line")),
            ),
            pgtrigger.ReadOnly(
                name="award_terms_fixed",
                fields=["number", "application", "fund", "project", "title", "amount_fen", "awarded_at"],
            ),
            moves_only_by_merge("award"),
            kept("award"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("awards:life", args=[self.pk])

    @property
    def holder(self) -> Any:
        """The organisation or research project that it was given to."""
        return self.organisation or self.project
