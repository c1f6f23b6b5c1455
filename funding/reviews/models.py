from __future__ import annotations

from typing import Any

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.applications.models import Application
from funding.calls.models import Criterion, Stage
from funding.calls.states import Acts
from funding.reviews.states import (
    OPEN_REVIEWS,
    REVIEW_MACHINE,
    RUN_MACHINE,
    AutomaticNote,
    Confidence,
    ConflictKind,
    Opinion,
    ReviewState,
    RunState,
)
from incubator.organisations.models import Organisation
from incubator.projects.models import ResearchProject
from park_portal.core.accounts.rules import sees_records
from park_portal.core.invariants import Agrees, kept, one_of


class ReviewerQuerySet(models.QuerySet["Reviewer"]):
    def visible_to(self, user: Any) -> ReviewerQuerySet:
        """Staff see the pool; a reviewer sees their own entry."""
        if not user.is_authenticated:
            return self.none()
        return self if sees_records(user) else self.filter(user_id=user.pk)

    def active(self) -> ReviewerQuerySet:
        return self.filter(active=True, user__is_active=True)


class Reviewer(models.Model):
    """One expert of the pool: where they work, what they know, how much they take on."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, verbose_name=_("person"), on_delete=models.CASCADE, related_name="reviewer"
    )
    institution = models.CharField(_("institution"), max_length=200, blank=True)
    organisation = models.ForeignKey(
        Organisation,
        verbose_name=_("employer on file"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    title = models.CharField(_("title"), max_length=80, blank=True)
    keywords = ArrayField(
        models.CharField(max_length=60), verbose_name=_("keywords"), default=list, blank=True
    )
    capacity = models.PositiveSmallIntegerField(_("reviews at a time"), default=6)
    active = models.BooleanField(_("available"), default=True)
    created_at = models.DateTimeField(_("since"), default=timezone.now)

    objects = ReviewerQuerySet.as_manager()

    class Meta:
        verbose_name = _("expert reviewer")
        verbose_name_plural = _("expert reviewers")
        ordering = ["user__name", "id"]

    def __str__(self) -> str:
        return self.user.name


class StageRunQuerySet(models.QuerySet["StageRun"]):
    def visible_to(self, user: Any) -> StageRunQuerySet:
        """Staff see all; liaisons the liaison stages of their university or faculties."""
        if not user.is_authenticated:
            return self.none()
        if sees_records(user):
            return self
        in_care = ResearchProject.objects.in_care_of(user).values("pk")
        return self.filter(stage__acts=Acts.LIAISON, application__project__in=in_care)

    def under_way(self) -> StageRunQuerySet:
        return self.filter(state__in=[RunState.ACTIVE, RunState.PAUSED])


class StageRun(models.Model):
    """One application's passage through one stage."""

    machine = RUN_MACHINE

    application = models.ForeignKey(
        Application, verbose_name=_("application"), on_delete=models.PROTECT, related_name="runs"
    )
    stage = models.ForeignKey(Stage, verbose_name=_("stage"), on_delete=models.PROTECT, related_name="runs")
    state = models.CharField(_("state"), max_length=10, choices=RunState, default=RunState.ACTIVE)
    entered_at = models.DateTimeField(_("entered"), default=timezone.now)
    due_at = models.DateTimeField(_("due"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    # A person's words, or the code of an ``AutomaticNote``: pages show ``note_text``.
    note = models.TextField(_("note"), blank=True)

    objects = StageRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("stage of an application")
        verbose_name_plural = _("stages of applications")
        ordering = ["application", "entered_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["application", "stage"], name="stage_run_once"),
            models.UniqueConstraint(
                fields=["application"],
                condition=models.Q(state__in=[RunState.ACTIVE, RunState.PAUSED]),
                name="stage_run_one_at_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["stage", "state", "due_at"], name="stage_run_queue"),
            models.Index(
                fields=["due_at", "id"], name="stage_run_active_due", condition=models.Q(state="active")
            ),
        ]
        triggers = [
            *RUN_MACHINE.triggers(),
            Agrees(name="stage_run_of_its_call", same={"stage.call": "application.call"}),
            pgtrigger.ReadOnly(name="stage_run_place_fixed", fields=["application", "stage"]),
            kept("stage_run"),
        ]

    def __str__(self) -> str:
        return f"{self.application.number} · {self.stage}"

    @property
    def note_text(self) -> str:
        """The note as it is read: what the portal noted by itself in the reader's language."""
        return str(AutomaticNote(self.note).label) if self.note in AutomaticNote.values else self.note


class ReviewQuerySet(models.QuerySet["Review"]):
    def visible_to(self, user: Any) -> ReviewQuerySet:
        """Staff see all; everyone else their own."""
        if not user.is_authenticated:
            return self.none()
        return self if sees_records(user) else self.filter(reviewer_id=user.pk)

    def open(self) -> ReviewQuerySet:
        return self.filter(state__in=OPEN_REVIEWS)

    def submitted(self) -> ReviewQuerySet:
        return self.filter(state=ReviewState.SUBMITTED)


# Whoever belongs to the applicant, or has a conflict on record, gives no opinion, in whatever stage. Sharing the
# employer bars an expert; for the university's liaison it is the point.
_REFUSE_CONFLICT = """
    IF TG_OP = 'UPDATE' THEN
        IF NEW.state <> 'assigned' OR OLD.state = NEW.state THEN RETURN NEW; END IF;
    END IF;
    IF EXISTS (SELECT 1 FROM funding_conflict c
               WHERE c.person_id = NEW.reviewer_id AND c.application_id = NEW.application_id)
       OR EXISTS (SELECT 1 FROM funding_application a JOIN incubator_membership m
                  ON m.organisation_id = a.organisation_id
                  WHERE a.id = NEW.application_id AND m.user_id = NEW.reviewer_id)
       OR EXISTS (SELECT 1 FROM funding_application a JOIN incubator_projectmember p ON p.project_id = a.project_id
                  WHERE a.id = NEW.application_id AND p.user_id = NEW.reviewer_id)
       OR EXISTS (SELECT 1 FROM funding_application a JOIN incubator_researchproject p ON p.id = a.project_id
                  WHERE a.id = NEW.application_id AND p.pi_user_id = NEW.reviewer_id)
       OR EXISTS (SELECT 1 FROM funding_stagerun r JOIN funding_stage s ON s.id = r.stage_id
                  JOIN funding_application a ON a.id = r.application_id
                  JOIN funding_reviewer e ON e.user_id = NEW.reviewer_id
                  LEFT JOIN incubator_researchproject p ON p.id = a.project_id
                  WHERE r.id = NEW.run_id AND s.acts = 'expert'
                  AND e.organisation_id IN (a.organisation_id, p.university_id)) THEN
        RAISE EXCEPTION 'person % has a conflict of interest with application %', NEW.reviewer_id, NEW.application_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'review_refuses_conflict';
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
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True)
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


class Conflict(models.Model):
    """One reason why one person must not review one application."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("person"), on_delete=models.CASCADE, related_name="conflicts"
    )
    application = models.ForeignKey(
        Application, verbose_name=_("application"), on_delete=models.CASCADE, related_name="conflicts"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=ConflictKind)
    note = models.CharField(_("note"), max_length=400, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("recorded by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    recorded_at = models.DateTimeField(_("recorded"), default=timezone.now)

    class Meta:
        verbose_name = _("conflict of interest")
        verbose_name_plural = _("conflicts of interest")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["person", "application", "kind"], name="conflict_once")
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="conflict_identity_fixed", fields=["person", "application", "kind", "recorded_by"]
            ),
            # What somebody declared of themselves, staff do not take back.
            pgtrigger.Protect(
                name="conflict_declared_is_kept",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Q(old__recorded_by=pgtrigger.F("old__person")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} · {self.application}: {self.get_kind_display()}"


class Objection(models.Model):
    """One objection raised against an application during its public notice."""

    run = models.ForeignKey(
        StageRun,
        verbose_name=_("stage of an application"),
        on_delete=models.PROTECT,
        related_name="objections",
    )
    name = models.CharField(_("name"), max_length=80)
    email = models.EmailField(_("e-mail"), blank=True)
    text = models.TextField(_("objection"), max_length=4000)
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    resolution = models.TextField(_("resolution"), max_length=4000, blank=True)
    upheld = models.BooleanField(_("upheld"), null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("resolved by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)

    class Meta:
        verbose_name = _("objection")
        verbose_name_plural = _("objections")
        ordering = ["-id"]
        triggers = [
            pgtrigger.ReadOnly(
                name="objection_words_fixed", fields=["run", "name", "email", "text", "received_at"]
            ),
            pgtrigger.Protect(
                name="objection_resolved_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__upheld__isnull=False),
            ),
            kept("objection"),
        ]

    def __str__(self) -> str:
        return f"{self.run.application} · {self.name}"
