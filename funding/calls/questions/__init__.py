"""The kinds of questions a form is made of: one class a kind, found by ``type_of``.

A page shows a question with ``present``, whose dictionary templates call ``q``::

    {% include q.widget_template %}     {# to answer it #}
    {% question_shown q %}              {# to read it: funding/templatetags/questions.py #}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.utils.translation import get_language

from funding.calls.questions.base import QuestionType, check_storable, count_characters, in_language, is_empty
from funding.calls.questions.choices import MultipleChoice, SingleChoice
from funding.calls.questions.files import Files
from funding.calls.questions.simple import (
    Consent,
    Date,
    LongText,
    Money,
    Number,
    ShortText,
    Trl,
)
from funding.calls.questions.tables import IP_COLUMNS, IntellectualProperty, Table
from park_portal.core.errors import Problem, Text

__all__ = [
    "IP_COLUMNS",
    "TYPES",
    "QuestionType",
    "Table",
    "check_storable",
    "count_characters",
    "in_language",
    "is_empty",
    "present",
    "type_of",
]

TYPES: Final[dict[str, QuestionType]] = {
    str(found.kind): found
    for found in (
        ShortText(),
        LongText(),
        Number(),
        Money(),
        Date(),
        SingleChoice(),
        MultipleChoice(),
        Table(),
        Files(),
        IntellectualProperty(),
        Trl(),
        Consent(),
    )
}

_NOT_TYPED: Final = object()


def type_of(kind: str) -> QuestionType:
    """Return what knows about questions of ``kind``; ``KeyError`` for a kind that does not exist."""
    return TYPES[str(kind)]


def present(
    *,
    key: str,
    kind: str,
    label: str,
    help: str = "",
    settings: Mapping[str, Any],
    value: Any = None,
    raw: Any = _NOT_TYPED,
    required: bool = False,
    problems: Sequence[Text | Problem] = (),
    files: Sequence[Any] = (),
    disabled: bool = False,
    prefix: str = "",
    to_read: bool = False,
    redacted: bool = False,
) -> dict[str, Any]:
    """Return what the widget and display templates of one question need, as the dictionary they call ``q``.

    ``raw`` is what was typed and could not be taken: it is shown again instead of ``value``. ``files`` are whatever the
    templates list under a question of files (name, url, bytes, remove_url). ``to_read`` leaves out what only the widget
    needs; ``redacted`` says that names in it were blacked out. Common names: key, kind, label, help, id,
    name, help_id, error_id, described_by, required, disabled, problems, value, raw, text, empty; those of one kind come
    from ``QuestionType.widget`` and ``QuestionType.display`` (the latter under ``shown``).
    """
    found = type_of(kind)
    name = f"{prefix}{key}"
    typed = found.raw(value, settings) if raw is _NOT_TYPED else raw
    help_id, error_id = f"help-{name}", f"error-{name}"
    described = [help_id] if help else []
    described += [error_id] if problems else []
    return {
        "key": key,
        "kind": str(kind),
        "label": label,
        "help": help,
        "name": name,
        "id": f"q-{name}",
        "help_id": help_id,
        "error_id": error_id,
        "count_id": f"count-{name}",
        "described_by": " ".join(described),
        "required": required,
        "disabled": disabled,
        "redacted": redacted,
        "grouped": found.grouped,
        "problems": [item.message if isinstance(item, Problem) else item for item in problems],
        "value": value,
        "raw": typed,
        "text": found.text(value, settings, get_language() or "zh-hans"),
        "empty": is_empty(value) and not files,
        "files": files,
        "widget_template": found.widget_template,
        "shown": found.display(value, settings),
        **({} if to_read else found.widget(typed, settings)),
    }
