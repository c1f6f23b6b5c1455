"""What a browser posts for lists typed as lines of small fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any


def lines(
    name: str, rows: Sequence[Mapping[str, Any]], *, stored: int = 0, spare: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Return the posted fields of a list: its rows, the first ``stored`` of them from before, and an empty one."""
    posted = {f"{name}-TOTAL_FORMS": str(len(rows) + 1), f"{name}-INITIAL_FORMS": str(stored)}
    for number, row in enumerate([*rows, spare or {}]):
        for key, value in row.items():
            field = f"{name}-{number}-{key}"
            if isinstance(value, list):
                posted |= lines(field, value)
            elif value is True:
                posted[field] = "on"
            else:
                posted[field] = str(value)
    return posted


def choices(*rows: tuple[str, str, str], stored: int = 0) -> dict[str, str]:
    """Return the posted choices of a question, each as value, 中文 and English."""
    named = [dict(zip(("value", "zh", "en"), row, strict=True)) for row in rows]
    return lines("config_choices", named, stored=stored)


def columns(*rows: Mapping[str, Any], stored: int = 0) -> dict[str, str]:
    """Return the posted columns of a table, with the list of choices that the page gives to each."""
    whole = [{"kind": "text", "choices": [], **row} for row in rows]
    return lines("config_columns", whole, stored=stored, spare={"kind": "text", "unit": "wan", "choices": []})


class _Fields(HTMLParser):
    """Collects what a page's fields hold."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, str] = {}
        self.readonly: set[str] = set()
        self.name = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        found = dict(attrs)
        ticked = found.get("type") == "checkbox"
        name, value = found.get("name"), found.get("value") or ("on" if ticked else "")
        if tag == "option":
            if "selected" in found:
                self.held[self.name] = value
            self.held.setdefault(self.name, value)
        elif tag == "select" and name:
            self.name = name
        elif tag == "textarea" and name:
            self.name = name
            self.held[name] = ""
        elif tag == "input" and name and (not ticked or "checked" in found):
            self.held[name] = value
            if "readonly" in found:
                self.readonly.add(name)

    def handle_data(self, data: str) -> None:
        if self.lasttag == "textarea" and self.name:
            self.held[self.name] += data.removeprefix("\n") if not self.held[self.name] else data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.name = ""


def shown(response: Any) -> tuple[dict[str, str], set[str]]:
    """Return what the fields of a page hold, as a browser would post it untouched, and which cannot be changed."""
    fields = _Fields()
    fields.feed(response.content.decode())
    return fields.held, fields.readonly
