"""The university's queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import django_filters
from django.contrib import messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.calls.models import Call
from funding.calls.states import Acts
from funding.reviews.forms import OpinionForm
from funding.reviews.models import StageRun
from funding.reviews.pages import latest_versions, page_of_run
from funding.reviews.services import (
    act_in_stage,
)
from funding.reviews.states import RunState
from funding.reviews.views.menu import QUEUE
from incubator.organisations.facts import is_liaison_today
from park_portal.core.due import DueFilter
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.views import (
    Column,
    Crumb,
    DetailPage,
    ListPage,
    StateLine,
)


class QueueFilter(django_filters.FilterSet):
    """What the queue is narrowed down by; without a choice it shows what waits."""

    state = django_filters.ChoiceFilter(label=gettext_lazy("State"), choices=RunState)
    call = django_filters.ChoiceFilter(label=gettext_lazy("Call"), field_name="application__call")
    due = DueFilter(label=gettext_lazy("Due"), field_name="due_at")

    class Meta:
        model = StageRun
        fields = ("state", "call")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = self.queryset.order_by().values("application__call")
        self.filters["call"].extra["choices"] = Call.objects.filter(pk__in=mine).as_choices()

    def filter_queryset(self, queryset: models.QuerySet[StageRun]) -> models.QuerySet[StageRun]:
        rows = super().filter_queryset(queryset)
        return rows if self.form.cleaned_data.get("state") else rows.filter(state=RunState.ACTIVE)


def own_runs(user: Any) -> models.QuerySet[StageRun]:
    """Return the liaison stages of the person's university or faculties; staff work in the admin."""
    rows = StageRun.objects.visible_to(user).filter(stage__acts=Acts.LIAISON)
    return rows.select_related("stage", "application__call", "application__project__faculty")


class QueueList(ListPage):
    """What waits for the university's opinion, due first."""

    model = StageRun
    title = gettext_lazy("University review")
    nav = QUEUE
    lead = gettext_lazy("Applications of your university's projects that wait for its opinion.")
    columns = (
        Column(
            "title",
            gettext_lazy("Application"),
            "application.title",
            kind="main",
            url=lambda run: reverse("reviews:act", args=[run.pk]),
        ),
        Column(
            "number", gettext_lazy("Number"), "application.number", order="application__number", kind="code"
        ),
        Column(
            "project", gettext_lazy("Principal investigator"), "application.project.principal_investigator"
        ),
        Column("faculty", gettext_lazy("Faculty"), "application.project.faculty"),
        Column("call", gettext_lazy("Call"), "application.call.title"),
        Column("state", gettext_lazy("State"), lambda run: run, kind="state"),
        Column(
            "due",
            gettext_lazy("Due"),
            lambda run: run.due_at if run.state == "active" else None,
            order="due_at",
            kind="deadline",
        ),
    )
    default_order = "due_at"
    filterset = QueueFilter
    search_in = ("application__number", "application__title", "application__project__principal_investigator")
    search_label = gettext_lazy("Number, title or principal investigator")
    empty_title = gettext_lazy("Nothing waits for you")
    empty_text = gettext_lazy(
        "When a project of your university applies, it appears here and you get a mail."
    )

    def check(self) -> None:
        if not is_liaison_today(self.request.user):
            raise Http404

    def rows(self) -> models.QuerySet[StageRun]:
        return own_runs(self.request.user)


class QueuePage(DetailPage):
    """One application as the liaison sees it: answers, project, what changed, and the opinion to give."""

    model = StageRun
    nav = QUEUE
    template_name = "funding/reviews/queue_detail.html"
    object: StageRun

    def rows(self) -> models.QuerySet[StageRun]:
        return own_runs(self.request.user).select_related(
            "application__project__university", "application__organisation", "application__current_stage"
        )

    def get_title(self) -> str:
        return self.object.application.title

    def get_crumbs(self) -> Sequence[Crumb]:
        return Crumb(_("University review"), reverse("reviews:queue")), Crumb(
            self.object.application.number or ""
        )

    def state_line(self) -> StateLine:
        run = self.object
        yours = run.state == RunState.ACTIVE
        return StateLine(
            run.get_state_display(),
            {"active": "info", "paused": "wait", "passed": "good", "rejected": "bad"}.get(
                run.state, "neutral"
            ),
            turn=_("you") if yours else "",
            is_you=yours,
            due=run.due_at if yours else run.application.due_at if run.state == RunState.PAUSED else None,
            next_step=_("endorse, return or object") if yours else "",
        )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.show()

    def show(self, form: OpinionForm | None = None, status: int = 200) -> HttpResponse:
        return self.render(status=status, **page_of_run(self.object, form))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        versions = latest_versions(self.object.application)
        form = OpinionForm(request.POST, run=self.object, form=versions[0].form if versions else None)
        if not form.is_valid():
            return self.show(form, status=422)
        try:
            act_in_stage(self.object, actor=self.request.user, **form.facts())
        except Forbidden:
            raise
        except DomainError as error:
            form.take(error)
            self.object.refresh_from_db()
            return self.show(form, status=409 if error.status == 409 or error.code == "already_done" else 422)
        messages.success(request, _("Thank you. Your opinion is recorded and the application moves on."))
        return HttpResponseRedirect(reverse("reviews:act", args=[pk]))
