"""How logs read, and what never stands in them. Settings name it, so it imports nothing of Django.

A line says what happened, under which request, by which route. People stand in it as numbers: names, e-mail addresses,
phone numbers, tokens and query strings do not. Each line is a JSON object in production and plain text locally.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any, Final

from park_portal.core import context

# What a driver or a library may put into its messages, and what stands in its place.
_HIDDEN: Final = (
    # PostgreSQL repeats the values of the row that it refused.
    (re.compile(r"^(DETAIL|CONTEXT|详细信息|背景):.*$", re.MULTILINE), r"\1: …"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "…@…"),
    (re.compile(r"(?<![\w.])(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\w|\.\d)"), "…"),
    (re.compile(r"(?<!\w)\d{17}[\dXx](?!\w)"), "…"),
    # What follows a question mark in an address, and a key, token or code in a path.
    (re.compile(r"(?<=[\w/])\?[\w.~%+\[\]-]+=[^\s\"'<>]*"), "?…"),
    (re.compile(r"/(?=[\w:.=-]*\d)(?=[\w:.=-]*[A-Za-z])[\w:=-][\w:.=-]{19,}"), "/…"),
    (re.compile(r"\b(Bearer|Token)\s+\S+", re.IGNORECASE), r"\1 …"),
    (
        re.compile(
            r"(?i)\b(password|passwd|secret|token|sessionid|cookie|authorization)(['\"]?\s*[:=]\s*)\S+"
        ),
        r"\1\2…",
    ),
)


def clean(text: str) -> str:
    """Return ``text`` without what tells of a person or opens a door."""
    for pattern, instead in _HIDDEN:
        text = pattern.sub(instead, text)
    return text


def route_of(request: Any) -> str:
    """Return the name of the route that answers ``request``: an address may hold a token, its route does not."""
    match = getattr(request, "resolver_match", None)
    return (match.view_name or match.route or "/") if match is not None else "unresolved"


class OneLine(logging.Filter):
    """Log a refused right as one line: nothing went wrong, and its traceback hides those that matter."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", None) == 403:
            record.exc_info = None
            record.exc_text = None
        return True


class Formatter(logging.Formatter):
    """Writes a line that may be kept: every text in it was cleaned."""

    def message_of(self, record: logging.LogRecord) -> str:
        request = getattr(record, "request", None)
        if request is not None and isinstance(record.args, tuple):
            path = getattr(request, "path", None)
            record.args = tuple(route_of(request) if path and one == path else one for one in record.args)
        return clean(record.getMessage())

    def formatException(self, ei: Any) -> str:
        return clean(super().formatException(ei))


class TextFormatter(Formatter):
    """For a person at a terminal: time, level, the beginning of the request id, who says it, what."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        about = context.current().request_id[:8]
        line = f"{moment} {record.levelname:<7} {about and f'[{about}] '}{record.name}: {self.message_of(record)}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return line


class JsonFormatter(Formatter):
    """For machines: one object a line. ``extra={"facts": {…}}`` of a log call adds its own keys."""

    def format(self, record: logging.LogRecord) -> str:
        source = context.current()
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self.message_of(record),
            "process": record.process,
        }
        if source.request_id:
            line |= {"request_id": source.request_id, "door": source.door}
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
