"""All applications that match, with their answers, as one Excel sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from funding.applications.models import Answer, AnswerFile, Application, Version
from funding.applications.states import ApplicationState
from funding.calls.models import CallQuestion
from funding.calls.questions import QuestionType, Table, in_language, type_of
from funding.calls.states import QuestionKind
from park_portal.core.documents.models import Document
from park_portal.core.jobs.excel import Column, export_rows
from park_portal.core.jobs.progress import Progress

CHUNK: Final = 500


@dataclass
class Line:
    """One application and its answers by key of the question."""

    application: Application
    answers: dict[str, Any] = field(default_factory=dict)


def export_applications(keys: list[int], progress: Progress) -> Document:
    """Write the applications ``keys`` with what was last submitted (of drafts: what is typed) and return the file."""
    rows = (
        Application.objects.filter(pk__in=keys)
        .select_related("call", "organisation", "project", "current_stage")
        .order_by("call_id", "number", "pk")
    )
    total = len(keys)
    calls = list(
        Application.objects.filter(pk__in=keys).order_by().values_list("call_id", flat=True).distinct()
    )
    questions = list(
        CallQuestion.objects.filter(call__in=calls)
        .select_related("question", "section")
        .order_by("-call_id", "section__position", "section_id", "position", "id")
    )
    name = f"{_('Applications')} {timezone.localtime():%Y-%m-%d %H%M}.xlsx"
    columns = [*_fixed_columns(), *_answer_columns(questions)]
    return export_rows(
        columns, _lines(rows, questions), progress, name=name, total=total, sheet=_("Applications")
    )


def _lines(rows: QuerySet[Application], questions: list[CallQuestion]) -> Iterator[Line]:
    key_of = {question.pk: question.key for question in questions}
    batch: list[Application] = []
    for application in rows.iterator(chunk_size=CHUNK):
        batch.append(application)
        if len(batch) == CHUNK:
            yield from _with_answers(batch, key_of)
            batch = []
    yield from _with_answers(batch, key_of)


def _with_answers(batch: list[Application], key_of: dict[int, str]) -> Iterator[Line]:
    if not batch:
        return
    keys = [application.pk for application in batch]
    answers: dict[int, dict[str, Any]] = dict(
        Version.objects.filter(application__in=keys)
        .order_by("application_id", "-number")
        .distinct("application_id")
        .values_list("application_id", "answers")
    )
    drafts = [key for key in keys if key not in answers]
    if drafts:
        typed = Answer.objects.filter(application__in=drafts)
        for application_id, question_id, value in typed.values_list("application_id", "question_id", "value"):
            answers.setdefault(application_id, {})[key_of[question_id]] = value
        files = AnswerFile.objects.filter(application__in=drafts, removed_at__isnull=True)
        for file in files.select_related("document"):
            held = answers.setdefault(file.application_id, {}).setdefault(key_of[file.question_id], [])
            held.append({"name": file.document.name})
    for application in batch:
        yield Line(application, answers.get(application.pk, {}))


def _fixed_columns() -> list[Column]:
    states = {value: str(label) for value, label in ApplicationState.choices}
    kinds = dict(Application._meta.get_field("kind").flatchoices)
    labels = {value: str(label) for value, label in kinds.items()}
    stages: dict[int, str] = {}

    def stage(line: Line) -> str:
        held = line.application.current_stage
        if held is None:
            return ""
        if held.pk not in stages:
            stages[held.pk] = str(held)
        return stages[held.pk]

    return [
        Column(_("Number"), lambda line: line.application.number, 18),
        Column(_("Call"), lambda line: line.application.call.code, 16),
        Column(_("Title"), lambda line: line.application.title, 44),
        Column(_("Kind of applicant"), lambda line: labels[line.application.kind], 16),
        Column(_("Applicant"), _applicant, 32),
        Column(_("Code of the applicant"), _applicant_code, 22),
        Column(_("Amount requested (yuan)"), lambda line: line.application.amount_fen, 18, kind="money"),
        Column(_("State"), lambda line: states[line.application.state], 14),
        Column(_("Stage"), stage, 18),
        Column(_("Due"), lambda line: line.application.due_at, 17),
        Column(_("Submitted"), lambda line: line.application.submitted_at, 17),
        Column(_("Decided"), lambda line: line.application.decided_at, 17),
    ]


def _applicant(line: Line) -> str:
    application = line.application
    found = application.organisation.name if application.organisation else ""
    return found or (application.project.title if application.project else "")


def _applicant_code(line: Line) -> str | None:
    application = line.application
    if application.organisation is not None:
        return application.organisation.uscc
    return application.project.code if application.project else None


def _answer_columns(questions: list[CallQuestion]) -> list[Column]:
    """One column a key, named as in the newest of the calls; a budget also its total, in yuan.

    A question keeps its key from call to call, so its answers stand in one column; each call's own settings say how
    they read.
    """
    by_key: dict[str, dict[int, CallQuestion]] = {}
    for question in questions:
        by_key.setdefault(question.key, {})[question.call_id] = question
    language = get_language() or "zh-hans"
    columns = []
    for key, by_call in by_key.items():
        first = next(iter(by_call.values()))
        settings = {call: question.settings for call, question in by_call.items()}
        type_ = type_of(first.kind)
        if first.kind == QuestionKind.MONEY:
            columns.append(Column(f"{first.label} ({_('yuan')})", _raw(key), 18, kind="money"))
            continue
        readers = {call: _reader(type_, given, language) for call, given in settings.items()}
        unit = in_language(first.settings.get("unit"), language) if first.kind == QuestionKind.NUMBER else ""
        head = f"{first.label} ({unit})" if unit else first.label
        columns.append(Column(head, partial(_read, key, readers), _width(first.kind)))
        if isinstance(type_, Table) and _adds_money(type_, first.settings):
            head = f"{first.label}: {_('total (yuan)')}"
            columns.append(Column(head, partial(_total, key, type_, settings), 18, kind="money"))
    return columns


def _adds_money(type_: Table, settings: dict[str, Any]) -> bool:
    total = type_.total_column(settings)
    return any(column["key"] == total and column["kind"] == "money" for column in type_.columns(settings))


def _raw(key: str) -> Callable[[Line], Any]:
    return lambda line: line.answers.get(key)


def _total(key: str, type_: Table, settings: dict[int, Any], line: Line) -> Any:
    value = line.answers.get(key)
    return type_.total(value, settings[line.application.call_id]) if value else None


Reader = Callable[[Any], Any]


def _read(key: str, readers: dict[int, Reader], line: Line) -> Any:
    value = line.answers.get(key)
    return readers[line.application.call_id](value) if value is not None else None


def _reader(type_: QuestionType, settings: dict[str, Any], language: str) -> Reader:
    """Return the function that turns a value into what its cell holds.

    What depends on the question alone (labels in the reader's language) is worked out once, not once a row: a table of
    ten thousand applications has half a million cells. Numbers and dates stay numbers and dates.
    """
    if type_.kind in (QuestionKind.SHORT_TEXT, QuestionKind.LONG_TEXT):
        return str
    if type_.kind == QuestionKind.NUMBER:
        return float
    if type_.kind == QuestionKind.DATE:
        return date.fromisoformat
    if isinstance(type_, Table):
        return _table_reader(type_, settings, language)
    known: dict[str, str] = {}

    def read(value: Any) -> str:
        name = str(value)
        if name not in known:
            known[name] = type_.text(value, settings, language)
        return known[name]

    if type_.kind == QuestionKind.FILES:
        return lambda value: type_.text(value, settings, language)
    return read


def _table_reader(type_: Table, settings: dict[str, Any], language: str) -> Reader:
    """Rows as lines of text: “1. item: equipment; amount: 600,000”."""
    columns = [
        (
            column["key"],
            f"{in_language(column, language)}: ",
            column["kind"],
            {choice["value"]: in_language(choice, language) for choice in column.get("choices") or ()},
        )
        for column in type_.columns(settings)
    ]
    between = "；" if language.startswith("zh") else "; "

    def read(rows: Any) -> str:
        lines = []
        for number, row in enumerate(rows, 1):
            cells = []
            for key, label, kind, choices in columns:
                value = row.get(key)
                if value is None or value == "":
                    continue
                if kind == "money":
                    value = f"¥{value // 100:,}.{value % 100:02d}"
                elif kind == "choice":
                    value = choices.get(value, value)
                cells.append(f"{label}{value}")
            lines.append(f"{number}. {between.join(cells)}")
        return "\n".join(lines)

    return read


def _width(kind: str) -> int:
    return 48 if kind in (QuestionKind.LONG_TEXT, QuestionKind.TABLE, QuestionKind.IP) else 22
