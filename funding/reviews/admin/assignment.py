"""Asking experts: applications on the left, the pool on the right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.db import models
from django.http import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from funding.calls.models import Call
from funding.calls.states import Acts
from funding.reviews.admin.shown import RUN_RELATED
from funding.reviews.models import Review, Reviewer, StageRun
from funding.reviews.services import (
    Load,
    assign_reviewers,
    conflicts_of,
    kept_from,
    load_of,
    possible_of,
    records_of,
    runs_of_experts,
)
from funding.reviews.states import RunState
from park_portal.core.accounts.models import User
from park_portal.core.admin import StaffPage, dress

SHOWN = 200  # lines of a table on a page; the filters above it find the rest


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
        closed = kept_from(self.request.user, [run.application_id for run in listed])
        for run in listed:
            run.closed = closed.get(run.application_id, "")  # type: ignore[attr-defined] # shown instead of a box to tick
        runs = [run for run in listed if run.pk in wanted and run.application_id not in closed]
        pool = self.pool()
        people = [entry.user for entry in pool]
        found = conflicts_of([run.application for run in runs], people)
        possible = possible_of([run.application for run in runs], people)
        loads, records = load_of(people), records_of(people)
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
                "record": records[entry.user_id],
                "conflicts": [
                    (run.application.number, found[run.application_id, entry.user_id])
                    for run in runs
                    if (run.application_id, entry.user_id) in found
                ],
                "possible": [
                    (run.application.number, possible[run.application_id, entry.user_id])
                    for run in runs
                    if (run.application_id, entry.user_id) in possible
                ],
                "reviews": asked.get(entry.user_id, []),
                "barred": bool(runs) and all((run.application_id, entry.user_id) in found for run in runs),
            }
            for entry in pool
        ]
        lines.sort(key=lambda line: (line["barred"], line["load"].is_full, line["load"].open))
        return {
            "runs": listed,
            "chosen": [run.pk for run in runs],
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
