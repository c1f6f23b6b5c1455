"""Which questions of a form are asked, given the answers: no database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeVar

from funding.calls.questions import is_empty


class Asked(Protocol):
    """What a condition is read from: a ``CallQuestion``, or anything with the same names."""

    key: str
    condition_on: Any
    condition_value: str


Q = TypeVar("Q", bound=Asked)


def condition_met(answer: Any, expected: str) -> bool:
    """Return whether an answer satisfies a condition; with nothing expected, any answer does."""
    if is_empty(answer):
        return False
    if not expected:
        return True
    if isinstance(answer, bool):
        return expected.lower() in ("true", "yes", "on", "1")
    if isinstance(answer, list | tuple):
        return expected in answer
    return str(answer) == expected


def visible_keys(conditions: Mapping[str, tuple[str | None, str]], answers: Mapping[str, Any]) -> set[str]:
    """Return the keys of the questions that are asked.

    ``conditions`` maps each key to (key of the question it hangs on or None, the value expected there). A question that
    hangs on one that is itself not asked is not asked either; neither is one that hangs on itself or on a question that
    is not there.
    """
    known: dict[str, bool] = {}

    def asked(key: str, trail: frozenset[str]) -> bool:
        if key in known:
            return known[key]
        if key not in conditions or key in trail:
            return False
        on, expected = conditions[key]
        found = on is None or (asked(on, trail | {key}) and condition_met(answers.get(on), expected))
        known[key] = found
        return found

    return {key for key in conditions if asked(key, frozenset())}


def visible_questions(questions: Iterable[Q], answers: Mapping[str, Any]) -> list[Q]:
    """Return the questions that are asked, given ``answers`` by key, in their order."""
    listed = list(questions)
    shown = visible_keys(
        {q.key: (q.condition_on.key if q.condition_on else None, q.condition_value) for q in listed}, answers
    )
    return [question for question in listed if question.key in shown]
