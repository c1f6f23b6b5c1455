"""What the outbox can carry: kinds of notices that people get, and topics that workers handle."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from park_portal.core.errors import DomainError, Problem, Text

LANGUAGES: Final = ("zh-hans", "en")
Bilingual = Mapping[str, str]
# Takes the payload of a message; where a topic takes many at once, a list of payloads.
Handler = Callable[[Any], None]

_PLACEHOLDER = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
_BRACES = re.compile(r"\{\{|\}\}|\{%|%\}")


@dataclass(frozen=True)
class MergeField:
    """One name that staff may put in a text, with what it means and a sample for the preview."""

    label: Text
    sample: str | Bilingual


@dataclass(frozen=True)
class Kind:
    """One kind of notice: who gets it, its merge fields and its text in both languages.

    ``required`` notices are always sent (a law or a contract asks for them); of the others each person chooses. A
    notice for one role names with ``offered_with`` a permission of that role: only who has it is asked to choose. One
    with a ``consent`` reaches only people who agreed to that purpose (``core/personal.py``), as of its delivery. The mails
    of one with ``calendar`` bring an appointment along.
    """

    name: str
    label: Text
    audience: Text
    fields: Mapping[str, MergeField]
    subject: Bilingual
    body: Bilingual
    required: bool = False
    default: str = "at_once"
    per_call: bool = False
    offered_with: str = ""
    consent: str = ""
    calendar: bool = False
    group: Text = field(default=_("Applications"))


KINDS: dict[str, Kind] = {}
HANDLERS: dict[str, Handler] = {}
TOGETHER: set[str] = set()
SLOW: set[str] = set()
LISTENERS: list[Handler] = []

COMMON_FIELDS: Final[dict[str, MergeField]] = {
    "name": MergeField(_("name of the person written to"), {"zh-hans": "陈思远", "en": "Chen Siyuan"}),
    "link": MergeField(_("address of the page"), "https://portal.example.org/"),
}


def register_kinds(kinds: Iterable[Kind]) -> None:
    """Make the kinds of a room known; a name taken twice is a programming error."""
    for kind in kinds:
        if kind.name in KINDS and KINDS[kind.name] is not kind:
            raise ValueError(f"notice kind {kind.name} is declared twice")
        for language in LANGUAGES:
            check_text(kind, kind.subject[language])
            check_text(kind, kind.body[language])
        KINDS[kind.name] = kind


def handles(topic: str, *, together: bool = False, slow: bool = False) -> Callable[[Handler], Handler]:
    """Register the function that does what messages of ``topic`` ask, in the transaction that marks them done.

    With ``together`` it takes a list of payloads, of all that are due. Only for what locks nothing but its own rows:
    many messages then share one transaction. ``slow`` is what waits for others, outside, or draws a document: it
    has a queue of its own, so that no notice waits for it.
    """

    def register(handler: Handler) -> Handler:
        if topic in HANDLERS and HANDLERS[topic].__qualname__ != handler.__qualname__:
            raise ValueError(f"topic {topic} has two handlers")
        HANDLERS[topic] = handler
        if together:
            TOGETHER.add(topic)
        if slow:
            SLOW.add(topic)
        return handler

    return register


def tells(listener: Handler) -> Handler:
    """Register a function that is given the payloads of notices, in the transaction of their deliveries, after them."""
    LISTENERS.append(listener)
    return listener


def check_text(kind: Kind, text: str) -> None:
    """Raise ``DomainError`` listing each name in ``text`` that is not a merge field of ``kind``."""
    known = kind.fields.keys() | COMMON_FIELDS.keys()
    problems = [
        Problem(_("“%(name)s” is not a merge field of this notice.") % {"name": name})
        for name in _PLACEHOLDER.findall(text)
        if name not in known
    ]
    if _BRACES.search(_PLACEHOLDER.sub("", text)):
        problems.append(Problem(_("Curly braces may only enclose a merge field, such as {{ name }}.")))
    if problems:
        raise DomainError(problems[0].message, code="merge_field", problems=problems)


def merge(text: str, context: Mapping[str, Any], language: str) -> str:
    """Return ``text`` with each merge field replaced; a value may differ by language; unknown names become empty."""

    def value(match: re.Match[str]) -> str:
        found = context.get(match.group(1), "")
        if isinstance(found, Mapping):
            found = found.get(language) or found.get("zh-hans") or found.get("en") or ""
        return str(found)

    return _PLACEHOLDER.sub(value, text)
