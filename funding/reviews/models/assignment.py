from __future__ import annotations

import zlib
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.calls.models import Call, Stage
from funding.reviews.criteria import PlanCriteria, criteria_of
from funding.reviews.models.runs import StageRun
from funding.reviews.states import OPEN_PLANS, PLAN_MACHINE, PairOrigin, PlanMethod, PlanState
from park_portal.core.accounts.rules import sees_records
from park_portal.core.invariants import Agrees, kept, one_of
from park_portal.core.jobs.models import Job

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# What stands for a pair in the table of those who must not meet, beside 0 for a pair that may.
CONFLICT: Final = 1  # a conflict of interest
STEPPED_BACK: Final = 2  # declined this application before, or was released from it
UNFIT: Final = 3  # matches less than the criteria ask for
AFFINITY_STEPS: Final = 10_000  # a match is kept in four decimals, and what is kept is what is solved


class AssignmentPlanQuerySet(models.QuerySet["AssignmentPlan"]):
    def visible_to(self, user: Any) -> AssignmentPlanQuerySet:
        """Staff see all; nobody else learns who was thought of for an application."""
        return self if user.is_authenticated and sees_records(user) else self.none()

    def open(self) -> AssignmentPlanQuerySet:
        return self.filter(state__in=OPEN_PLANS)


class AssignmentPlan(models.Model):
    """One assignment of reviewers to the applications of an expert stage: what was asked, what came out, who confirmed it."""

    machine = PLAN_MACHINE

    call = models.ForeignKey(Call, verbose_name=_("call"), on_delete=models.PROTECT, related_name="plans")
    stage = models.ForeignKey(Stage, verbose_name=_("stage"), on_delete=models.PROTECT, related_name="plans")
    parent = models.ForeignKey(
        "self",
        verbose_name=_("replaces reviewers of"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="replacements",
    )
    method = models.CharField(_("method"), max_length=8, choices=PlanMethod, default=PlanMethod.OPTIMAL)
    criteria = models.JSONField(_("criteria"), default=dict)
    seed = models.BigIntegerField(_("seed"), default=0)
    published_at = models.DateTimeField(_("pool and seed published"), null=True, blank=True)
    due_at = models.DateTimeField(_("reviews due"), null=True, blank=True)
    invites_replacements = models.BooleanField(
        _("invite replacements by itself"),
        default=False,
        help_text=_(
            "When somebody declines or has a conflict of interest, the next best is asked at once. For an overdue review "
            "you are always asked first."
        ),
    )
    # [{"review", "why", "key"}]: what the replacements answer to, so that nothing is answered twice.
    because = models.JSONField(_("because of"), default=list, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=PlanState, default=PlanState.DRAFT)
    # What came out, as `services.planning.outcome` writes it; and, of what failed, why.
    figures = models.JSONField(_("figures"), default=dict, blank=True, encoder=DjangoJSONEncoder)
    diagnosis = models.JSONField(_("why not"), default=dict, blank=True, encoder=DjangoJSONEncoder)
    job = models.ForeignKey(
        Job, verbose_name=_("job"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    revision = models.PositiveIntegerField(_("revision"), default=1)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("begun by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    created_at = models.DateTimeField(_("begun"), default=timezone.now)
    solved_at = models.DateTimeField(_("worked out"), null=True, blank=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("confirmed by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)

    objects = AssignmentPlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("assignment of reviewers")
        verbose_name_plural = _("assignments of reviewers")
        ordering = ["-id"]
        constraints = [
            one_of("plan_method_known", "method", PlanMethod),
            models.UniqueConstraint(
                fields=["parent"],
                condition=models.Q(state__in=OPEN_PLANS),
                name="plan_one_replacement_at_a_time",
            ),
            models.CheckConstraint(
                name="plan_confirmed_has_a_moment",
                condition=~models.Q(state=PlanState.CONFIRMED) | models.Q(confirmed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="plan_published_is_a_draw",
                condition=models.Q(published_at__isnull=True) | models.Q(method=PlanMethod.DRAW),
            ),
        ]
        triggers = [
            *PLAN_MACHINE.triggers(),
            Agrees(name="plan_of_its_call", same={"stage.call": "call", "parent.stage": "stage"}),
            pgtrigger.ReadOnly(
                name="plan_place_fixed",
                fields=["call", "stage", "parent", "method", "created_by", "created_at"],
            ),
            # A seed that could be tried again until it pleases would be no draw.
            pgtrigger.Protect(
                name="plan_published_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__published_at__isnull=False)
                & (
                    pgtrigger.Q(old__seed__df=pgtrigger.F("new__seed"))
                    | pgtrigger.Q(old__criteria__df=pgtrigger.F("new__criteria"))
                    | pgtrigger.Q(old__published_at__df=pgtrigger.F("new__published_at"))
                ),
            ),
            kept("plan"),
        ]

    def __str__(self) -> str:
        return f"{self.call.code} · {self.stage} · {self.pk}"

    @cached_property
    def asked(self) -> PlanCriteria:
        """The criteria, typed."""
        return criteria_of(self.criteria)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_PLANS

    @property
    def is_draw(self) -> bool:
        return self.method == PlanMethod.DRAW

    @property
    def is_being_published(self) -> bool:
        """Whether a worker reads the pool of a draw, to publish it."""
        return self.is_draw and self.published_at is None and self.job is not None and self.job.is_open

    @property
    def root(self) -> AssignmentPlan:
        """The plan whose reviewers this one replaces, or itself."""
        return self.parent if self.parent is not None else self


_POOL_FIXED = """
    IF EXISTS (SELECT 1 FROM funding_assignmentplan p
               WHERE p.id = OLD.plan_id AND (p.published_at IS NOT NULL OR p.state IN ('confirmed', 'discarded'))) THEN
        RAISE EXCEPTION 'the pool of plan % is published', OLD.plan_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'plan_pool_published_fixed';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
"""


class PlanPool(models.Model):
    """What one plan is worked out from: the applications, the reviewers, who must not meet, and how well each pair matches."""

    plan = models.OneToOneField(
        AssignmentPlan,
        verbose_name=_("plan"),
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="pool",
    )
    runs = ArrayField(models.BigIntegerField(), verbose_name=_("applications"), default=list)
    people = ArrayField(models.BigIntegerField(), verbose_name=_("reviewers"), default=list)
    # Per application and per reviewer: what the draw needs to be done again.
    terms = models.JSONField(_("terms"), default=dict)
    affinity = models.BinaryField(_("matches"))  # (runs, people) of 0 … 10000, two bytes each, packed
    barred = models.BinaryField(_("who must not meet"))  # (runs, people), one byte each, packed
    digest = models.CharField(_("hash"), max_length=64)
    taken_at = models.DateTimeField(_("taken"), default=timezone.now)

    class Meta:
        verbose_name = _("pool of an assignment")
        verbose_name_plural = _("pools of assignments")
        triggers = [
            pgtrigger.Trigger(
                name="plan_pool_published_fixed",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=_POOL_FIXED,
            ),
            pgtrigger.ReadOnly(name="plan_pool_place_fixed", fields=["plan"]),
        ]

    def __str__(self) -> str:
        return f"{self.plan_id} · {self.digest[:12]}"

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.runs), len(self.people)

    @cached_property
    def matches(self) -> NDArray[np.float64]:
        """(runs, people), 0 … 1, in four decimals."""
        import numpy as np  # 50 ms that pages without a plan need not pay

        steps = np.frombuffer(zlib.decompress(bytes(self.affinity)), dtype="<u2").reshape(self.shape)
        return steps / AFFINITY_STEPS

    @cached_property
    def closed(self) -> NDArray[np.uint8]:
        """(runs, people): 0, CONFLICT, STEPPED_BACK or UNFIT."""
        import numpy as np  # as above

        return np.frombuffer(zlib.decompress(bytes(self.barred)), dtype=np.uint8).reshape(self.shape)

    @cached_property
    def row_of(self) -> dict[int, int]:
        return {run: row for row, run in enumerate(self.runs)}

    @cached_property
    def column_of(self) -> dict[int, int]:
        return {person: column for column, person in enumerate(self.people)}

    @staticmethod
    def packed(affinity: NDArray[np.float64], barred: NDArray[np.uint8]) -> dict[str, bytes]:
        """Return the columns that hold the two tables."""
        import numpy as np  # as above

        steps = np.rint(np.clip(affinity, 0, 1) * AFFINITY_STEPS).astype("<u2")
        return {
            "affinity": zlib.compress(steps.tobytes(), 3),
            "barred": zlib.compress(np.ascontiguousarray(barred, dtype=np.uint8).tobytes(), 3),
        }


_PAIR_OPEN = """
    IF EXISTS (SELECT 1 FROM funding_assignmentplan p
               WHERE p.id = COALESCE(NEW.plan_id, OLD.plan_id) AND p.state IN ('confirmed', 'discarded')) THEN
        RAISE EXCEPTION 'plan % is over', COALESCE(NEW.plan_id, OLD.plan_id)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'planned_pair_of_open_plan';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
"""


class PlannedPair(models.Model):
    """One reviewer for one application, as a plan proposes it."""

    plan = models.ForeignKey(
        AssignmentPlan, verbose_name=_("plan"), on_delete=models.CASCADE, related_name="pairs"
    )
    run = models.ForeignKey(
        StageRun,
        verbose_name=_("stage of an application"),
        on_delete=models.PROTECT,
        related_name="planned",
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("reviewer"), on_delete=models.PROTECT, related_name="+"
    )
    affinity = models.DecimalField(_("match"), max_digits=5, decimal_places=4)
    origin = models.CharField(_("origin"), max_length=8, choices=PairOrigin)

    class Meta:
        verbose_name = _("planned review")
        verbose_name_plural = _("planned reviews")
        ordering = ["plan", "run", "id"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "run", "person"], name="planned_pair_once"),
            models.CheckConstraint(
                name="planned_pair_match_in_range", condition=models.Q(affinity__range=(0, 1))
            ),
            one_of("planned_pair_origin_known", "origin", PairOrigin),
        ]
        triggers = [
            Agrees(name="planned_pair_of_its_stage", same={"run.stage": "plan.stage"}),
            pgtrigger.ReadOnly(name="planned_pair_place_fixed", fields=["plan", "run", "person"]),
            pgtrigger.Trigger(
                name="planned_pair_of_open_plan",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                func=_PAIR_OPEN,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run} · {self.person}"
