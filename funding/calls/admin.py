"""Staff's door to calls: the builder, its previews, the acts, and the bank of questions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import get_language, gettext_lazy, ngettext, pgettext, pgettext_lazy
from django.utils.translation import gettext as _

from funding.calls import building
from funding.calls.checks import (
    BASICS,
    ELIGIBILITY,
    FORM,
    STAGES,
    TEXTS,
    answers_to_wait_for,
    problems_of,
    question_problems,
    seen_by_reviewers,
    warnings_of,
)
from funding.calls.diagram import Drawing, Station, draw
from funding.calls.facts import RuleText, applicants_text, call_context, rules_of, stage_text, state_of
from funding.calls.forms import (
    BankForm,
    CallQuestionForm,
    CancelForm,
    CopyForm,
    CorrectForm,
    CriterionForm,
    ExtendForm,
    RuleForm,
    SectionForm,
    StageForm,
    StandardForm,
    TextForm,
    config_fields,
)
from funding.calls.lines import Lines
from funding.calls.models import Call, CallQuestion, Question, Section, Stage
from funding.calls.questions import Table, in_language, present, type_of
from funding.calls.services import (
    FIELDS,
    cancel_call,
    change_call,
    close_call,
    copy_call,
    correct_call,
    create_call,
    extend_call,
    form_of,
    open_call,
    publish_call,
    questions_of,
    refuse_correction,
    texts_of,
)
from funding.calls.standard import load_bank, standard_call
from funding.calls.states import (
    ApplicantKind,
    CallState,
    CriterionKind,
    OnNegative,
    StageKind,
)
from park_portal.core.admin import Act, StaffAdmin, StaffPage, dress, money, state_label
from park_portal.core.admin.acts import refuse
from park_portal.core.errors import DomainError, Problem
from park_portal.core.outbox.registry import COMMON_FIELDS, KINDS, LANGUAGES
from park_portal.core.outbox.services import preview_notice
from park_portal.core.views import StateLine
from park_portal.core.workflow import may

STEPS = (
    (BASICS, gettext_lazy("Text and times"), "change"),
    (ELIGIBILITY, gettext_lazy("Who may apply"), "eligibility"),
    (FORM, gettext_lazy("Form"), "form"),
    (STAGES, gettext_lazy("Stages"), "stages"),
    (TEXTS, gettext_lazy("Notices"), "texts"),
)


def steps_of(model_admin: StaffAdmin, call: Call, here: str) -> list[dict[str, Any]]:
    """Return the builder's pages with how much is missing on each, while the call is a draft."""
    problems = problems_of(call) if call.state == CallState.DRAFT else []
    steps = [
        {
            "label": label,
            "url": model_admin.address(page, call.pk),
            "here": here == page,
            "missing": sum(problem.field == step for problem in problems),
        }
        for step, label, page in STEPS
    ]
    preview = model_admin.address("preview", call.pk)
    steps.append({"label": _("Preview"), "url": preview, "here": here == "preview", "missing": 0})
    check = model_admin.address("check", call.pk)
    steps.append({"label": CheckPage.title, "url": check, "here": here == "check", "missing": len(problems)})
    return steps


def where_of(model_admin: StaffAdmin, call: Call, problem: Problem) -> str:
    """Return the address at which a problem is mended."""
    page = next((page for step, _label, page in STEPS if step == problem.field), "change")
    if problem.field == TEXTS and problem.anchor:
        return model_admin.address("text", call.pk, problem.anchor)
    if problem.anchor and problem.anchor.startswith("setup-"):
        question = problem.anchor.removeprefix("setup-")
        return f"{model_admin.address('question', call.pk, int(question))}#id_purpose"
    address = model_admin.address(page, call.pk)
    return f"{address}#{problem.anchor}" if problem.anchor else address


class BuilderPage(StaffPage):
    """A page of the builder: everyone on the staff reads it, who may build the call changes it while it is a draft."""

    rule = "funding.see_calls"
    fullwidth = True
    object: Any
    admin: Any

    @property
    def editable(self) -> bool:
        return may(self.request.user, "funding.build_call", self.object)

    def context(self) -> Mapping[str, Any]:
        return {
            "call": self.object,
            "editable": self.editable,
            "steps": steps_of(self.admin, self.object, self.step()),
            "is_draft": self.object.state == CallState.DRAFT,
        }

    def step(self) -> str:
        return self.name

    def do(self) -> tuple[str, int | None]:
        """Return the act that was asked for and the key of what it is about: a button's value ``name:key``."""
        name, _colon, key = self.request.POST.get("do", "").partition(":")
        return name, int(key) if key.isascii() and key.isdigit() and len(key) < 19 else None

    def of_call(self, rows: models.QuerySet[Any], pk: int | None) -> Any:
        """Return one of the call's own rows; anybody else's is a 404."""
        return get_object_or_404(rows.filter(call=self.object), pk=pk)

    def here(self, anchor: str = "") -> str:
        return f"{self.request.path}{f'#{anchor}' if anchor else ''}"

    def form_page(self, form: forms.BaseForm, **context: Any) -> HttpResponseBase:
        return self.render(form=dress(form), **context)


# --- who may apply -------------------------------------------------------------------------------------------------


class RulesPage(BuilderPage):
    """Lists the eligibility rules."""

    name, path = "eligibility", "<int:pk>/eligibility/"
    title = gettext_lazy("Who may apply")
    template_name = "admin/funding/call/rules.html"

    def context(self) -> Mapping[str, Any]:
        rules: list[RuleText] = rules_of(self.object)
        applicants = [ApplicantKind(kind).label for kind in self.object.applicants]
        return {**super().context(), "rules": rules, "applicants": applicants}

    def post(self) -> HttpResponseBase:
        name, key = self.do()
        if name != "remove":
            raise Http404
        rule = self.of_call(self.object.eligibility_rules.all(), key)
        building.remove_rule(rule, actor=self.request.user)
        return self.redirect(message=_("The rule was removed."))


class RulePage(BuilderPage):
    """Adds or changes one eligibility rule; ``rule_id`` 0 is a new one."""

    name, path = "rule", "<int:pk>/eligibility/<int:rule_id>/"
    rule = "funding.build_call"
    title = gettext_lazy("Eligibility rule")
    template_name = "admin/funding/call/edit.html"

    def step(self) -> str:
        return "eligibility"

    def context(self) -> Mapping[str, Any]:
        return {**super().context(), "back": self.address("eligibility", self.object.pk)}

    def current(self) -> Any:
        number = self.kwargs["rule_id"]
        return self.of_call(self.object.eligibility_rules.all(), number) if number else None

    def get(self) -> HttpResponseBase:
        return self.form_page(RuleForm(rule=self.current()))

    def post(self) -> HttpResponseBase:
        rule = self.current()
        form = RuleForm(self.request.POST, rule=rule)
        if not form.is_valid():
            return self.form_page(form)
        try:
            if rule is None:
                building.add_rule(self.object, actor=self.request.user, **form.cleaned_data)
            else:
                building.change_rule(rule, actor=self.request.user, **form.cleaned_data)
        except DomainError as error:
            return self.form_page(form, problems=refuse(form, error))
        return self.redirect(self.address("eligibility", self.object.pk), message=_("Saved."))


# --- the form ------------------------------------------------------------------------------------------------------


class FormPage(BuilderPage):
    """The form: sections and their questions, in order; questions are added from the bank."""

    name, path = "form", "<int:pk>/form/"
    title = gettext_lazy("Form")
    template_name = "admin/funding/call/form.html"

    def context(self) -> Mapping[str, Any]:
        sections = form_of(self.object)
        used = {question.question_id for section in sections for question in section.questions.all()}
        return {
            **super().context(),
            "sections": [
                {"section": section, "rows": [_question_row(row) for row in section.questions.all()]}
                for section in sections
            ],
            "bank": Question.objects.in_use().exclude(pk__in=used) if self.editable else [],
            "bank_url": reverse("admin:funding_question_add"),
            "section_form": dress(SectionForm(prefix="new")),
        }

    def post(self) -> HttpResponseBase:
        name, key = self.do()
        actor = self.request.user
        if name == "section-add":
            return self._add_section()
        if name == "standard":
            return self._standard()
        if name in ("section-up", "section-down"):
            section = self.of_call(Section.objects.all(), key)
            building.move_section(section, actor=actor, by=-1 if name == "section-up" else 1)
            return self.redirect(self.here(f"section-{key}"))
        if name == "section-remove":
            building.remove_section(self.of_call(Section.objects.all(), key), actor=actor)
            return self.redirect(
                self.here(), message=_("The section was removed; the bank keeps its questions.")
            )
        if name == "questions-order":
            return self._order(self.of_call(Section.objects.all(), key))
        if name == "questions-add":
            return self._add_questions(self.of_call(Section.objects.all(), key))
        if name in ("question-up", "question-down"):
            question = self.of_call(CallQuestion.objects.all(), key)
            building.move_question(question, actor=actor, by=-1 if name == "question-up" else 1)
            return self.redirect(self.here(f"question-{key}"))
        if name == "question-remove":
            building.remove_question(self.of_call(CallQuestion.objects.all(), key), actor=actor)
            return self.redirect(self.here(), message=_("The question was taken out; the bank keeps it."))
        raise Http404

    def _add_section(self) -> HttpResponseBase:
        form = SectionForm(self.request.POST, prefix="new")
        if not form.is_valid():
            return self.render(section_form=dress(form))
        section = building.add_section(self.object, actor=self.request.user, **form.cleaned_data)
        return self.redirect(self.here(f"section-{section.pk}"), message=_("The section was added."))

    def _add_questions(self, section: Section) -> HttpResponseBase:
        chosen = [
            int(value) for value in self.request.POST.getlist("bank") if value.isascii() and value.isdigit()
        ]
        questions = Question.objects.in_use().filter(pk__in=chosen[:200]).order_by("key")
        added = building.add_questions(section, questions, actor=self.request.user)
        if not added:
            return self.redirect(
                self.here(f"section-{section.pk}"),
                message=_("Tick at least one question."),
                level=messages.WARNING,
            )
        text = ngettext("%(count)d question was added.", "%(count)d questions were added.", len(added))
        return self.redirect(self.here(f"section-{section.pk}"), message=text % {"count": len(added)})

    def _order(self, section: Section) -> HttpResponseBase:
        places: dict[int, int] = {}
        for question in section.questions.all():
            typed = self.request.POST.get(f"place-{question.pk}", "").strip()
            if typed.isascii() and typed.isdigit() and len(typed) < 6:
                places[question.pk] = int(typed)
        moved = building.order_questions(section, places, actor=self.request.user)
        text = _("The order was saved.") if moved else _("The order is as it was.")
        return self.redirect(self.here(f"section-{section.pk}"), message=text)

    def _standard(self) -> HttpResponseBase:
        bank = load_bank()
        text = ngettext(
            "The bank holds %(count)d question.", "The bank holds %(count)d questions.", len(bank)
        )
        return self.redirect(message=text % {"count": len(bank)})


def _question_row(question: CallQuestion) -> dict[str, Any]:
    condition = ""
    if question.condition_on is not None:
        value = question.condition_value
        condition = _("only if “%(on)s”: %(value)s") % {
            "on": question.condition_on.label,
            "value": answers_to_wait_for(question.condition_on).get(value, value) or _("anything"),
        }
    return {
        "question": question,
        "condition": condition,
        "problems": question_problems(question),
        "purpose": question.get_purpose_display() if question.purpose else "",
    }


class SectionPage(BuilderPage):
    """Changes the heading of a section."""

    name, path = "section", "<int:pk>/form/section/<int:section_id>/"
    rule = "funding.build_call"
    title = gettext_lazy("Section")
    template_name = "admin/funding/call/edit.html"

    def step(self) -> str:
        return "form"

    def context(self) -> Mapping[str, Any]:
        return {**super().context(), "back": self.address("form", self.object.pk)}

    def current(self) -> Section:
        found: Section = self.of_call(Section.objects.all(), self.kwargs["section_id"])
        return found

    def get(self) -> HttpResponseBase:
        section = self.current()
        values = {name: getattr(section, name) for name in ("title_zh_hans", "title_en")}
        return self.form_page(SectionForm(initial=values))

    def post(self) -> HttpResponseBase:
        section, form = self.current(), SectionForm(self.request.POST)
        if not form.is_valid():
            return self.form_page(form)
        building.change_section(section, actor=self.request.user, **form.cleaned_data)
        return self.redirect(
            f"{self.address('form', self.object.pk)}#section-{section.pk}", message=_("Saved.")
        )


class QuestionPage(BuilderPage):
    """How one question stands in this call: required, who sees it, condition, wording and settings."""

    name, path = "question", "<int:pk>/form/question/<int:question_id>/"
    rule = "funding.build_call"
    title = gettext_lazy("Question of the call")
    template_name = "admin/funding/call/question.html"

    def step(self) -> str:
        return "form"

    def current(self) -> tuple[CallQuestion, list[CallQuestion]]:
        earlier: list[CallQuestion] = []
        for question in questions_of(self.object):
            if question.pk == self.kwargs["question_id"]:
                return question, earlier
            earlier.append(question)
        raise Http404

    def show(self, question: CallQuestion, form: forms.BaseForm, **context: Any) -> HttpResponseBase:
        return self.form_page(
            form,
            question=question,
            back=f"{self.address('form', self.object.pk)}#question-{question.pk}",
            **context,
        )

    def get(self) -> HttpResponseBase:
        question, earlier = self.current()
        return self.show(question, CallQuestionForm(question=question, earlier=earlier))

    def post(self) -> HttpResponseBase:
        question, earlier = self.current()
        form = CallQuestionForm(self.request.POST, question=question, earlier=earlier)
        if not form.is_valid():
            return self.show(question, form)
        try:
            building.change_question(question, actor=self.request.user, **form.cleaned_data)
        except DomainError as error:
            return self.show(question, form, problems=refuse(form, error))
        return self.redirect(
            f"{self.address('form', self.object.pk)}#question-{question.pk}", message=_("Saved.")
        )


# --- stages --------------------------------------------------------------------------------------------------------


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


# --- texts of notices ----------------------------------------------------------------------------------------------


def kinds_of_call() -> list[Any]:
    """Return the kinds of notices whose text a call may have of its own."""
    return sorted((kind for kind in KINDS.values() if kind.per_call), key=lambda kind: kind.name)


class TextsPage(BuilderPage):
    """Every notice that people get about this call, with whose text it is."""

    name, path = "texts", "<int:pk>/texts/"
    title = gettext_lazy("Notices")
    template_name = "admin/funding/call/texts.html"

    def context(self) -> Mapping[str, Any]:
        own = {text.kind for text in self.object.texts.all()}
        language = get_language() or LANGUAGES[0]
        rows = [
            {
                "kind": kind,
                "own": kind.name in own,
                # With sample values, as the preview shows it.
                "subject": preview_notice(kind.name, {}, language)[0],
            }
            for kind in kinds_of_call()
        ]
        return {**super().context(), "rows": rows}


class TextPage(BuilderPage):
    """One notice's text in both languages, with what people will read beside it."""

    name, path = "text", "<int:pk>/texts/<str:kind>/"
    title = gettext_lazy("Text of a notice")
    template_name = "admin/funding/call/text.html"

    def step(self) -> str:
        return "texts"

    @property
    def kind(self) -> Any:
        found = KINDS.get(self.kwargs["kind"])
        if found is None or not found.per_call:
            raise Http404
        return found

    @property
    def editable(self) -> bool:
        return may(self.request.user, "funding.edit_call_texts", self.object)

    def get_title(self) -> Any:
        return self.kind.label

    def show(self, form: Any, texts: Mapping[str, Mapping[str, str]], **context: Any) -> HttpResponseBase:
        previews, wrong = _previews(self.kind, texts)
        values = {
            "kind": self.kind,
            "fields": {**COMMON_FIELDS, **self.kind.fields},
            "previews": previews,
            "wrong": wrong,
            "back": self.address("texts", self.object.pk),
        }
        if self.request.headers.get("X-Part") == "preview":
            return render(self.request, "admin/funding/call/_text_preview.html", values)
        return self.form_page(form, **values, **context)

    def get(self) -> HttpResponseBase:
        texts = texts_of(self.object, self.kind.name) or {}
        values = {
            f"{part}_{code}": (texts.get(part) or {}).get(language, "")
            for part in ("subject", "body")
            for language, code in (("zh-hans", "zh_hans"), ("en", "en"))
        }
        form = TextForm(initial=values)
        for part in ("subject", "body"):
            for language, code in (("zh-hans", "zh_hans"), ("en", "en")):
                field = form.fields[f"{part}_{code}"]
                field.widget.attrs["placeholder"] = getattr(self.kind, part)[language]
        return self.show(form, texts)

    def post(self) -> HttpResponseBase:
        if not self.editable:
            raise Http404
        form = TextForm(self.request.POST)
        if not form.is_valid():
            return self.show(form, {})
        typed = form.cleaned_data
        texts = {
            part: {"zh-hans": typed[f"{part}_zh_hans"], "en": typed[f"{part}_en"]}
            for part in ("subject", "body")
        }
        name, _key = self.do()
        if name == "preview":
            return self.show(form, texts)
        try:
            if name == "reset":
                building.save_text(self.object, self.kind.name, actor=self.request.user)
                return self.redirect(message=_("The portal's own text is used again."))
            building.save_text(self.object, self.kind.name, actor=self.request.user, **typed)
        except DomainError as error:
            return self.show(form, texts, problems=refuse(form, error))
        return self.redirect(message=_("Saved."))


def _previews(kind: Any, texts: Mapping[str, Mapping[str, str]]) -> tuple[list[dict[str, str]], list[str]]:
    """Return what people read in each language, and what is wrong with the text instead."""
    try:
        found = [(language, *preview_notice(kind.name, texts, language)) for language in LANGUAGES]
    except DomainError as error:
        return [], [str(problem.message) for problem in error.problems] or [str(error)]
    names = {"zh-hans": "简体中文", "en": "English"}
    return [
        {
            "language": language,
            "lang": "zh-Hans" if language == "zh-hans" else language,
            "name": names[language],
            "subject": subject,
            "body": body,
        }
        for language, subject, body in found
    ], []


# --- previews and the check ----------------------------------------------------------------------------------------

ROLES = (
    ("public", gettext_lazy("Everyone")),
    ("applicant", gettext_lazy("Applicant")),
    ("liaison", gettext_lazy("Liaison")),
    ("reviewer", gettext_lazy("Reviewer")),
)


class PreviewPage(BuilderPage):
    """The call as each role will see it, in the portal's own frame."""

    name, path = "preview", "<int:pk>/preview/"
    title = gettext_lazy("Preview")
    template_name = "funding/calls/preview.html"

    def role(self) -> str:
        asked = self.request.GET.get("as", "public")
        return asked if asked in dict(ROLES) else "public"

    def get(self) -> HttpResponseBase:
        call, role = self.object, self.role()
        values: dict[str, Any] = {
            "title": call.title or call.code,
            "call": call,
            "role": role,
            "roles": ROLES,
            "preview": True,
            "back": self.address("check", call.pk),
        }
        if role == "public":
            state, tone = state_of(call, timezone.now())
            values |= {**call_context(call, timezone.now()), "state_line": StateLine(state=state, tone=tone)}
        else:
            values |= self._sections(role)
        return render(self.request, self.template_name, values)

    def _sections(self, role: str) -> dict[str, Any]:
        stages = list(self.object.stages.prefetch_related("criteria"))
        stage = next(
            (s for s in stages if s.kind == (StageKind.EXPERT if role == "reviewer" else role)), None
        )
        blind = role == "reviewer" and stage is not None and stage.blind
        sections, hidden = [], 0
        for section in form_of(self.object):
            rows = []
            for row in section.questions.all():
                without = _unseen(row, blind=blind) if role == "reviewer" else []
                if without is None:
                    hidden += 1
                    continue
                condition = _question_row(row)["condition"]
                rows.append(
                    {
                        "q": _presented(row),
                        "row": row,
                        "condition": condition,
                        "without": _(", ").join(without),
                    }
                )
            if rows:
                sections.append({"title": section.title, "questions": rows})
        return {
            "sections": sections,
            "stage": stage,
            "criteria": list(stage.criteria.all()) if stage is not None else [],
            "hidden": hidden,
            "blind": blind,
        }


def _unseen(question: CallQuestion, *, blind: bool) -> list[str] | None:
    """Return the columns of a table that reviewers do not see; None when they see nothing of the question."""
    if not seen_by_reviewers(question):
        return None
    if not blind:
        return []
    left = type_of(question.kind).blinded(None, question.settings)
    if left is None:
        return None
    kind = type_of(question.kind)
    if not isinstance(kind, Table):
        return []
    seen = {column["key"] for column in kind.columns(left[1])}
    return [in_language(column) for column in kind.columns(question.settings) if column["key"] not in seen]


def _presented(question: CallQuestion) -> dict[str, Any]:
    return present(
        key=question.key,
        kind=question.kind,
        label=question.label,
        help=question.help_text,
        settings=question.settings,
        required=question.required,
    )


class CheckPage(BuilderPage):
    """What is still missing before the call can be published; afterwards, the call at a glance."""

    name, path = "check", "<int:pk>/check/"
    title = gettext_lazy("Overview")
    icon = "fact_check"
    offered = "record"
    template_name = "admin/funding/call/check.html"

    def context(self) -> Mapping[str, Any]:
        call = self.object
        stages = list(call.stages.all())
        problems = problems_of(call) if call.state == CallState.DRAFT else []
        labels = {step: label for step, label, _page in STEPS}
        groups: dict[str, list[dict[str, Any]]] = {}
        for problem in problems:
            row = {"text": problem.message, "url": where_of(self.admin, call, problem)}
            groups.setdefault(problem.field or BASICS, []).append(row)
        warnings = warnings_of(call) if call.state == CallState.DRAFT else []
        return {
            **super().context(),
            "warnings": [
                {"text": warning.message, "url": where_of(self.admin, call, warning)} for warning in warnings
            ],
            "missing": [{"label": labels[step], "rows": rows} for step, rows in groups.items()],
            "missing_count": len(problems),
            "may_publish": may(self.request.user, "funding.publish_call", call)
            and call.state == CallState.DRAFT,
            "publish_url": self.address("act", call.pk, "publish"),
            "question_count": call.questions.count(),
            "stages": stages,
            "drawing": drawing_of(stages),
            "drawing_title": _("The way of an application through the stages"),
            "submitted": call.last_number,
            "ask_lead": call.state in (CallState.PUBLISHED, CallState.OPEN)
            and may(self.request.user, "funding.build_call")
            and not may(self.request.user, "funding.close_call", call),
        }


# --- the call itself -----------------------------------------------------------------------------------------------


class CallForm(forms.ModelForm):  # type: ignore[type-arg]
    """The text, times and limits of a call."""

    applicants = forms.MultipleChoiceField(
        label=gettext_lazy("who may apply"),
        choices=ApplicantKind.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=list(ApplicantKind.values),
    )
    opens_at = forms.DateTimeField(label=gettext_lazy("opens"), widget=forms.DateTimeInput)
    closes_at = forms.DateTimeField(label=gettext_lazy("closes"), widget=forms.DateTimeInput)

    class Meta:
        model = Call
        fields = FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("applicants", "opens_at", "closes_at"):
            if name in self.fields:
                dress_one(self.fields[name])
        if "title_zh_hans" in self.fields:
            self.fields["title_zh_hans"].required = True


def dress_one(field: forms.Field) -> None:
    """Give one field the admin's look."""

    class One(forms.Form):
        pass

    form = One()
    form.fields["one"] = field
    dress(form)


def _refuse_incomplete(call: Call, actor: Any) -> None:
    if problems := problems_of(call):
        raise DomainError(problems[0].message, problems=problems)


def _publish_context(call: Call, user: Any) -> dict[str, Any]:
    return {
        "call": call,
        "problems": [str(problem.message) for problem in problems_of(call)],
        "warnings": [str(warning.message) for warning in warnings_of(call)],
        "question_count": call.questions.count(),
        "stages": list(call.stages.all()),
    }


def _copy_initial(call: Call, user: Any) -> dict[str, Any]:
    """Offer the same minutes a year later, and the code with the next year in it."""
    code = re.sub(r"20\d\d", lambda year: str(int(year.group()) + 1), call.code, count=1)
    return {
        "code": code if code != call.code else f"{call.code}-2"[:24],
        "opens_at": _year_later(call.opens_at),
        "closes_at": _year_later(call.closes_at),
    }


def _year_later(moment: Any) -> Any:
    local = timezone.localtime(moment)
    try:
        return local.replace(year=local.year + 1)
    except ValueError:  # 29 February
        return local.replace(year=local.year + 1, day=28)


# What is shown instead of these once the call is announced and nobody types them any more.
SHOWN_AS = {
    "title": "title_both",
    "summary": "summary_both",
    "body": "body_both",
    "budget_fen": "budget_fen_yuan",
    "min_amount_fen": "min_amount_fen_yuan",
    "max_amount_fen": "max_amount_fen_yuan",
    "applicants": "applicants_shown",
}


def both_languages(field: str) -> Any:
    """Return a read-only field that shows a text in both languages, one below the other."""

    def show(model_admin: Any, obj: Any) -> Any:
        rows = [
            (lang, text)
            for lang, code in (("zh-Hans", "zh_hans"), ("en", "en"))
            if (text := getattr(obj, f"{field}_{code}"))
        ]
        return format_html_join("", '<div lang="{}" class="builder-mail-body">{}</div>', rows) or "—"

    show.__name__ = f"{field}_both"
    label = Call._meta.get_field(field).verbose_name  # type: ignore[union-attr]
    return admin.display(description=label)(show)


FIXED = (
    "code",
    "title",
    "title_zh_hans",
    "title_en",
    "summary",
    "summary_zh_hans",
    "summary_en",
    "body",
    "body_zh_hans",
    "body_en",
    "fund",
    "outcome",
    "track",
    "opens_at",
    "closes_at",
    "grace_minutes",
    "applicants",
    "budget_fen",
    "min_amount_fen",
    "max_amount_fen",
    "max_files",
    "max_file_mb",
)


def _shown(fields: Sequence[Any]) -> list[Any]:
    return [
        tuple(SHOWN_AS.get(one, one) for one in name) if isinstance(name, tuple) else SHOWN_AS.get(name, name)
        for name in fields
    ]


@admin.register(Call)
class CallAdmin(StaffAdmin):
    form = CallForm
    create = create_call
    update = change_call
    add_rule = "funding.build_call"
    change_rule = "funding.edit_call_texts"
    delete_rule = "funding.build_call"
    view_rule = "funding.see_calls"
    list_display = ["code", "title", "state_shown", "track", "opens_at", "closes_at", "last_number", "lead"]
    list_display_links = ["code", "title"]
    list_filter = ["state", "track", "fund"]
    list_select_related = ["lead"]
    search_fields = ["code", "title_zh_hans", "title_en"]
    search_help_text = gettext_lazy("Code or title")
    ordering = ["-opens_at", "-id"]
    date_hierarchy = None
    change_form_outer_before_template = "admin/funding/call/_steps.html"
    autocomplete_fields: Sequence[str] = ()
    fieldsets = [
        (None, {"fields": [("code", "track"), "title", "summary", "body"]}),
        (
            gettext_lazy("Times (Asia/Shanghai)"),
            {"fields": ["opens_at", "closes_at", "grace_minutes"]},
        ),
        (
            gettext_lazy("Fund and limits"),
            {
                "fields": [
                    ("fund", "outcome"),
                    "budget_fen",
                    ("min_amount_fen", "max_amount_fen"),
                    ("max_files", "max_file_mb"),
                ]
            },
        ),
        (gettext_lazy("People"), {"fields": ["applicants", "contact", "lead"]}),
        (
            gettext_lazy("Record"),
            {"fields": [("state", "published_at"), ("created_by", "created_at"), "copied_from"]},
        ),
    ]
    readonly_fields = ["published_at", "created_by", "created_at", "copied_from"]
    pages = [
        CheckPage,
        RulesPage,
        RulePage,
        FormPage,
        SectionPage,
        QuestionPage,
        StagesPage,
        StagePage,
        TextsPage,
        TextPage,
        PreviewPage,
    ]
    acts = [
        Act(
            "publish",
            publish_call,
            icon="campaign",
            explain=gettext_lazy(
                "The call is announced on the portal and opens and closes by itself. From then on its form, rules and "
                "stages are fixed; it can be extended, and the texts of its notices can still be changed."
            ),
            template="admin/funding/call/_publish.html",
            context=_publish_context,
            done=gettext_lazy("The call has been announced."),
        ),
        Act(
            "extend",
            extend_call,
            label=pgettext_lazy("call", "Extend"),
            rule="funding.extend_call",
            sources=(CallState.PUBLISHED, CallState.OPEN, CallState.CLOSED),
            form=ExtendForm,
            icon="more_time",
            explain=gettext_lazy(
                "Moves the closing minute later; a call that has closed opens again. Everyone with a draft is told."
            ),
            done=gettext_lazy("The call was extended."),
        ),
        Act(
            "correct",
            correct_call,
            label=gettext_lazy("Correct the dates"),
            rule="funding.correct_call",
            sources=(CallState.PUBLISHED, CallState.OPEN),
            form=CorrectForm,
            check=refuse_correction,
            icon="edit_calendar",
            explain=gettext_lazy(
                "For dates that were mistyped: they may be moved earlier too, as long as no application has been "
                "submitted. Everyone with a draft is told."
            ),
            done=gettext_lazy("The dates were corrected."),
        ),
        Act(
            "open",
            open_call,
            icon="lock_open",
            explain=gettext_lazy("Opens the call now instead of at its minute."),
            done=gettext_lazy("The call is open."),
        ),
        Act(
            "close",
            close_call,
            icon="lock",
            danger=True,
            explain=gettext_lazy(
                "Closes the call now, before its minute. Drafts can no longer be submitted, unless an extension is "
                "granted for one of them."
            ),
            done=gettext_lazy("The call is closed."),
        ),
        Act(
            "cancel",
            cancel_call,
            form=CancelForm,
            icon="cancel",
            danger=True,
            explain=gettext_lazy("Gives the call up for good. It disappears from the portal."),
            done=gettext_lazy("The call was cancelled."),
        ),
        Act(
            "copy",
            copy_call,
            label=gettext_lazy("Copy"),
            rule="funding.copy_call",
            form=CopyForm,
            icon="content_copy",
            initial=_copy_initial,
            explain=gettext_lazy("Makes a new draft with the same text, form, rules, stages and notices."),
            after=lambda call, copy: reverse("admin:funding_call_check", args=[copy.pk]),
            done=gettext_lazy("The copy is a draft: look it over and publish it."),
        ),
        Act(
            "standard",
            standard_call,
            on="list",
            label=gettext_lazy("New call from the standard form"),
            rule="funding.build_call",
            form=StandardForm,
            icon="library_add",
            explain=gettext_lazy(
                "Makes a draft of the “AI + BT” concept-validation call in both languages: text, form, rules, stages, "
                "rubric. Change what you like, then publish it."
            ),
            done=gettext_lazy("The draft is ready: look it over and publish it."),
        ),
    ]
    state_shown = state_label(label=gettext_lazy("state"))
    title_both = both_languages("title")
    summary_both = both_languages("summary")
    body_both = both_languages("body")
    budget_fen_yuan = money("budget_fen", gettext_lazy("budget"))
    min_amount_fen_yuan = money("min_amount_fen", gettext_lazy("smallest amount"))
    max_amount_fen_yuan = money("max_amount_fen", gettext_lazy("largest amount"))

    def get_readonly_fields(self, request: HttpRequest, obj: Call | None = None) -> Any:
        fields = list(super().get_readonly_fields(request, obj))
        if obj is not None and obj.state != CallState.DRAFT:
            fields += [*FIXED, *SHOWN_AS.values()]
        return fields

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and obj.state != CallState.DRAFT:
            groups: Any = self.fieldsets
            return [(name, {**options, "fields": _shown(options["fields"])}) for name, options in groups]
        found = super().get_fieldsets(request, obj)
        # A new call has no record yet.
        return found if obj is not None else found[:-1]

    @admin.display(description=gettext_lazy("who may apply"))
    def applicants_shown(self, obj: Call) -> str:
        return applicants_text(obj.applicants)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        obj = kwargs.get("obj")
        if obj is not None:
            context |= {
                "steps": steps_of(self, obj, "change"),
                "call": obj,
                "is_draft": obj.state == CallState.DRAFT,
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        if "_continue" in request.POST or "_addanother" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        messages.success(request, _("The call is a draft. Build its form next."))
        return HttpResponseRedirect(self.address("form", obj.pk))


# --- the bank ------------------------------------------------------------------------------------------------------


class DressedBankForm(BankForm):
    """The bank's form in the admin's look."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


@admin.register(Question)
class QuestionAdmin(StaffAdmin):
    form = DressedBankForm
    create = building.add_to_bank
    update = building.change_bank_question
    view_rule = "funding.see_calls"
    add_rule = "funding.build_call"
    change_rule = "funding.edit_call_texts"
    list_display = ["label", "key", "kind", "used", "retired"]
    list_display_links = ["label", "key"]
    list_filter = ["kind", "retired"]
    search_fields = ["key", "label_zh_hans", "label_en"]
    search_help_text = gettext_lazy("Key or question")
    ordering = ["key"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).annotate(uses_count=models.Count("uses"))

    @admin.display(description=gettext_lazy("calls using it"), ordering="uses_count")
    def used(self, obj: Any) -> int:
        return int(obj.uses_count)

    def get_readonly_fields(self, request: HttpRequest, obj: Question | None = None) -> Any:
        fields = list(super().get_readonly_fields(request, obj))
        return [*fields, "key", "kind"] if obj is not None else fields

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        first = (
            None,
            {"fields": ["key", "kind", ("label_zh_hans", "label_en"), ("help_zh_hans", "help_en")]},
        )
        if obj is None:
            note = gettext_lazy("The settings of the question follow once it is stored.")
            return [(None, {**first[1], "description": note})]
        settings = list(config_fields(obj.kind)) if self.has_change_permission(request, obj) else []
        found: list[Any] = [first]
        if settings:
            found.append((gettext_lazy("Settings"), {"fields": settings}))
        found.append((gettext_lazy("Use"), {"fields": ["retired"]}))
        return found

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None and self.has_change_permission(request, obj):
            kwargs["form"] = type("BankFormOfKind", (DressedBankForm,), dict(config_fields(obj.kind)))
        return super().get_form(request, obj, change, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A question that is no longer asked is retired: earlier answers are found by its key.
        return False

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.success(request, _("The question is in the bank. Set it up next."))
        return HttpResponseRedirect(self.address("change", obj.pk))
