from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from funding.awards.models import Award
from funding.deals.states import (
    BEYOND_DILIGENCE,
    DEAL_MACHINE,
    ITEM_MACHINE,
    OPEN_DEAL,
    DealState,
    ItemKind,
    ItemState,
)
from funding.funds.models import Fund, StaffRows
from incubator.organisations.merging import moves_only_by_merge
from incubator.organisations.models import Organisation
from incubator.projects.models import ResearchProject
from park_portal.core.audit.models import append_only
from park_portal.core.invariants import Agrees, kept, one_of

# Nothing comes before the committee that was not looked into, nor with a question left.
_CLEARED = """
    IF NOT EXISTS (SELECT 1 FROM funding_diligenceitem i WHERE i.deal_id = NEW.id)
       OR EXISTS (SELECT 1 FROM funding_diligenceitem i WHERE i.deal_id = NEW.id AND i.state = 'open') THEN
        RAISE EXCEPTION 'due diligence of deal % is not over', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'deal_cleared_before_committee';
    END IF;
    RETURN NEW;
"""
# Looked at when the transaction ends: the move is written beside it.
_TOLD = """
    IF NOT EXISTS (SELECT 1 FROM funding_dealmove m
                   WHERE m.deal_id = NEW.id AND m.number = NEW.step AND m.source = OLD.state AND m.target = NEW.state) THEN
        RAISE EXCEPTION 'deal % went from % to % without a reason', NEW.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'deal_moves_with_a_reason';
    END IF;
    RETURN NULL;
"""
# The lock keeps a point from being opened while its deal goes before the committee.
_SETTLED = f"""
    SELECT state INTO held FROM funding_deal WHERE id = NEW.deal_id FOR SHARE;
    IF held IN ({", ".join(f"'{state}'" for state in BEYOND_DILIGENCE)}) THEN
        RAISE EXCEPTION 'due diligence of deal % is over', NEW.deal_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'diligence_item_opens_in_time';
    END IF;
    RETURN NEW;
"""


class DealQuerySet(StaffRows):
    def open(self) -> DealQuerySet:
        return self.filter(state__in=OPEN_DEAL)


class Deal(models.Model):
    """One company, or one project that may become one, on its way through a fund."""

    machine = DEAL_MACHINE

    fund = models.ForeignKey(Fund, verbose_name=_("fund"), on_delete=models.PROTECT, related_name="deals")
    company = models.ForeignKey(
        Organisation,
        verbose_name=_("company"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="deals",
    )
    project = models.ForeignKey(
        ResearchProject,
        verbose_name=_("research project"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="deals",
    )
    state = models.CharField(
        _("state"), max_length=12, choices=DealState, default=DEAL_MACHINE.initial, editable=False
    )
    step = models.PositiveIntegerField(_("number of moves"), default=0, editable=False)
    # {"zh-hans": [text, …], "en": […]}: what of the mandate fits, as it was when the deal was opened.
    reasons = models.JSONField(_("why it was suggested"), default=dict, blank=True)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("opened by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    opened_at = models.DateTimeField(pgettext_lazy("deal", "opened"), default=timezone.now)

    objects = DealQuerySet.as_manager()

    class Meta:
        verbose_name = _("deal")
        verbose_name_plural = _("deals")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="deal_open_once_a_company",
                fields=["fund", "company"],
                condition=Q(state__in=OPEN_DEAL),
                violation_error_message=_("This fund has an open deal with this company."),
            ),
            models.UniqueConstraint(
                name="deal_open_once_a_project",
                fields=["fund", "project"],
                condition=Q(state__in=OPEN_DEAL),
                violation_error_message=_("This fund has an open deal with this project."),
            ),
            models.CheckConstraint(
                name="deal_is_about_something",
                condition=Q(company__isnull=False) | Q(project__isnull=False),
                violation_error_message=_("Name the company or the research project."),
            ),
        ]
        indexes = [models.Index(fields=["fund", "state"], name="deal_by_fund")]
        triggers = [
            *DEAL_MACHINE.triggers(),
            pgtrigger.Trigger(
                name="deal_cleared_before_committee",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state=DealState.DILIGENCE)
                & pgtrigger.Q(new__state=DealState.COMMITTEE),
                func=_CLEARED,
            ),
            pgtrigger.Trigger(
                name="deal_moves_with_a_reason",
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state__df=pgtrigger.F("new__state")),
                func=_TOLD,
            ),
            pgtrigger.ReadOnly(name="deal_identity_fixed", fields=["fund", "project", "opened_at"]),
            moves_only_by_merge("deal", "company"),
            kept("deal"),
        ]

    def __str__(self) -> str:
        return f"{self.fund.code} · {self.company or self.project}"

    @property
    def reasons_shown(self) -> list[str]:
        """Why it was suggested, in the language being read."""
        language = "zh-hans" if (get_language() or "zh-hans").startswith("zh") else "en"
        return list(self.reasons.get(language, []))


class DealMove(models.Model):
    """One move of a deal from state to state, with its reason."""

    deal = models.ForeignKey(Deal, verbose_name=_("deal"), on_delete=models.PROTECT, related_name="moves")
    number = models.PositiveIntegerField(_("number"))
    source = models.CharField(pgettext_lazy("state of a deal", "from"), max_length=12, choices=DealState)
    target = models.CharField(pgettext_lazy("state of a deal", "to"), max_length=12, choices=DealState)
    reason = models.TextField(_("Reason"), max_length=2000)
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
        verbose_name = _("move of a deal")
        verbose_name_plural = _("moves of deals")
        ordering = ["deal", "number"]
        constraints = [
            models.UniqueConstraint(name="deal_move_once", fields=["deal", "number"]),
            models.CheckConstraint(
                name="deal_move_says_why",
                condition=Q(reason__regex=r"\S"),
                violation_error_message=_("Say why."),
            ),
        ]
        triggers = append_only("deal_move")

    def __str__(self) -> str:
        return f"{self.get_source_display()} → {self.get_target_display()}"


class DiligenceItem(models.Model):
    """One point that a deal is examined for."""

    machine = ITEM_MACHINE

    deal = models.ForeignKey(Deal, verbose_name=_("deal"), on_delete=models.PROTECT, related_name="items")
    kind = models.CharField(_("kind"), max_length=12, choices=ItemKind)
    title = models.CharField(_("what is to be cleared"), max_length=200, blank=True)
    state = models.CharField(
        _("state"), max_length=8, choices=ItemState, default=ITEM_MACHINE.initial, editable=False
    )
    note = models.TextField(_("note"), max_length=2000, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("settled by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    objects = StaffRows.as_manager()

    class Meta:
        verbose_name = _("point of due diligence")
        verbose_name_plural = _("points of due diligence")
        ordering = ["deal", "id"]
        constraints = [
            models.UniqueConstraint(
                name="diligence_item_once",
                fields=["deal", "kind", "title"],
                violation_error_message=_("This point is on the list."),
            ),
            one_of("diligence_item_kind_known", "kind", ItemKind),
            models.CheckConstraint(
                name="diligence_item_settled_has_time",
                condition=Q(state=ItemState.OPEN, settled_at__isnull=True, settled_by__isnull=True)
                | (~Q(state=ItemState.OPEN) & Q(settled_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="diligence_item_waived_says_why",
                condition=~Q(state=ItemState.WAIVED) | Q(note__regex=r"\S"),
                violation_error_message=_("Say why this point is waived."),
            ),
        ]
        triggers = [
            *ITEM_MACHINE.triggers(),
            pgtrigger.Trigger(
                name="diligence_item_opens_in_time",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                condition=pgtrigger.Q(new__state=ItemState.OPEN),
                declare=[("held", "text")],
                func=_SETTLED,
            ),
            pgtrigger.ReadOnly(name="diligence_item_identity_fixed", fields=["deal", "kind", "title"]),
            kept("diligence_item"),
        ]

    def __str__(self) -> str:
        return self.title or str(self.get_kind_display())


class Handover(models.Model):
    """One funded project that was handed to a market fund, with its file."""

    award = models.ForeignKey(
        Award, verbose_name=_("award"), on_delete=models.PROTECT, related_name="handovers"
    )
    fund = models.ForeignKey(Fund, verbose_name=_("to fund"), on_delete=models.PROTECT, related_name="+")
    deal = models.ForeignKey(Deal, verbose_name=_("deal"), on_delete=models.PROTECT, related_name="handovers")
    note = models.TextField(_("note"), max_length=2000)
    # {"application": number, "award": number, "amount_fen", "documents": [id], "reviews": [id]} as they were that day.
    file = models.JSONField(_("file handed over"), default=dict)
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
        verbose_name = _("handover")
        verbose_name_plural = _("handovers")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="handover_once",
                fields=["award", "fund"],
                violation_error_message=_("This project has been handed to this fund."),
            )
        ]
        triggers = [
            *append_only("handover"),
            Agrees(
                name="handover_of_its_deal",
                same={
                    "deal.fund": "fund",
                    "award.organisation": "deal.company",
                    "award.project": "deal.project",
                },
            ),
        ]

    def __str__(self) -> str:
        return f"{self.award.number} → {self.fund.code}"
