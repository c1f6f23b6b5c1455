from __future__ import annotations

from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.applications.models import Application
from funding.calls.models import Criterion
from funding.reviews.models.pledges import Pledge
from funding.reviews.models.runs import StageRun
from funding.reviews.rules import barred_from
from funding.reviews.states import (
    OPEN_REVIEWS,
    REVIEW_MACHINE,
    Confidence,
    ConflictKind,
    Opinion,
    ReviewState,
)
from park_portal.core.accounts.rules import sees_records
from park_portal.core.invariants import Agrees, kept, one_of


class ReviewQuerySet(models.QuerySet["Review"]):
    def visible_to(self, user: Any) -> ReviewQuerySet:
        """Staff see all but those of applications that a conflict keeps them from; everyone sees their own."""
        if not user.is_authenticated:
            return self.none()
        own = models.Q(reviewer_id=user.pk)
        return self.filter(
            own | ~models.Q(application_id__in=barred_from(user)) if sees_records(user) else own
        )

    def open(self) -> ReviewQuerySet:
        return self.filter(state__in=OPEN_REVIEWS)

    def submitted(self) -> ReviewQuerySet:
        return self.filter(state=ReviewState.SUBMITTED)


# The friendly half of what keeps reviewers and applications apart; the rest is in sql/apart.sql.
_REFUSE_CONFLICT = """
    IF TG_OP = 'UPDATE' THEN
        IF NEW.state <> 'assigned' OR OLD.state = NEW.state THEN RETURN NEW; END IF;
    END IF;
    IF funding_conflict(NEW.reviewer_id, NEW.application_id, EXISTS (
        SELECT 1 FROM funding_stagerun r JOIN funding_stage s ON s.id = r.stage_id
        WHERE r.id = NEW.run_id AND s.acts = 'expert')) IS NOT NULL THEN
        RAISE EXCEPTION 'person % has a conflict of interest with application %', NEW.reviewer_id, NEW.application_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'review_refuses_conflict';
    END IF;
    RETURN NEW;
"""

# An expert reads the application only after saying that there is no conflict and signing the pledge of integrity.
_DECLARED_FIRST = """
    IF (NEW.declared_at IS NULL OR NEW.pledge_id IS NULL) AND EXISTS (
        SELECT 1 FROM funding_stagerun r JOIN funding_stage s ON s.id = r.stage_id
        WHERE r.id = NEW.run_id AND s.acts = 'expert') THEN
        RAISE EXCEPTION 'review % has no declaration yet', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'review_declared_first';
    END IF;
    RETURN NEW;
"""


class Review(models.Model):
    """One person's opinion on one application in one stage, from being asked to being submitted."""

    machine = REVIEW_MACHINE

    run = models.ForeignKey(
        StageRun,
        verbose_name=_("stage of an application"),
        on_delete=models.PROTECT,
        related_name="reviews",
    )
    application = models.ForeignKey(
        Application, verbose_name=_("application"), on_delete=models.PROTECT, related_name="reviews"
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("reviewer"), on_delete=models.PROTECT, related_name="reviews"
    )
    state = models.CharField(_("state"), max_length=10, choices=ReviewState, default=ReviewState.ASSIGNED)
    due_at = models.DateTimeField(_("due"))
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("assigned by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    assigned_at = models.DateTimeField(_("assigned"), default=timezone.now)
    answered_at = models.DateTimeField(
        _("answered"), null=True, blank=True, help_text=_("Accepted, declined, or a conflict declared.")
    )
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    released_at = models.DateTimeField(_("released"), null=True, blank=True)
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True)
    suspended_at = models.DateTimeField(_("suspended"), null=True, blank=True)
    suspension_told_at = models.DateTimeField(
        _("told of the suspension"), null=True, blank=True, editable=False
    )
    declared_at = models.DateTimeField(_("declared to have no conflict"), null=True, blank=True)
    pledge = models.ForeignKey(
        Pledge,
        verbose_name=_("pledge of integrity signed"),
        null=True,
        blank=True,
        db_index=False,  # nobody asks who signed a version
        on_delete=models.PROTECT,
        related_name="reviews",
    )
    opinion = models.CharField(_("recommendation"), max_length=20, choices=Opinion, blank=True)
    confidence = models.PositiveSmallIntegerField(_("confidence"), choices=Confidence, null=True, blank=True)
    score = models.DecimalField(
        _("score"),
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("Weighted, out of 100; fixed on submission."),
    )
    comment_committee = models.TextField(_("for the committee"), blank=True)
    comment_applicant = models.TextField(_("for the applicant"), blank=True)
    # A person's words, or the kind of conflict where they gave none: pages show ``reason_text``.
    decline_reason = models.CharField(_("reason"), max_length=400, blank=True)
    revision = models.PositiveIntegerField(_("revision"), default=1)
    # {field: the revision in which it last changed}: two tabs only disagree where they changed the same field.
    changed = models.JSONField(_("changed in revision"), default=dict, editable=False)
    updated_at = models.DateTimeField(_("saved"), default=timezone.now)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        ordering = ["due_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "reviewer"],
                name="review_once",
                violation_error_message=_("This person already reviews this application."),
            ),
            models.CheckConstraint(
                name="review_submitted_has_opinion",
                condition=~models.Q(state=ReviewState.SUBMITTED)
                | (models.Q(submitted_at__isnull=False) & ~models.Q(opinion="")),
            ),
            models.CheckConstraint(
                name="review_score_in_range",
                condition=models.Q(score__isnull=True) | models.Q(score__range=(0, 100)),
            ),
            one_of("review_opinion_known", "opinion", Opinion, empty=True),
        ]
        indexes = [
            models.Index(fields=["reviewer", "state", "due_at"], name="review_queue"),
            models.Index(fields=["application", "state"], name="review_by_application"),
            models.Index(
                fields=["due_at"],
                name="review_open_due",
                condition=models.Q(state__in=["assigned", "accepted"]),
            ),
        ]
        triggers = [
            *REVIEW_MACHINE.triggers(),
            Agrees(name="review_of_its_run", same={"run.application": "application"}),
            pgtrigger.ReadOnly(name="review_identity_fixed", fields=["run", "application", "reviewer"]),
            kept("review"),
            pgtrigger.Trigger(
                name="review_refuses_conflict",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=_REFUSE_CONFLICT,
            ),
            pgtrigger.Trigger(
                name="review_declared_first",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state="assigned", new__state="accepted"),
                func=_DECLARED_FIRST,
            ),
            pgtrigger.Protect(
                name="review_submitted_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state="submitted", new__state="submitted")
                & (
                    pgtrigger.Q(old__opinion__df=pgtrigger.F("new__opinion"))
                    | pgtrigger.Q(old__confidence__df=pgtrigger.F("new__confidence"))
                    | pgtrigger.Q(old__score__df=pgtrigger.F("new__score"))
                    | pgtrigger.Q(old__submitted_at__df=pgtrigger.F("new__submitted_at"))
                    | pgtrigger.Q(old__comment_committee__df=pgtrigger.F("new__comment_committee"))
                    | pgtrigger.Q(old__comment_applicant__df=pgtrigger.F("new__comment_applicant"))
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application.number} · {self.reviewer}"

    def get_absolute_url(self) -> str:
        return reverse("reviews:detail", args=[self.pk])

    @property
    def reason_text(self) -> str:
        """Why the reviewer stepped back, as it is read: a kind of conflict in the reader's language."""
        kind = self.decline_reason
        return str(ConflictKind(kind).label) if kind in ConflictKind.values else kind

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_REVIEWS

    @property
    def is_overdue(self) -> bool:
        return self.is_open and self.due_at < timezone.now()


class Score(models.Model):
    """One reviewer's mark for one criterion: a number, “not applicable”, or nothing yet."""

    review = models.ForeignKey(
        Review, verbose_name=_("review"), on_delete=models.CASCADE, related_name="scores"
    )
    criterion = models.ForeignKey(
        Criterion, verbose_name=_("criterion"), on_delete=models.PROTECT, related_name="scores"
    )
    value = models.DecimalField(_("score"), max_digits=5, decimal_places=2, null=True, blank=True)
    not_applicable = models.BooleanField(_("not applicable"), default=False)
    note = models.CharField(_("note"), max_length=1000, blank=True)

    class Meta:
        verbose_name = _("score")
        verbose_name_plural = _("scores")
        constraints = [
            models.UniqueConstraint(fields=["review", "criterion"], name="score_once"),
            models.CheckConstraint(
                name="score_or_not_applicable",
                condition=models.Q(not_applicable=False) | models.Q(value__isnull=True),
            ),
            models.CheckConstraint(
                name="score_not_negative", condition=models.Q(value__isnull=True) | models.Q(value__gte=0)
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="score_within_criterion",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                declare=[("highest", "numeric"), ("na", "boolean"), ("held", "text")],
                func=(
                    "SELECT max_score, allow_na INTO highest, na FROM funding_criterion WHERE id = NEW.criterion_id; "
                    "SELECT state INTO held FROM funding_review WHERE id = NEW.review_id; "
                    "IF NEW.value > highest OR (NEW.not_applicable AND NOT na) THEN RAISE EXCEPTION "
                    "'score % is outside criterion %', NEW.value, NEW.criterion_id "
                    "USING ERRCODE = 'check_violation'; END IF; "
                    "IF held = 'submitted' THEN RAISE EXCEPTION 'review % is submitted', NEW.review_id "
                    "USING ERRCODE = 'check_violation'; END IF; RETURN NEW;"
                ),
            ),
            Agrees(name="score_of_its_stage", same={"criterion.stage": "review.run.stage"}),
            pgtrigger.ReadOnly(name="score_place_fixed", fields=["review", "criterion"]),
            kept("score"),
        ]

    def __str__(self) -> str:
        return f"{self.criterion}: {'—' if self.value is None else self.value}"
