"""One application's form with everything typed into it, loaded in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from funding.applications.eligibility import Finding, case_of, evaluate_case
from funding.applications.models import Answer, AnswerFile, Application, Return
from funding.applications.snapshot import file_value
from funding.applications.states import ApplicationState
from funding.calls.models import CallQuestion, Section
from funding.calls.questions import Table, type_of
from funding.calls.services import form_of, visible_keys
from funding.calls.states import Purpose, QuestionKind
from park_portal.core.errors import Problem
from park_portal.core.money import format_yuan


@dataclass
class Sheet:
    """The form of one application: its questions, what is answered, which may be changed now."""

    application: Application
    sections: list[tuple[Section, list[CallQuestion]]]
    answers: dict[int, Answer]
    files: dict[int, list[AnswerFile]]
    returned: Return | None = None
    comments: dict[int, str] = field(default_factory=dict)

    @cached_property
    def questions(self) -> list[CallQuestion]:
        return [question for _section, questions in self.sections for question in questions]

    @cached_property
    def by_key(self) -> dict[str, CallQuestion]:
        return {question.key: question for question in self.questions}

    @cached_property
    def values(self) -> dict[str, Any]:
        """The value of every question that has one, by key, the hidden ones too."""
        found = {}
        for question in self.questions:
            if question.kind == QuestionKind.FILES:
                value: Any = [file_value(file) for file in self.files.get(question.pk, [])] or None
            else:
                answer = self.answers.get(question.pk)
                value = answer.value if answer else None
            if value is not None:
                found[question.key] = value
        return found

    @cached_property
    def asked(self) -> set[str]:
        """The keys of the questions that their conditions let through."""
        conditions = {
            q.key: (q.condition_on.key if q.condition_on else None, q.condition_value) for q in self.questions
        }
        return visible_keys(conditions, self.values)

    @cached_property
    def open_keys(self) -> set[str]:
        """The keys of the questions that may be changed now.

        All of a draft; of a returned application those that were opened, and those that hang on them by a condition.
        """
        state = self.application.state
        if state == ApplicationState.DRAFT:
            return set(self.by_key)
        if state != ApplicationState.RETURNED:
            return set()
        opened = set(self.comments)
        grown = True
        while grown:
            more = {q.pk for q in self.questions if q.condition_on_id in opened} - opened
            grown = bool(more)
            opened |= more
        return {question.key for question in self.questions if question.pk in opened}

    @property
    def asked_answers(self) -> dict[str, Any]:
        """What would be frozen: the values of the questions that are asked."""
        return {key: value for key, value in self.values.items() if key in self.asked}

    def revision(self, key: str) -> int:
        """Return how many times the answer was saved; 0 when there is none."""
        answer = self.answers.get(self.by_key[key].pk)
        return answer.revision if answer else 0

    def value_of(self, purpose: str) -> Any:
        """Return the value of the question that the portal reads as ``purpose``, if it is asked and answered."""
        for question in self.questions:
            if question.purpose == purpose and question.key in self.asked:
                return self.values.get(question.key)
        return None

    def question_for(self, purpose: str) -> CallQuestion | None:
        return next((q for q in self.questions if q.purpose == purpose), None)

    @cached_property
    def findings(self) -> list[Finding]:
        return evaluate_case(case_of(self.application, self.questions, self.values))

    def problems_of(self, key: str) -> list[Problem]:
        """Return what stands against submitting the answer to one question."""
        question = self.by_key[key]
        if key not in self.asked or key not in self.open_keys:
            return []
        anchor = f"#q-{key}"
        value = self.values.get(key)
        messages = type_of(question.kind).problems(
            value, self._settings_of(question), required=question.required
        )
        found = [Problem(message, field=key, anchor=anchor) for message in messages]
        if not messages and question.purpose == Purpose.AMOUNT and value is not None:
            found += self._amount_limits(value, key)
        if not messages and question.purpose == Purpose.BUDGET and value:
            found += self._budget_balance(question, value)
        if not messages and question.kind == QuestionKind.TRL and value is not None:
            found += self._not_below(question, value)
        return found

    def _settings_of(self, question: CallQuestion) -> dict[str, Any]:
        """Return the settings, with the answer in the place of a limit that names another question."""
        settings = question.settings
        if question.kind != QuestionKind.TABLE:
            return settings
        columns = [
            {**column, "max": self._asked_value(column["max"])}
            if column.get("max") in self.by_key
            else column
            for column in settings.get("columns") or ()
        ]
        return {**settings, "columns": columns}

    def _asked_value(self, key: str) -> Any:
        return self.values.get(key) if key in self.asked else None

    def _not_below(self, question: CallQuestion, level: int) -> list[Problem]:
        other = self.by_key.get(question.settings.get("not_below") or "")
        if other is None or other.kind != QuestionKind.TRL:
            return []
        floor = self._asked_value(other.key)
        if floor is None or level >= floor:
            return []
        text = _("“%(question)s” is TRL %(level)s; choose that or a higher level.") % {
            "question": other.label,
            "level": floor,
        }
        return [Problem(text, field=question.key, anchor=f"#q-{question.key}")]

    def _amount_limits(self, fen: int, key: str) -> list[Problem]:
        call, anchor = self.application.call, f"#q-{key}"
        if call.min_amount_fen is not None and fen < call.min_amount_fen:
            text = _("This call gives at least %(amount)s.") % {"amount": format_yuan(call.min_amount_fen)}
            return [Problem(text, field=key, anchor=anchor)]
        if call.max_amount_fen is not None and fen > call.max_amount_fen:
            text = _("This call gives at most %(amount)s.") % {"amount": format_yuan(call.max_amount_fen)}
            return [Problem(text, field=key, anchor=anchor)]
        return []

    def _budget_balance(self, question: CallQuestion, value: Any) -> list[Problem]:
        type_ = type_of(question.kind)
        wanted = self.value_of(Purpose.AMOUNT)
        if not isinstance(type_, Table) or wanted is None:
            return []
        total = type_.total(value, question.settings)
        if total is None or int(total) == wanted:
            return []
        text = _("The budget adds up to %(total)s, but %(amount)s is requested. Make them equal.") % {
            "total": format_yuan(int(total)),
            "amount": format_yuan(wanted),
        }
        return [Problem(text, field=question.key, anchor=f"#q-{question.key}")]

    @cached_property
    def problems(self) -> list[Problem]:
        """Everything that stands against submitting, in the order of the form, eligibility last."""
        found = [problem for question in self.questions for problem in self.problems_of(question.key)]
        # A condition whose question is itself in the list above need not be named a second time.
        named = {problem.anchor for problem in found}
        for finding in self.findings:
            if finding.blocks and finding.fix not in named:
                text = _("%(rule)s: %(reason)s") % {"rule": finding.title, "reason": finding.reason}
                found.append(Problem(text, anchor=finding.fix or "#eligibility"))
        return found

    @cached_property
    def progress(self) -> tuple[int, int]:
        """How many of the required questions that may be answered now are answered, and how many there are."""
        wanted = [q for q in self.questions if q.required and q.key in self.asked and q.key in self.open_keys]
        return sum(1 for q in wanted if q.key in self.values), len(wanted)


def sheet_of(application: Application) -> Sheet:
    """Load the form of ``application`` with its answers and files."""
    returned = application.open_return
    comments = dict(returned.items.values_list("question_id", "comment")) if returned else {}
    answers = {answer.question_id: answer for answer in application.answers.select_related("updated_by")}
    files: dict[int, list[AnswerFile]] = {}
    for file in application.files.filter(removed_at__isnull=True).select_related("document"):
        files.setdefault(file.question_id, []).append(file)
    sections = [(section, list(section.questions.all())) for section in form_of(application.call)]
    return Sheet(application, sections, answers, files, returned, comments)
