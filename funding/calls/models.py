from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from funding.calls.states import (
    CALL_MACHINE,
    Acts,
    ApplicantKind,
    Blindness,
    CallState,
    Completion,
    ConflictScope,
    CriterionKind,
    OnNegative,
    Outcome,
    Purpose,
    QuestionKind,
    RuleKind,
    Scoring,
    StageKind,
)
from funding.funds.models import BudgetLine, Fund
from funding.funds.states import Track
from park_portal.core.accounts.rules import sees_records
from park_portal.core.invariants import Agrees, one_of
from park_portal.core.money import MoneyField
from park_portal.core.text import choice_label

# From the opening to the closing minute, and from today to either: whatever lies beyond is a slip of the keyboard.
LONGEST = timedelta(days=3 * 366)


def default_applicants() -> list[str]:
    return [ApplicantKind.ORGANISATION, ApplicantKind.PROJECT]


class CallQuerySet(models.QuerySet["Call"]):
    def visible_to(self, user: Any) -> CallQuerySet:
        """Staff see every call; everyone, signed in or not, sees those that were announced."""
        if user.is_authenticated and sees_records(user):
            return self
        return self.announced()

    def announced(self) -> CallQuerySet:
        return self.filter(state__in=[CallState.PUBLISHED, CallState.OPEN, CallState.CLOSED])

    def due_to_open(self, now: datetime) -> CallQuerySet:
        return self.filter(state=CallState.PUBLISHED, opens_at__lte=now)

    def due_to_close(self, now: datetime) -> CallQuerySet:
        """Return open calls whose closing minute and grace are both over."""
        grace = models.ExpressionWrapper(
            models.F("grace_minutes") * models.Value(timedelta(minutes=1)),
            output_field=models.DurationField(),
        )
        ends = models.ExpressionWrapper(models.F("closes_at") + grace, output_field=models.DateTimeField())
        return self.filter(state=CallState.OPEN).annotate(ends=ends).filter(ends__lte=now)

    def as_choices(self) -> list[tuple[str, str]]:
        """Return each call's key and name, newest first, for a filter."""
        calls = self.order_by("-opens_at", "-pk").only("code", "title_zh_hans", "title_en")
        return [(str(call.pk), str(call)) for call in calls]


class Call(models.Model):
    """One call for applications: its text, times, limits, form and stages."""

    machine = CALL_MACHINE

    code = models.CharField(
        _("code"),
        max_length=24,
        unique=True,
        error_messages={"unique": _("Another call has this code.")},
        validators=[
            RegexValidator(
                r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)*$", _("Capital letters, digits and hyphens, such as AIBT-2026.")
            )
        ],
        help_text=_("Begins the number of each application: AIBT-2026 gives AIBT-2026-0001."),
    )
    title = models.CharField(pgettext_lazy("call", "title"), max_length=160)
    summary = models.CharField(_("summary"), max_length=400, blank=True)
    body = models.TextField(
        _("text"),
        blank=True,
        help_text=_("Blank lines separate paragraphs; a line beginning with “- ” is a list item."),
    )
    fund = models.ForeignKey(Fund, verbose_name=_("fund"), on_delete=models.PROTECT, related_name="calls")
    outcome = models.CharField(
        _("a positive decision opens"), max_length=12, choices=Outcome, default=Outcome.AWARD
    )
    track = models.CharField(_("track"), max_length=8, choices=Track, default=Track.AI_BT)
    opens_at = models.DateTimeField(_("opens"))
    closes_at = models.DateTimeField(_("closes"))
    grace_minutes = models.PositiveSmallIntegerField(
        _("grace (minutes)"),
        default=0,
        validators=[MaxValueValidator(1440)],
        help_text=_("Drafts begun before the closing minute may still be submitted this long."),
    )
    applicants = ArrayField(
        models.CharField(max_length=12, choices=ApplicantKind),
        verbose_name=_("who may apply"),
        default=default_applicants,
    )
    budget_fen = MoneyField(_("budget"), null=True, blank=True)
    budget_line = models.ForeignKey(
        BudgetLine,
        verbose_name=_("budget line"),
        null=True,
        blank=True,
        db_index=False,
        on_delete=models.PROTECT,
        related_name="calls",
        help_text=_("Of the fund: what is approved under the call is held there at once."),
    )
    scoring = models.CharField(
        _("rating"),
        max_length=12,
        choices=Scoring,
        default=Scoring.MEAN,
        db_default=Scoring.MEAN,
        help_text=_("How the scores of several reviewers become one; named wherever it is shown."),
    )
    min_amount_fen = MoneyField(_("smallest amount"), null=True, blank=True)
    max_amount_fen = MoneyField(_("largest amount"), null=True, blank=True)
    max_files = models.PositiveSmallIntegerField(_("files an application"), default=20)
    max_file_mb = models.PositiveSmallIntegerField(
        _("size of a file (MB)"), default=20, validators=[MinValueValidator(1), MaxValueValidator(200)]
    )
    conflict_scope = models.CharField(
        _("same employer"),
        max_length=12,
        choices=ConflictScope,
        default=ConflictScope.ORGANISATION,
        db_default=ConflictScope.ORGANISATION,
        help_text=_("Whom sharing a university keeps from reviewing."),
    )
    contact = models.CharField(_("contact"), max_length=200, blank=True)
    lead = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("staff lead"),
        on_delete=models.PROTECT,
        related_name="+",
        limit_choices_to={"is_staff": True},
        help_text=_("Is told when something is overdue."),
    )
    copied_from = models.ForeignKey(
        "self",
        verbose_name=_("copied from"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    state = models.CharField(
        _("state"), max_length=12, choices=CallState, default=CallState.DRAFT, editable=False
    )
    published_at = models.DateTimeField(_("published at"), null=True, blank=True, editable=False)
    last_number = models.PositiveIntegerField(_("last number given"), default=0, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("created by"),
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    objects = CallQuerySet.as_manager()

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        ordering = ["-opens_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="call_closes_after_opening",
                condition=models.Q(closes_at__gt=models.F("opens_at")),
                violation_error_message=_("A call closes after it opens."),
            ),
            models.CheckConstraint(
                name="call_times_possible",
                condition=models.Q(opens_at__gte=datetime(2000, 1, 1, tzinfo=UTC))
                & models.Q(
                    closes_at__lte=models.ExpressionWrapper(
                        models.F("opens_at") + models.Value(LONGEST), output_field=models.DateTimeField()
                    )
                ),
                violation_error_message=_(
                    "A call opens in 2000 or later and is open for three years at most."
                ),
            ),
            models.CheckConstraint(
                name="call_amounts_in_order",
                condition=models.Q(max_amount_fen__gte=models.F("min_amount_fen"))
                | models.Q(min_amount_fen__isnull=True)
                | models.Q(max_amount_fen__isnull=True),
                violation_error_message=_("The largest amount is smaller than the smallest."),
            ),
            models.CheckConstraint(
                name="call_amounts_positive",
                condition=(models.Q(budget_fen__isnull=True) | models.Q(budget_fen__gte=0))
                & (models.Q(min_amount_fen__isnull=True) | models.Q(min_amount_fen__gte=0)),
            ),
            models.CheckConstraint(
                name="call_largest_amount_not_negative",
                condition=models.Q(max_amount_fen__isnull=True) | models.Q(max_amount_fen__gte=0),
            ),
            models.CheckConstraint(
                name="call_has_applicants",
                condition=models.Q(applicants__len__gt=0),
                violation_error_message=_("Say who may apply."),
            ),
            one_of("call_scoring_known", "scoring", Scoring),
            models.CheckConstraint(
                name="call_applicants_known",
                condition=models.Q(applicants__contained_by=ApplicantKind.values),
            ),
            one_of("call_conflict_scope_known", "conflict_scope", ConflictScope),
        ]
        indexes = [models.Index(fields=["state", "closes_at"], name="call_by_state")]
        triggers = [
            *CALL_MACHINE.triggers(),
            pgtrigger.Trigger(
                name="call_budget_covers_what_was_granted",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.budget_fen < COALESCE(OLD.budget_fen, 9223372036854775807)"
                ),
                func=(
                    "IF GREATEST(NEW.budget_fen, 0) < (SELECT COALESCE(SUM(d.amount_fen), 0) FROM funding_decision d "
                    "JOIN funding_application a ON a.id = d.application_id "
                    "LEFT JOIN funding_award w ON w.application_id = a.id "
                    "WHERE a.call_id = NEW.id AND d.state = 'released' AND d.verdict = 'approve' "
                    "AND w.state IS DISTINCT FROM 'lapsed') THEN "
                    "RAISE EXCEPTION 'more was granted under call % than that', NEW.id "
                    "USING ERRCODE = 'check_violation', CONSTRAINT = 'call_budget_covers_what_was_granted'; "
                    "END IF; RETURN NEW;"
                ),
            ),
            Agrees(
                name="call_budget_line_of_its_fund",
                same={"budget_line.fund": "fund"},
                watch=("budget_line_id", "fund_id"),
            ),
            # What people apply under does not change once it was announced; once somebody has applied, the closing
            # minute only moves later.
            pgtrigger.Trigger(
                name="call_terms_fixed",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.state <> 'draft' AND ((OLD.code, OLD.fund_id, OLD.outcome, OLD.track, OLD.applicants, "
                    "OLD.min_amount_fen, OLD.max_amount_fen, OLD.scoring, OLD.conflict_scope) IS DISTINCT FROM "
                    "(NEW.code, NEW.fund_id, NEW.outcome, "
                    "NEW.track, NEW.applicants, NEW.min_amount_fen, NEW.max_amount_fen, NEW.scoring, NEW.conflict_scope) "
                    "OR (NEW.closes_at < OLD.closes_at AND OLD.last_number > 0))"
                ),
                func=(
                    "RAISE EXCEPTION 'the terms of call % are fixed', OLD.id USING ERRCODE = 'check_violation';"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("calls:detail", args=[self.code])

    @property
    def ends_at(self) -> datetime:
        """The moment after which nothing is taken any more: closing minute plus grace."""
        return self.closes_at + timedelta(minutes=self.grace_minutes)

    def accepts(self, now: datetime | None = None) -> bool:
        """Return whether a draft may be submitted at ``now``, by the clock alone."""
        now = now or timezone.now()
        return self.state in (CallState.PUBLISHED, CallState.OPEN) and self.opens_at <= now < self.ends_at

    def takes_new_drafts(self, now: datetime | None = None) -> bool:
        """Return whether an application may be begun at ``now``: grace is only for drafts already begun."""
        now = now or timezone.now()
        return self.state in (CallState.PUBLISHED, CallState.OPEN) and self.opens_at <= now < self.closes_at


# What belongs to a call's form and stages may only change while the call is a draft: once it is published, applications
# are written and reviewed against it.
_ONLY_IN_DRAFT = """
    IF TG_OP <> 'INSERT' THEN
        owner := <old>;
        SELECT state INTO held FROM funding_call WHERE id = owner;
    END IF;
    IF TG_OP <> 'DELETE' AND COALESCE(held, 'draft') = 'draft' THEN
        owner := <new>;
        SELECT state INTO held FROM funding_call WHERE id = owner;
    END IF;
    IF COALESCE(held, 'draft') <> 'draft' THEN
        RAISE EXCEPTION 'the form and stages of call % are fixed', owner USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
"""


def fixed_once_published(name: str, path: str = "{row}.call_id") -> list[pgtrigger.Trigger]:
    """Return the trigger that refuses changes to rows of a call that is no longer a draft.

    ``path`` is an SQL expression of the call's id, with ``{row}`` for NEW or OLD.
    """
    body = _ONLY_IN_DRAFT.replace("<old>", path.format(row="OLD")).replace("<new>", path.format(row="NEW"))
    return [
        pgtrigger.Trigger(
            name=f"{name}_fixed",
            when=pgtrigger.Before,
            operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
            declare=[("owner", "bigint"), ("held", "text")],
            func=body,
        )
    ]


class SectionQuerySet(models.QuerySet["Section"]):
    def with_questions(self) -> SectionQuerySet:
        """Return the sections with their questions in order: two queries in all."""
        questions = CallQuestion.objects.select_related("question").order_by("position", "id")
        return self.prefetch_related(models.Prefetch("questions", questions))


class Section(models.Model):
    """One heading of a call's form."""

    # One column a language, made by modeltranslation.
    title_zh_hans: str
    title_en: str | None

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="sections")
    title = models.CharField(pgettext_lazy("section", "title"), max_length=120)
    position = models.PositiveSmallIntegerField(_("position"), default=1)

    objects = SectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("section")
        verbose_name_plural = _("sections")
        ordering = ["position", "id"]
        triggers = fixed_once_published("section")

    def __str__(self) -> str:
        return self.title


class QuestionQuerySet(models.QuerySet["Question"]):
    def in_use(self) -> QuestionQuerySet:
        return self.filter(retired=False)


class Question(models.Model):
    """One question of the bank; it keeps its key across calls, so that answers line up."""

    key = models.SlugField(
        _("key"),
        max_length=40,
        unique=True,
        help_text=_("Never changes; answers of all calls are found by it."),
    )
    kind = models.CharField(_("kind"), max_length=16, choices=QuestionKind)
    label = models.CharField(_("question"), max_length=200)
    help = models.TextField(_("help"), max_length=1000, blank=True)
    config = models.JSONField(_("settings"), default=dict, blank=True)
    retired = models.BooleanField(_("retired"), default=False, help_text=_("Not offered for new calls."))

    objects = QuestionQuerySet.as_manager()

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("question bank")
        ordering = ["key"]
        triggers = [pgtrigger.ReadOnly(name="question_identity_fixed", fields=["key", "kind"])]

    def __str__(self) -> str:
        return f"{self.label} ({self.key})"


class CallQuestion(models.Model):
    """One question as it stands in one call's form; publishing copies the bank's wording and settings into it."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="questions")
    section = models.ForeignKey(
        Section, verbose_name=_("section"), on_delete=models.CASCADE, related_name="questions"
    )
    question = models.ForeignKey(
        Question, verbose_name=_("question"), on_delete=models.PROTECT, related_name="uses"
    )
    position = models.PositiveSmallIntegerField(_("position"), default=1)
    required = models.BooleanField(_("required"), default=True)
    reviewers_see = models.BooleanField(_("reviewers see it"), default=True)
    redacted = models.BooleanField(
        _("names are blacked out"),
        default=False,
        db_default=False,
        help_text=_("For the reviewers of a double-blind stage."),
    )
    purpose = models.CharField(_("read as"), max_length=12, choices=Purpose, default=Purpose.NONE, blank=True)
    own_label = models.CharField(
        _("question in this call"), max_length=200, blank=True, help_text=_("Instead of the bank's.")
    )
    help = models.TextField(
        _("help in this call"), max_length=1000, blank=True, help_text=_("Instead of the bank's.")
    )
    config = models.JSONField(_("settings in this call"), default=dict, blank=True)
    condition_on = models.ForeignKey(
        "self",
        verbose_name=_("only if"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="dependents",
    )
    condition_value = models.CharField(
        _("is answered"), max_length=80, blank=True, help_text=_("The value of the choice; empty: anything.")
    )

    class Meta:
        verbose_name = _("question of the call")
        verbose_name_plural = _("questions of the call")
        ordering = ["section__position", "section_id", "position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["call", "question"],
                name="call_question_once",
                violation_error_message=_("This question is already in the form."),
            ),
            models.UniqueConstraint(
                fields=["call", "purpose"],
                condition=~models.Q(purpose=""),
                name="call_purpose_once",
                violation_error_message=_("Another question is already read as this."),
            ),
            one_of("call_question_purpose_known", "purpose", Purpose),
        ]
        triggers = [
            *fixed_once_published("call_question"),
            Agrees(
                name="call_question_of_its_call",
                same={"section.call": "call", "condition_on.call": "call"},
                watch=("call_id", "section_id", "condition_on_id"),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def key(self) -> str:
        return self.question.key

    @property
    def kind(self) -> str:
        return self.question.kind

    @property
    def label(self) -> str:
        return self.own_label or self.question.label

    @property
    def help_text(self) -> str:
        return self.help or self.question.help

    @property
    def settings(self) -> dict[str, Any]:
        """The bank's settings with this call's over them."""
        return {**self.question.config, **self.config}


class EligibilityRule(models.Model):
    """One condition that an applicant must meet, worked out live, with its source."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="eligibility_rules")
    kind = models.CharField(_("rule"), max_length=20, choices=RuleKind)
    applies_to = models.CharField(
        _("for"), max_length=12, choices=ApplicantKind, blank=True, help_text=_("Empty: every applicant.")
    )
    value = models.DecimalField(_("value"), max_digits=14, decimal_places=2, null=True, blank=True)
    policy_key = models.CharField(
        _("or from the policy"),
        max_length=80,
        blank=True,
        help_text=_("Takes its value and source from the dated rules."),
    )
    organisation = models.ForeignKey(
        "incubator.Organisation",
        verbose_name=_("university"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        limit_choices_to={"kind": "university"},
    )
    source = models.CharField(_("source"), max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=1)

    class Meta:
        verbose_name = _("eligibility rule")
        verbose_name_plural = _("eligibility rules")
        ordering = ["position", "id"]
        constraints = [
            one_of("eligibility_rule_kind_known", "kind", RuleKind),
            one_of("eligibility_rule_for_known", "applies_to", ApplicantKind, empty=True),
        ]
        triggers = fixed_once_published("eligibility_rule")

    def __str__(self) -> str:
        return self.get_kind_display()


class Stage(models.Model):
    """One step of a call's review, in the order staff gave it."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="stages")
    position = models.PositiveSmallIntegerField(_("position"))
    kind = models.CharField(_("kind"), max_length=12, choices=StageKind)
    name = models.CharField(_("name"), max_length=80)
    instructions = models.TextField(_("instructions"), max_length=4000, blank=True)
    working_days = models.PositiveSmallIntegerField(
        _("working days"), default=5, validators=[MinValueValidator(1), MaxValueValidator(250)]
    )
    acts = models.CharField(_("who acts"), max_length=12, choices=Acts)
    required_count = models.PositiveSmallIntegerField(
        _("how many"), default=1, validators=[MinValueValidator(1), MaxValueValidator(20)]
    )
    completion = models.CharField(
        _("is complete when"), max_length=8, choices=Completion, default=Completion.COUNT
    )
    on_negative = models.CharField(
        _("a negative opinion"), max_length=8, choices=OnNegative, default=OnNegative.CONTINUE
    )
    blindness = models.CharField(
        _("who sees whom"),
        max_length=8,
        choices=Blindness,
        default=Blindness.SINGLE,
        # For who still runs the release before, which does not know the column.
        db_default=Blindness.SINGLE,
        help_text=_("Of experts who are asked for a review; reviewers are told before they accept."),
    )

    class Meta:
        verbose_name = _("stage")
        verbose_name_plural = _("stages")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["call", "position"], name="stage_position_once", deferrable=models.Deferrable.DEFERRED
            ),
            one_of("stage_kind_known", "kind", StageKind),
            one_of("stage_acts_known", "acts", Acts),
            one_of("stage_completion_known", "completion", Completion),
            one_of("stage_blindness_known", "blindness", Blindness),
            one_of("stage_on_negative_known", "on_negative", OnNegative),
            # With none to wait for, a stage would be over before anyone has looked.
            models.CheckConstraint(
                name="stage_waits_for_an_opinion", condition=models.Q(required_count__gte=1)
            ),
        ]
        triggers = fixed_once_published("stage")

    def __str__(self) -> str:
        return self.name or choice_label(self, "kind")

    @property
    def is_double_blind(self) -> bool:
        """Reviewers must not learn who applies."""
        return self.blindness == Blindness.DOUBLE

    @property
    def is_open(self) -> bool:
        """Applicants are told who reviewed, once it is decided."""
        return self.blindness == Blindness.OPEN


class Criterion(models.Model):
    """One line of a stage's rubric or checklist."""

    stage = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="criteria")
    kind = models.CharField(_("kind"), max_length=8, choices=CriterionKind, default=CriterionKind.SCORE)
    label = models.CharField(_("criterion"), max_length=160)
    help = models.TextField(_("help"), max_length=1000, blank=True)
    weight = models.PositiveSmallIntegerField(
        _("weight"), default=1, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    max_score = models.PositiveSmallIntegerField(
        _("highest score"), default=10, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    allow_na = models.BooleanField(_("“not applicable” allowed"), default=False)
    position = models.PositiveSmallIntegerField(_("position"), default=1)

    class Meta:
        verbose_name = _("criterion")
        verbose_name_plural = _("criteria")
        ordering = ["position", "id"]
        constraints = [
            one_of("criterion_kind_known", "kind", CriterionKind),
            # Scores are divided by both.
            models.CheckConstraint(
                name="rubric_weights_above_zero",
                condition=models.Q(weight__gte=1) & models.Q(max_score__gte=1),
            ),
        ]
        triggers = fixed_once_published(
            "criterion", "(SELECT call_id FROM funding_stage WHERE id = {row}.stage_id)"
        )

    def __str__(self) -> str:
        return self.label


class CallText(models.Model):
    """One call's own text of one kind of notice, instead of the portal's."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="texts")
    kind = models.CharField(_("notice"), max_length=80)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    body = models.TextField(_("text"), max_length=10000, blank=True)

    class Meta:
        verbose_name = _("notice text")
        verbose_name_plural = _("notice texts")
        ordering = ["kind"]
        constraints = [models.UniqueConstraint(fields=["call", "kind"], name="call_text_once")]

    def __str__(self) -> str:
        return self.kind
