"""A call's form: sections, and how each question of the bank stands in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from funding.calls import building
from funding.calls.admin.builder import BuilderPage
from funding.calls.checks import answers_to_wait_for, question_problems
from funding.calls.forms import CallQuestionForm, SectionForm
from funding.calls.models import CallQuestion, Question, Section
from funding.calls.services import form_of, questions_of
from funding.calls.standard import load_bank
from funding.calls.states import QuestionKind
from park_portal.core.admin import dress
from park_portal.core.admin.acts import refuse
from park_portal.core.errors import DomainError


class FormPage(BuilderPage):
    """The form: sections and their questions, in order; questions are added from the bank."""

    name, path = "form", "<int:pk>/form/"
    title = gettext_lazy("Form")
    template_name = "admin/funding/call/form.html"

    def context(self) -> Mapping[str, Any]:
        sections = form_of(self.object)
        questions = [question for section in sections for question in section.questions.all()]
        used = {question.question_id for question in questions}
        numbers = {question.key for question in questions if question.kind == QuestionKind.NUMBER}
        return {
            **super().context(),
            "sections": [
                {"section": section, "rows": [question_row(row, numbers) for row in section.questions.all()]}
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


def question_row(question: CallQuestion, numbers: Collection[str]) -> dict[str, Any]:
    return {
        "question": question,
        "condition": condition_text(question),
        "problems": question_problems(question, numbers),
        "purpose": question.get_purpose_display() if question.purpose else "",
    }


def condition_text(question: CallQuestion) -> str:
    """Return when a question is asked; an empty string when it always is."""
    if question.condition_on is None:
        return ""
    value = question.condition_value
    return _("only if “%(on)s”: %(value)s") % {
        "on": question.condition_on.label,
        "value": answers_to_wait_for(question.condition_on).get(value, value) or _("anything"),
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
