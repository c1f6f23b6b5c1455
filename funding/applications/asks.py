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
from park_portal.core.errors import DomainError, Problem, Text
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
    """The budget's total beside the amount requested, in fen; None where nothing, or nothing readable, was typed."""

    amount_key: str
    wanted_fen: int | None
    total_fen: int | None

    @property
    def wanted(self) -> str:
        return _yuan(self.wanted_fen)

    @property
    def total(self) -> str:
        return _yuan(self.total_fen)

    @property
    def difference_fen(self) -> int | None:
        """What is requested beyond the budget; None where one of the two is not known, and nothing can be said."""
        if self.wanted_fen is None or self.total_fen is None:
            return None
        return self.wanted_fen - self.total_fen

    @property
    def difference(self) -> str:
        return _yuan(self.difference_fen)

    @property
    def is_equal(self) -> bool:
        return self.difference_fen == 0

    @property
    def is_unequal(self) -> bool:
        return bool(self.difference_fen)


def _yuan(fen: int | None) -> str:
    return "—" if fen is None else format_yuan(fen)


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
    typed_amount: Any = _NOT_TYPED,
) -> Ask:
    """Return one question as the form shows it to ``reader``; ``typed`` is what was typed and not taken.

    ``typed_amount`` is the same of the amount requested, which is compared with the budget.
    """
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
    if typed is not _NOT_TYPED:
        _mark_refused_cell(q, question, typed)
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
        balance=balance_of(sheet, question, typed=typed, typed_amount=typed_amount),
    )


def balance_of(
    sheet: Sheet, question: CallQuestion, *, typed: Any = _NOT_TYPED, typed_amount: Any = _NOT_TYPED
) -> Balance | None:
    """Return the comparison shown under the budget; None for every other question."""
    asked = sheet.question_for(Purpose.AMOUNT)
    type_ = type_of(question.kind)
    if question.purpose != Purpose.BUDGET or asked is None or not isinstance(type_, Table):
        return None
    rows = sheet.values.get(question.key) if typed is _NOT_TYPED else _readable(question, typed)
    wanted = sheet.value_of(Purpose.AMOUNT) if typed_amount is _NOT_TYPED else _readable(asked, typed_amount)
    column = type_.total_column(question.settings)
    has_amounts = any(row.get(column) is not None for row in rows or ())
    total = type_.total(rows, question.settings) if has_amounts else None
    return Balance(asked.key, wanted, None if total is None else int(total))


def _mark_refused_cell(q: dict[str, Any], question: CallQuestion, raw: Any) -> None:
    """Mark the cell of a table that ``raw`` is refused for; the refusal counts only the rows that are filled."""
    type_ = type_of(question.kind)
    if not isinstance(type_, Table):
        return
    try:
        type_.clean(raw, question.settings)
    except DomainError as error:
        number, _dash, column = str(error.field or "").partition("-")
        rows = [row for row in q["rows"] if any(cell["raw"].strip() for cell in row["cells"])]
        if number.isdecimal() and int(number) < len(rows):
            for cell in rows[int(number)]["cells"]:
                cell["is_invalid"] = cell["key"] == column


def _readable(question: CallQuestion, raw: Any) -> Any:
    """Return what ``raw`` means as an answer to ``question``; None when it means nothing."""
    try:
        return type_of(question.kind).clean(raw, question.settings)
    except DomainError:
        return None


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
    amount = sheet.question_for(Purpose.AMOUNT)
    typed_amount = typed.get(amount.key, _NOT_TYPED) if amount is not None else _NOT_TYPED
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
                typed_amount=typed_amount,
            )
            for question in questions
        ]
        sections.append(AskSection(number, section.title, asks))
    return sections
