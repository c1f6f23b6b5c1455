"""The staff's pages of review: the queue of stages, the opinion page, assignment, reviewers, conflicts, objections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from unfold.decorators import display

from funding.applications.admin import NextStep, next_steps
from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.calls.models import Call, Question
from funding.calls.states import Acts, CriterionKind, StageKind
from funding.reviews.forms import (
    BulkPassForm,
    BulkRejectForm,
    BulkReturnForm,
    CloseForm,
    ConflictForm,
    DueForm,
    InviteReviewerForm,
    OpinionForm,
    ReasonForm,
    ResolveForm,
    due_in,
)
from funding.reviews.models import Conflict, Objection, Review, Reviewer, Score, StageRun
from funding.reviews.pages import latest_versions, page_of_run
from funding.reviews.services import (
    Load,
    act_in_stage,
    acts_of,
    assign_reviewers,
    complete_run,
    conflicts_of,
    invite_reviewer,
    load_of,
    record_conflict,
    release_reviewer,
    reopen_review,
    replace_reviewer,
    resolve_objection,
    runs_of_experts,
    set_due,
    update_reviewer,
    withdraw_conflict,
)
from funding.reviews.states import OPEN_REVIEWS, OPINIONS_OF_STAGE, Opinion, ReviewState, RunState
from park_portal.core.accounts.models import User
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, StaffPage, dress, label_acts, state_label
from park_portal.core.errors import DomainError
from park_portal.core.templatetags.portal import until

SHOWN = 200  # lines of a table on a page; the filters above it find the rest

label_acts(
    {
        "stage_run.enter": gettext_lazy("stage entered"),
        "stage_run.set_due": gettext_lazy("deadline changed"),
        "application.place": gettext_lazy("moved to another stage"),
        "review.assign": gettext_lazy("reviewer assigned"),
        "review.save": gettext_lazy("draft saved"),
        "review.set_due": gettext_lazy("deadline changed"),
        "reviewer.join": gettext_lazy("joined the pool"),
        "reviewer.update": gettext_lazy("entry changed"),
        "conflict.record": gettext_lazy("conflict of interest recorded"),
        "conflict.declare": gettext_lazy("conflict of interest declared"),
        "conflict.withdraw": gettext_lazy("conflict of interest taken back"),
        "objection.record": gettext_lazy("objection received"),
        "objection.resolve": gettext_lazy("objection resolved"),
    }
)


# --- stages ----------------------------------------------------------------------------------------------------------


class DueFilter(admin.SimpleListFilter):
    """Stages and reviews by how near their deadline is."""

    title = gettext_lazy("due")
    parameter_name = "due"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        return [("overdue", gettext_lazy("overdue")), ("today", gettext_lazy("today"))]

    def queryset(self, request: Any, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        now = timezone.now()
        if self.value() == "overdue":
            return queryset.filter(due_at__lt=now)
        if self.value() == "today":
            return queryset.filter(due_at__gte=now, due_at__date=timezone.localdate(now))
        return queryset


class TurnFilter(admin.SimpleListFilter):
    """Stages in which the person's own role acts."""

    title = gettext_lazy("whose turn")
    parameter_name = "turn"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        return [("mine", gettext_lazy("mine"))]

    def queryset(self, request: Any, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        if self.value() == "mine":
            return queryset.filter(state=RunState.ACTIVE, stage__acts__in=acts_of(request.user))
        return queryset


def screen(run: StageRun, *, actor: User, opinion: str, **given: Any) -> StageRun:
    """Give the same opinion on one of many: the officer's word stands for the points of the checklist."""
    checks = {}
    if opinion == Opinion.PASS:
        checks = {c.pk: "met" for c in run.stage.criteria.all() if c.kind == CriterionKind.CHECK}
    return act_in_stage(run, actor=actor, opinion=opinion, checks=checks, **given)


def pass_one(run: StageRun, *, actor: User, checked: bool, comment_committee: str) -> StageRun:
    return screen(run, actor=actor, opinion=Opinion.PASS, comment_committee=comment_committee)


def reject_one(run: StageRun, *, actor: User, comment_applicant: str) -> StageRun:
    return screen(run, actor=actor, opinion=Opinion.REJECT, comment_applicant=comment_applicant)


def return_one(
    run: StageRun, *, actor: User, questions: list[str], comment_applicant: str, days: int
) -> StageRun:
    known = run.application.call.questions.filter(question__key__in=questions)
    keys = list(known.values_list("question__key", flat=True))
    if not keys:
        raise DomainError(_("None of these questions is in the form of this call."), code="no_items")
    items = dict.fromkeys(keys, comment_applicant)
    return screen(
        run,
        actor=actor,
        opinion=Opinion.RETURN,
        comment_applicant=comment_applicant,
        items=items,
        due_at=due_in(days),
    )


def set_due_in(run: StageRun, *, actor: User, days: int, reason: str) -> StageRun:
    return set_due(run, actor=actor, due_at=due_in(days), reason=reason)


class OpenQuestionsForm(BulkReturnForm):
    """Offers the questions of every call that is under way."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        asked = (
            Question.objects.filter(uses__call__stages__runs__state=RunState.ACTIVE)
            .distinct()
            .order_by("key")
        )
        offered: Any = self.fields["questions"]
        offered.choices = [(question.key, question.label) for question in asked]


def offers(opinion: str) -> Any:
    """Return the check of an act: the stage offers ``opinion`` and the application is with the reviewers."""

    def check(run: StageRun, actor: Any) -> None:
        if opinion not in OPINIONS_OF_STAGE[StageKind(run.stage.kind)]:
            raise DomainError(_("This stage has no such opinion: %(stage)s") % {"stage": run.stage})
        if run.application.state != ApplicationState.IN_REVIEW:
            raise DomainError(_("The application is not under review."))

    return check


def may_act_as_staff(user: Any) -> bool:
    return bool(acts_of(user))


RUN_RELATED = (
    "stage",
    "application__call__lead",
    "application__organisation",
    "application__project__university",
    "application__project__faculty",
)


class WorkPage(StaffPage):
    """One application in the stage it is at: answers, opinions so far, and the opinion to give."""

    name, path = "work", "<int:pk>/work/"
    rule, title, icon = "funding.see_reviews", gettext_lazy("Read and give an opinion"), "rule"
    offered = "record"
    template_name = "admin/funding/stagerun/work.html"
    fullwidth = True

    def get_object(self, pk: Any) -> models.Model:
        found = super().get_object(pk)
        rows = StageRun.objects.select_related(*RUN_RELATED)
        return rows.get(pk=found.pk)

    def get_title(self) -> str:
        return f"{self.object.application.number} · {self.object.stage}"

    def may_act(self) -> bool:
        run = self.object
        return (
            run.state == RunState.ACTIVE
            and bool(OPINIONS_OF_STAGE[StageKind(run.stage.kind)])
            and self.request.user.has_perm("funding.act_in_stage", run)
        )

    def show(self, form: OpinionForm | None = None, status: int = 200, **context: Any) -> HttpResponseBase:
        shown = page_of_run(self.object, form, for_staff=True)
        shown["form"] = dress(shown["form"]) if self.may_act() and shown["form"] is not None else None
        if form is not None and shown["form"] is None:
            # The turn is over: there is no form to show what was typed and why it was refused.
            shown["typed"] = form.typed()
            shown["problems"] = [
                _("Your opinion was not recorded."),
                *(form.non_field_errors() or [_("This stage is no longer yours to decide.")]),
            ]
        run = self.object
        reviews = run.reviews.exclude(state=ReviewState.SUBMITTED).select_related("reviewer")
        return self.render(
            status=status, **shown, waiting=list(reviews), objections=list(run.objections.all()), **context
        )

    def get(self) -> HttpResponseBase:
        return self.show()

    def post(self) -> HttpResponseBase:
        versions = latest_versions(self.object.application)
        form = OpinionForm(self.request.POST, run=self.object, form=versions[0].form if versions else None)
        if not form.is_valid():
            return self.show(form, status=422)
        try:
            act_in_stage(self.object, actor=self.request.user, **form.facts())
        except DomainError as error:
            form.take(error)
            self.object.refresh_from_db()
            return self.show(form, status=422)
        return self.redirect(message=gettext_lazy("The opinion is recorded."))


def _stage_of(application: Application, user: Any) -> list[NextStep]:
    """The pages of the stage where the application is: reviewers to assign, the opinion to give or those to read."""
    if application.state != ApplicationState.IN_REVIEW or not user.has_perm(WorkPage.rule):
        return []
    rows = StageRun.objects.filter(application=application, state=RunState.ACTIVE)
    run = rows.select_related("stage").first()
    if run is None or not OPINIONS_OF_STAGE[StageKind(run.stage.kind)]:
        return []
    run.application = application
    steps = []
    if run.stage.acts == Acts.EXPERT and user.has_perm(AssignPage.rule):
        pool = f"{reverse('admin:funding_stagerun_assign')}?run={run.pk}#pool"
        steps.append(NextStep(str(AssignPage.title), pool, AssignPage.icon, theirs=False))
    theirs = user.has_perm("funding.act_in_stage", run)
    label = WorkPage.title if theirs else gettext_lazy("Read the opinions")
    address = reverse("admin:funding_stagerun_work", args=[run.pk])
    return [*steps, NextStep(str(label), address, WorkPage.icon, theirs=theirs)]


next_steps.append(_stage_of)


class AssignFilter(forms.Form):
    """What the assignment page is narrowed down by."""

    call: Any = forms.ModelChoiceField(
        label=gettext_lazy("Call"),
        queryset=Call.objects.none(),
        required=False,
        empty_label=gettext_lazy("All calls"),
    )
    q = forms.CharField(
        label=gettext_lazy("Reviewer, institution or keyword"), max_length=100, required=False
    )
    short = forms.BooleanField(
        label=gettext_lazy("Only applications that need reviewers"),
        required=False,
        widget=forms.CheckboxInput(attrs={"value": "1"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered: Any = self.fields["call"]
        offered.queryset = Call.objects.filter(
            stages__runs__state=RunState.ACTIVE, stages__acts=Acts.EXPERT
        ).distinct()


class AssignPage(StaffPage):
    """Choose applications on the left, reviewers on the right; conflicts and load stand beside each reviewer."""

    name, path = "assign", "assign/"
    rule, title, icon = "funding.assign_reviews", gettext_lazy("Assign reviewers"), "person_add"
    offered = "list"
    template_name = "admin/funding/stagerun/assign.html"
    fullwidth = True

    def allowed(self, user: Any, obj: models.Model | None) -> bool:
        return bool(user.has_perm(self.rule))

    def chosen(self, name: str) -> list[int]:
        data = self.request.POST if self.request.method == "POST" else self.request.GET
        return [int(one) for one in data.getlist(name) if one.isascii() and one.isdecimal() and len(one) < 19]

    def runs(self) -> models.QuerySet[StageRun]:
        rows = runs_of_experts(short=self.request.GET.get("short") == "1").select_related(*RUN_RELATED)
        call = self.request.GET.get("call", "")
        if call.isascii() and call.isdecimal() and len(call) < 19:
            rows = rows.filter(application__call=int(call))
        return rows.order_by("due_at", "pk")

    def pool(self) -> list[Reviewer]:
        rows = Reviewer.objects.active().select_related("user", "organisation")
        for word in self.request.GET.get("q", "").replace("\x00", "").split()[:5]:
            rows = rows.annotate(
                words=models.functions.Lower(models.functions.Cast("keywords", models.TextField()))
            )
            rows = rows.filter(
                models.Q(user__name__icontains=word)
                | models.Q(institution__icontains=word)
                | models.Q(words__contains=word.lower())
            )
        return list(rows.order_by("user__name", "pk")[:SHOWN])

    def context(self) -> Mapping[str, Any]:
        wanted = self.chosen("run")
        listed = list(self.runs()[:SHOWN])
        missing = set(wanted) - {run.pk for run in listed}
        if missing:  # chosen before the filter was set: they stay chosen
            listed += list(runs_of_experts().filter(pk__in=missing).select_related(*RUN_RELATED))
        runs = [run for run in listed if run.pk in wanted]
        pool = self.pool()
        people = [entry.user for entry in pool]
        found = conflicts_of([run.application for run in runs], people)
        loads = load_of(people)
        reviews = list(
            Review.objects.filter(run__in=runs)
            .select_related("reviewer", "application", "run")
            .order_by("run", "pk")
        )
        asked: dict[int, list[Review]] = {}
        for review in reviews:
            asked.setdefault(review.reviewer_id, []).append(review)
        lines: list[dict[str, Any]] = [
            {
                "entry": entry,
                "load": loads.get(entry.user_id, Load(0, entry.capacity)),
                "conflicts": [
                    (run.application.number, found[run.application_id, entry.user_id])
                    for run in runs
                    if (run.application_id, entry.user_id) in found
                ],
                "reviews": asked.get(entry.user_id, []),
                "barred": bool(runs) and all((run.application_id, entry.user_id) in found for run in runs),
            }
            for entry in pool
        ]
        lines.sort(key=lambda line: (line["barred"], line["load"].is_full, line["load"].open))
        return {
            "runs": listed,
            "chosen": wanted,
            "chosen_runs": runs,
            "chosen_people": self.chosen("person"),
            "lines": lines,
            "reviews": reviews,
            "now": timezone.now(),
            "filter": dress(AssignFilter(self.request.GET or None)),
        }

    def post(self) -> HttpResponseBase:
        runs = list(self.runs().filter(pk__in=self.chosen("run")))
        people = list(User.objects.filter(pk__in=self.chosen("person"), reviewer__isnull=False))
        if not runs or not people:
            return self.render(
                status=422, problems=[_("Tick at least one application and at least one reviewer.")]
            )
        result = assign_reviewers(runs, people, actor=self.request.user)
        if result.done:
            text = (
                ngettext("%d review was asked for.", "%d reviews were asked for.", result.done) % result.done
            )
            messages.success(self.request, text)
        for label, reason in result.refused[:20]:
            messages.warning(self.request, f"{label}: {reason}")
        query = "&".join(f"run={run.pk}" for run in runs)
        return self.redirect(f"{self.address('assign')}?{query}#pool")


class ShowsDue:
    """A deadline as it reads on the portal."""

    @display(description=gettext_lazy("due"), ordering="due_at")
    def due_shown(self, obj: Any) -> str:
        return until(obj.due_at)


@admin.register(StageRun)
class StageRunAdmin(ShowsDue, ReadOnly, StaffAdmin):
    """The queue: every application in every stage, worked one by one or all that match."""

    view_rule = "funding.see_reviews"
    list_display = ["application_shown", "applicant", "stage", "state_shown", "due_shown", "entered_at"]
    list_filter = [
        "state",
        TurnFilter,
        DueFilter,
        "stage__kind",
        "stage__acts",
        "application__call",
    ]
    search_fields = ["application__number", "application__title"]
    search_help_text = gettext_lazy("Number or title of the application")
    list_select_related = RUN_RELATED
    ordering = ["due_at", "pk"]
    fields = ["application", "stage", "state", "entered_at", "due_shown", "finished_at", "note_shown"]
    readonly_fields = ["due_shown", "note_shown"]
    pages = [WorkPage, AssignPage]
    state_shown = state_label()
    acts = [
        Act(
            "screen_pass",
            pass_one,
            label=pgettext_lazy("act", "Pass"),
            done=gettext_lazy("The application passed and goes on to the next stage."),
            rule="funding.act_in_stage",
            form=BulkPassForm,
            icon="check",
            bulk="each",
            sources=(RunState.ACTIVE,),
            check=offers(Opinion.PASS),
            offered=may_act_as_staff,
            select_related=RUN_RELATED,
        ),
        Act(
            "screen_return",
            return_one,
            label=gettext_lazy("Return for changes"),
            done=gettext_lazy("The application is with the applicant for changes."),
            rule="funding.act_in_stage",
            form=OpenQuestionsForm,
            icon="undo",
            bulk="each",
            sources=(RunState.ACTIVE,),
            check=offers(Opinion.RETURN),
            offered=may_act_as_staff,
            select_related=RUN_RELATED,
        ),
        Act(
            "screen_reject",
            reject_one,
            label=pgettext_lazy("stage", "Reject"),
            done=gettext_lazy("The application was rejected."),
            rule="funding.act_in_stage",
            form=BulkRejectForm,
            icon="block",
            danger=True,
            bulk="each",
            sources=(RunState.ACTIVE,),
            check=offers(Opinion.REJECT),
            offered=may_act_as_staff,
            select_related=RUN_RELATED,
        ),
        Act(
            "close",
            complete_run,
            label=gettext_lazy("Close the stage by hand"),
            done=gettext_lazy("The stage is closed, and nobody's opinion is waited for any more."),
            rule="funding.complete_stage",
            form=CloseForm,
            icon="done_all",
            explain=gettext_lazy(
                "Opinions still expected are no longer waited for; their reviewers are told."
            ),
            bulk="each",
            sources=(RunState.ACTIVE,),
            offered=may_act_as_staff,
            select_related=RUN_RELATED,
        ),
        Act(
            "set_due",
            set_due_in,
            label=gettext_lazy("Change the deadline"),
            done=gettext_lazy(
                "The stage has its new deadline, and so have the reviews that were due with it."
            ),
            rule="funding.assign_reviews",
            form=DueForm,
            icon="event",
            bulk="each",
            sources=(RunState.ACTIVE,),
            select_related=RUN_RELATED,
        ),
    ]

    @display(description=gettext_lazy("application"), ordering="application__number", header=True)
    def application_shown(self, run: StageRun) -> tuple[str, str]:
        return run.application.number or "", run.application.title

    @display(description=gettext_lazy("note"))
    def note_shown(self, run: StageRun) -> str:
        return run.note_text

    @display(description=gettext_lazy("applicant"))
    def applicant(self, run: StageRun) -> str:
        return run.application.applicant_line


# --- reviews ---------------------------------------------------------------------------------------------------------


class ReplaceForm(forms.Form):
    """Who reviews instead."""

    needs_object = True
    person = forms.ModelChoiceField(label=gettext_lazy("Reviewer"), queryset=User.objects.none())

    def __init__(self, *args: Any, obj: Review | None = None, user: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(reviewer__active=True, is_active=True).order_by("name")
        if obj is not None:
            people = people.exclude(reviews__run=obj.run_id)
            barred = conflicts_of([obj.application], list(people))
            people = people.exclude(pk__in=[person for _application, person in barred])
        offered: Any = self.fields["person"]
        offered.queryset = people


def replace_by(review: Review, *, actor: User, person: User) -> Review:
    return replace_reviewer(review, person, actor=actor)


@admin.register(Review)
class ReviewAdmin(ShowsDue, ReadOnly, StaffAdmin):
    """Reviews and opinions, read-only; who reviews can be released, replaced, or asked to open theirs again."""

    view_rule = "funding.see_reviews"
    list_display = [
        "application_shown",
        "reviewer",
        "stage_shown",
        "state_shown",
        "due_shown",
        "score",
        "opinion",
    ]
    list_filter = ["state", DueFilter, "run__stage__kind", "opinion", "application__call"]
    search_fields = ["application__number", "application__title", "reviewer__name", "reviewer__email"]
    list_select_related = ["application", "reviewer", "run__stage"]
    ordering = ["-pk"]
    fields = [
        "application",
        "reviewer",
        "state",
        "due_shown",
        "assigned_by",
        "assigned_at",
        "accepted_at",
        "submitted_at",
        "opinion",
        "confidence",
        "score",
        "marks",
        "comment_committee",
        "comment_applicant",
        "reason_shown",
    ]
    readonly_fields = ["marks", "due_shown", "reason_shown"]
    state_shown = state_label()
    acts = [
        Act(
            "release",
            release_reviewer,
            done=gettext_lazy(
                "The reviewer is released and is told. Where one is lacking now, assign another."
            ),
            form=ReasonForm,
            icon="person_remove",
            explain=gettext_lazy("The reviewer is told that the review is no longer needed."),
            bulk="each",
        ),
        Act(
            "replace",
            replace_by,
            label=gettext_lazy("Replace the reviewer"),
            done=gettext_lazy("The new reviewer is asked; the one before is expected no longer."),
            rule="funding.assign_reviews",
            form=ReplaceForm,
            icon="swap_horiz",
            sources=(ReviewState.ASSIGNED, ReviewState.ACCEPTED, ReviewState.DECLINED, ReviewState.RECUSED),
            explain=gettext_lazy("Only people of the pool without a known conflict of interest are offered."),
            check=lambda review, actor: _only_experts(review),
        ),
        Act(
            "reopen",
            reopen_review,
            done=gettext_lazy("The reviewer can change the review and has to submit it again."),
            form=ReasonForm,
            icon="lock_open",
            check=lambda review, actor: _only_experts(review),
        ),
    ]

    @display(description=gettext_lazy("application"), ordering="application__number", header=True)
    def application_shown(self, review: Review) -> tuple[str, str]:
        return review.application.number or "", review.application.title

    @display(description=gettext_lazy("stage"))
    def stage_shown(self, review: Review) -> str:
        return str(review.run.stage)

    @display(description=gettext_lazy("reason"))
    def reason_shown(self, review: Review) -> str:
        return review.reason_text

    @display(description=gettext_lazy("marks"))
    def marks(self, review: Review) -> str:
        rows = review.scores.select_related("criterion").order_by("criterion__position")
        return "; ".join(
            f"{row.criterion}: {_mark(row)}" + (f" ({row.note})" if row.note else "") for row in rows
        )


def _mark(score: Score) -> str:
    if score.not_applicable:
        return _("not applicable")
    return "—" if score.value is None else str(score.value)


def _only_experts(review: Review) -> None:
    if review.run.stage.acts != Acts.EXPERT:
        raise DomainError(_("This opinion was given from a queue; nobody was asked for it."))


# --- the pool --------------------------------------------------------------------------------------------------------


@admin.register(Reviewer)
class ReviewerAdmin(StaffAdmin):
    """The pool: people join by invitation; staff keep expertise, employer and capacity right."""

    change_rule = "funding.edit_reviewer"
    list_display = ["user", "institution", "keywords_shown", "load", "active"]
    list_filter = ["active"]
    search_fields = ["user__name", "user__email", "institution", "organisation__name_zh_hans"]
    list_select_related = ["user", "organisation"]
    ordering = ["user__name", "pk"]
    autocomplete_fields = ["organisation"]
    fields = ["user", "institution", "organisation", "title", "keywords", "capacity", "active"]
    readonly_fields = ["user"]
    update = staticmethod(update_reviewer)
    acts = [
        Act(
            "invite",
            invite_reviewer,
            label=gettext_lazy("Invite a reviewer"),
            rule="funding.invite_reviewers",
            form=InviteReviewerForm,
            on="list",
            icon="outgoing_mail",
            explain=gettext_lazy("They get a mail with a link, sign up, and fill in their own profile."),
            done=gettext_lazy("The invitation is on its way."),
        ),
    ]

    def has_add_permission(self, request: Any) -> bool:
        return False

    def get_queryset(self, request: Any) -> models.QuerySet[Reviewer]:
        rows = super().get_queryset(request)
        is_open = models.Q(user__reviews__state__in=OPEN_REVIEWS)
        return rows.annotate(open_reviews=models.Count("user__reviews", filter=is_open))

    @display(description=gettext_lazy("keywords"))
    def keywords_shown(self, reviewer: Reviewer) -> str:
        return ", ".join(reviewer.keywords)

    @display(description=gettext_lazy("open / at a time"), ordering="open_reviews")
    def load(self, reviewer: Any) -> str:
        return f"{reviewer.open_reviews} / {reviewer.capacity}"


# --- conflicts, objections -------------------------------------------------------------------------------------------


class RecordForm(ConflictForm):
    """A conflict of a person of the pool."""

    person = forms.ModelChoiceField(label=gettext_lazy("Reviewer"), queryset=User.objects.none())
    field_order = ["person", "application_number", "kind", "note"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered: Any = self.fields["person"]
        offered.queryset = User.objects.filter(reviewer__isnull=False).order_by("name")

    def clean_application_number(self) -> Application:
        number = self.cleaned_data["application_number"].strip()
        found = Application.objects.filter(number__iexact=number).first()
        if found is None:
            raise forms.ValidationError(_("There is no application with this number."))
        return found


def record_one(
    *, actor: User, person: User, application_number: Application, kind: str, note: str
) -> Conflict:
    return record_conflict(application_number, person, actor=actor, kind=kind, note=note)


@admin.register(Conflict)
class ConflictAdmin(ReadOnly, StaffAdmin):
    """Conflicts of interest on record, whoever told of them."""

    view_rule = "funding.see_reviews"
    list_display = ["person", "application", "kind", "note", "recorded_by", "recorded_at"]
    list_filter = ["kind"]
    search_fields = ["person__name", "person__email", "application__number"]
    list_select_related = ["person", "application", "recorded_by"]
    ordering = ["-pk"]
    acts = [
        Act(
            "record",
            record_one,
            label=gettext_lazy("Record a conflict of interest"),
            done=gettext_lazy(
                "The conflict of interest is on record; this person can no longer review the application."
            ),
            rule="funding.record_conflict",
            form=RecordForm,
            on="list",
            icon="add",
            explain=gettext_lazy("Open reviews of this application by this person are released."),
        ),
        Act(
            "withdraw",
            withdraw_conflict,
            label=gettext_lazy("Take it back"),
            done=gettext_lazy("The conflict of interest was taken back; the person can be assigned again."),
            rule="funding.record_conflict",
            icon="undo",
            danger=True,
            explain=gettext_lazy("Only for what staff recorded by mistake; what a reviewer declared stands."),
            after=lambda obj, result: reverse("admin:funding_conflict_changelist"),
        ),
    ]


@admin.register(Objection)
class ObjectionAdmin(ReadOnly, StaffAdmin):
    """Objections raised during public notices."""

    view_rule = "funding.see_reviews"
    list_display = ["application_shown", "name", "received_at", "upheld", "resolved_by"]
    list_filter = [("resolved_at", admin.EmptyFieldListFilter), "upheld", "run__application__call"]
    search_fields = ["run__application__number", "name", "text"]
    list_select_related = ["run__application", "resolved_by"]
    ordering = ["-pk"]
    acts = [
        Act(
            "resolve",
            resolve_objection,
            label=gettext_lazy("Resolve the objection"),
            done=gettext_lazy("What was found is recorded, and the objection is closed."),
            rule="funding.resolve_objection",
            form=ResolveForm,
            icon="gavel",
            template="admin/funding/objection/_text.html",
            check=lambda objection, actor: _still_open(objection),
        ),
    ]

    @display(description=gettext_lazy("application"))
    def application_shown(self, objection: Objection) -> str:
        return str(objection.run.application)


def _still_open(objection: Objection) -> None:
    if objection.upheld is not None:
        raise DomainError(_("This objection has been resolved already."))
