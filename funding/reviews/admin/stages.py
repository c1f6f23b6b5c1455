"""The staff's queue of stages: filters, acts on many, the page of one opinion."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from unfold.decorators import display

from funding.applications.admin import NextStep, next_steps
from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.calls.models import Question
from funding.calls.states import Acts, CriterionKind, StageKind
from funding.reviews.admin.assignment import AssignPage
from funding.reviews.admin.conflicts import TiesOfApplicationPage
from funding.reviews.admin.shown import RUN_RELATED, DueFilter, ShowsDue
from funding.reviews.forms import (
    BulkPassForm,
    BulkRejectForm,
    BulkReturnForm,
    CloseForm,
    DueForm,
    OpinionForm,
    due_in,
)
from funding.reviews.models import StageRun
from funding.reviews.pages import latest_versions, page_of_run
from funding.reviews.services import (
    act_in_stage,
    acts_of,
    complete_run,
    reasons_of,
    set_due,
)
from funding.reviews.states import OPINIONS_OF_STAGE, Opinion, ReviewState, RunState
from park_portal.core.accounts.models import User
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, StaffPage, dress, label_acts, state_label
from park_portal.core.errors import DomainError

label_acts(
    {
        "stage_run.enter": gettext_lazy("stage entered"),
        "stage_run.set_due": gettext_lazy("deadline changed"),
        "application.place": gettext_lazy("moved to another stage"),
        "review.assign": gettext_lazy("reviewer assigned"),
        "review.declare": gettext_lazy("declared to have no conflict of interest"),
        "review.save": gettext_lazy("draft saved"),
        "review.set_due": gettext_lazy("deadline changed"),
        "reviewer.join": gettext_lazy("joined the pool"),
        "reviewer.update": gettext_lazy("entry changed"),
        "publication.add": gettext_lazy("publication entered"),
        "publication.update": gettext_lazy("publication changed"),
        "publication.remove": gettext_lazy("publication taken off the list"),
        "conflict.record": gettext_lazy("conflict of interest recorded"),
        "conflict.declare": gettext_lazy("conflict of interest declared"),
        "conflict.update": gettext_lazy("conflict of interest changed"),
        "conflict.withdraw": gettext_lazy("conflict of interest taken back"),
        "notice.publish": gettext_lazy("public notice published"),
        "notice_line.pass": gettext_lazy("public notice over"),
        "notice_line.take_out": gettext_lazy("taken out of the public notice"),
        "application.notice": gettext_lazy("end of the public notice"),
        "objection.record": gettext_lazy("objection received"),
        "objection.resolve": gettext_lazy("objection resolved"),
    }
)


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
        shown["waiting"] = list(reviews)
        pair = (self.request.user.pk, run.application_id)
        shown["barred"] = [
            reason.text for one in reasons_of([pair], experts=False).values() for reason in one
        ]
        if shown["barred"]:
            shown["opinions"] = shown["waiting"] = []
        return self.render(status=status, **shown, objections=list(run.objections.all()), **context)

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
    pages = [WorkPage, AssignPage, TiesOfApplicationPage]
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
