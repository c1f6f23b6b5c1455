"""The questions of an application as its form shows them: with what was typed, comments, conflicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language

from funding.applications.models import Answer
from funding.applications.sheet import Sheet
from funding.calls.models import CallQuestion
from funding.calls.questions import Table, present, type_of
from funding.calls.states import Purpose, QuestionKind
from park_portal.core.errors import Problem, Text
from park_portal.core.money import format_yuan


@dataclass
class Stored:
    """What is stored now where someone else was faster: who wrote it, when, and how it reads."""

    text: str
    person: str
    at: str
    revision: int
    own: bool = False  # written by the same person, in another window


@dataclass
class Balance:
    """The budget's total beside the amount requested."""

    amount_key: str
    wanted: str
    total: str
    difference: str
    is_equal: bool


@dataclass
class Ask:
    """One question of the form: ``q`` for its template, and what stands around it."""

    q: dict[str, Any]
    key: str
    revision: int
    editable: bool
    hidden: bool
    condition_on: str = ""
    condition_value: str = ""
    purpose: str = ""
    comment: str = ""
    conflict: Stored | None = None
    balance: Balance | None = None


@dataclass
class AskSection:
    """One section of the form."""

    number: int
    title: str
    asks: list[Ask] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        return f"section-{self.number}"


_NOT_TYPED: Any = object()


def ask(
    sheet: Sheet,
    question: CallQuestion,
    *,
    problems: Iterable[Text | Problem] = (),
    typed: Any = _NOT_TYPED,
    conflict: Answer | None = None,
    reader: Any = None,
) -> Ask:
    """Return one question as the form shows it to ``reader``; ``typed`` is what was typed and not taken."""
    key = question.key
    editable = key in sheet.open_keys
    value = sheet.values.get(key)
    more: dict[str, Any] = {} if typed is _NOT_TYPED else {"raw": typed}
    q = present(
        key=key,
        kind=question.kind,
        label=question.label,
        help=question.help_text,
        settings=question.settings,
        value=value,
        required=question.required,
        problems=list(problems),
        files=files_of(sheet, question, editable=editable) if question.kind == QuestionKind.FILES else (),
        disabled=not editable,
        **more,
    )
    if question.kind == QuestionKind.FILES:
        # The smaller of what the question and the call allow is what counts.
        q["max_mb"] = min(
            filter(None, (question.settings.get("max_mb"), sheet.application.call.max_file_mb)), default=None
        )
    on = question.condition_on
    return Ask(
        q=q,
        key=key,
        revision=conflict.revision if conflict is not None else sheet.revision(key),
        editable=editable,
        hidden=key not in sheet.asked,
        condition_on=on.key if on else "",
        condition_value=question.condition_value if on else "",
        purpose=question.purpose,
        comment=sheet.comments.get(question.pk, ""),
        conflict=stored(question, conflict, reader) if conflict is not None else None,
        balance=balance_of(sheet, question),
    )


def balance_of(sheet: Sheet, question: CallQuestion) -> Balance | None:
    """Return the comparison shown under the budget; None for every other question."""
    asked = sheet.question_for(Purpose.AMOUNT)
    type_ = type_of(question.kind)
    if question.purpose != Purpose.BUDGET or asked is None or not isinstance(type_, Table):
        return None
    total = int(type_.total(sheet.values.get(question.key), question.settings) or 0)
    wanted = sheet.value_of(Purpose.AMOUNT) or 0
    return Balance(
        amount_key=asked.key,
        wanted=format_yuan(wanted),
        total=format_yuan(total),
        difference=format_yuan(wanted - total),
        is_equal=total == wanted,
    )


def stored(question: CallQuestion, answer: Answer, reader: Any = None) -> Stored:
    """Return how the stored answer reads, and whose it is: ``reader``'s own or somebody else's."""
    text = type_of(question.kind).text(answer.value, question.settings, get_language() or "zh-hans")
    return Stored(
        text=text,
        person=str(answer.updated_by) if answer.updated_by else "",
        at=timezone.localtime(answer.updated_at).strftime("%H:%M"),
        revision=answer.revision,
        own=reader is not None and answer.updated_by_id == reader.pk,
    )


def files_of(sheet: Sheet, question: CallQuestion, *, editable: bool) -> list[dict[str, Any]]:
    found = []
    for file in sheet.files.get(question.pk, []):
        entry: dict[str, Any] = {
            "name": file.document.name,
            "url": reverse("document", args=[file.document.public_id]),
            "bytes": file.document.size,
        }
        if editable:
            entry |= {"remove_name": "remove", "remove_value": str(file.pk)}
        found.append(entry)
    return found


def asks_of(
    sheet: Sheet,
    *,
    problems: Mapping[str, list[Any]] | None = None,
    typed: Mapping[str, Any] | None = None,
    conflicts: Mapping[str, Answer] | None = None,
    reader: Any = None,
) -> list[AskSection]:
    """Return the whole form, section by section."""
    problems, typed, conflicts = problems or {}, typed or {}, conflicts or {}
    sections = []
    for number, (section, questions) in enumerate(sheet.sections, 1):
        asks = [
            ask(
                sheet,
                question,
                problems=problems.get(question.key, ()),
                typed=typed.get(question.key, _NOT_TYPED),
                conflict=conflicts.get(question.key),
                reader=reader,
            )
            for question in questions
        ]
        sections.append(AskSection(number, section.title, asks))
    return sections
