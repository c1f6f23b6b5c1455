"""The stages of a call, with the rubric or checklist of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import Http404, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from funding.calls import building
from funding.calls.admin.builder import BuilderPage
from funding.calls.diagram import Drawing, Station, draw
from funding.calls.facts import stage_text
from funding.calls.forms import CriterionForm, StageForm
from funding.calls.lines import Lines
from funding.calls.models import Stage
from funding.calls.states import CriterionKind, OnNegative, StageKind
from park_portal.core.admin.acts import refuse
from park_portal.core.errors import DomainError


def drawing_of(stages: Sequence[Stage]) -> Drawing:
    """Return the drawing of a call's stages in the reader's language."""
    stations = []
    for stage in stages:
        words = stage_text(stage)
        name = stage.name
        kind = str(stage.get_kind_display())
        if kind.casefold() != str(name).casefold():
            name = f"{name} ({kind})" if name else kind
        stations.append(
            Station(
                title=f"{stage.position}. {name}",
                lines=[
                    f"{words.who} · {words.days}",
                    _("complete when: %(what)s") % {"what": words.completes},
                ],
                ends=_("Rejected") if stage.on_negative == OnNegative.REJECT else "",
                returns=pgettext("stage", "may return")
                if stage.kind in (StageKind.SCREENING, StageKind.LIAISON, StageKind.DILIGENCE)
                else "",
            )
        )
    ends = [("good", _("Approved")), ("wait", _("Reserve list")), ("bad", _("Declined"))]
    decided = bool(stages) and stages[-1].kind == StageKind.DECISION
    return draw(stations, start=_("Submission"), ends=ends if decided else [])


class StagesPage(BuilderPage):
    """The stages in order, and the way of an application drawn."""

    name, path = "stages", "<int:pk>/stages/"
    title = gettext_lazy("Stages")
    template_name = "admin/funding/call/stages.html"

    def context(self) -> Mapping[str, Any]:
        stages = list(self.object.stages.prefetch_related("criteria"))
        total = sum(stage.working_days for stage in stages)
        text = ngettext("%(count)d working day in all", "%(count)d working days in all", total)
        return {
            **super().context(),
            "stages": [
                {
                    "stage": stage,
                    "words": stage_text(stage),
                    "scores": [c for c in stage.criteria.all() if c.kind == CriterionKind.SCORE],
                    "checks": [c for c in stage.criteria.all() if c.kind == CriterionKind.CHECK],
                }
                for stage in stages
            ],
            "kinds": StageKind.choices,
            "drawing": drawing_of(stages),
            "drawing_title": _("The way of an application through the stages"),
            "total": text % {"count": total},
        }

    def post(self) -> HttpResponseBase:
        name, key = self.do()
        actor = self.request.user
        if name == "add":
            stage = building.add_stage(self.object, actor=actor, kind=self.request.POST.get("kind", ""))
            return self.redirect(
                self.address("stage", self.object.pk, stage.pk), message=_("The stage was added.")
            )
        stage = self.of_call(Stage.objects.all(), key)
        if name in ("up", "down"):
            building.move_stage(stage, actor=actor, by=-1 if name == "up" else 1)
            return self.redirect(self.here(f"stage-{key}"))
        if name == "remove":
            building.remove_stage(stage, actor=actor)
            return self.redirect(message=_("The stage was removed."))
        raise Http404


class CriteriaForms(Lines):
    """The lines of a rubric."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields["pk"] = forms.IntegerField(required=False, widget=forms.HiddenInput)
        if index is not None and form.instance.pk is None and "pk" in form.initial:
            form.fields["pk"].initial = form.initial["pk"]


CriteriaFormSet = forms.formset_factory(
    CriterionForm, formset=CriteriaForms, extra=2, can_delete=True, can_order=True, max_num=40
)


class StagePage(BuilderPage):
    """One stage with its rubric or checklist."""

    name, path = "stage", "<int:pk>/stages/<int:stage_id>/"
    rule = "funding.build_call"
    title = gettext_lazy("Stage")
    template_name = "admin/funding/call/stage.html"

    def step(self) -> str:
        return "stages"

    def current(self) -> Stage:
        found: Stage = self.of_call(Stage.objects.all(), self.kwargs["stage_id"])
        return found

    def criteria(self, stage: Stage, data: Any = None) -> Any:
        rows = [
            {"pk": row.pk, **{name: getattr(row, name) for name in building.CRITERION_FIELDS}}
            for row in stage.criteria.all()
        ]
        empty = {"kind": building.new_criterion_kind(stage)}
        return (
            CriteriaFormSet(data, initial=rows, prefix="criteria")
            if rows
            else (
                CriteriaFormSet(
                    data, prefix="criteria", form_kwargs={"initial": empty, "empty_permitted": True}
                )
            )
        )

    def show(self, stage: Stage, form: forms.BaseForm, criteria: Any, **context: Any) -> HttpResponseBase:
        return self.form_page(
            form,
            stage=stage,
            criteria=criteria,
            back=f"{self.address('stages', self.object.pk)}#stage-{stage.pk}",
            **context,
        )

    def get(self) -> HttpResponseBase:
        stage = self.current()
        return self.show(stage, StageForm(instance=stage), self.criteria(stage))

    def post(self) -> HttpResponseBase:
        stage = self.current()
        form, criteria = StageForm(self.request.POST, instance=stage), self.criteria(stage, self.request.POST)
        if not (form.is_valid() and criteria.is_valid()):
            return self.show(stage, form, criteria)
        rows = [
            line.cleaned_data
            for line in (*criteria.ordered_forms,)
            if line.cleaned_data.get("label_zh_hans") and not line.cleaned_data.get("DELETE")
        ]
        fresh = self.current()
        try:
            building.change_stage(fresh, actor=self.request.user, **form.cleaned_data)
            building.set_criteria(fresh, rows, actor=self.request.user)
        except DomainError as error:
            return self.show(stage, form, criteria, problems=refuse(form, error))
        return self.redirect(
            f"{self.address('stages', self.object.pk)}#stage-{stage.pk}", message=_("Saved.")
        )
