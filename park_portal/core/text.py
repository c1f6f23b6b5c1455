"""Text in both languages of the portal."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import override


def both(render: Callable[[], Any]) -> dict[str, str]:
    """Return ``render()`` as text in each language of the portal: {"zh-hans": …, "en": …}."""
    found = {}
    for code, _name in settings.LANGUAGES:
        with override(code):
            found[code] = str(render())
    return found


def escape(text: Any) -> str:
    """Return ``text`` with its HTML escaped.

    Django's own looks through its arguments for lazy texts first, which takes three times as long as escaping them;
    a list escapes a thousand texts.
    """
    return html.escape(str(text))


def choice_label(obj: models.Model, field: str) -> str:
    """Return what ``obj.get_<field>_display()`` does, without translating every choice to find the one."""
    value = getattr(obj, field)
    label = _labels(type(obj), field).get(value, value)
    return "" if label is None else str(label)


@cache
def _labels(model: type[models.Model], field: str) -> dict[Any, Any]:
    found: Any = model._meta.get_field(field)
    return dict(found.flatchoices)


# Control characters, and those that turn the direction of what follows: one in a name would turn the rest of a line.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Return ``text`` without control characters, which PostgreSQL and PDFs refuse, and with plain line ends.

    Marks of direction fall out too: neither language of the portal needs them.
    """
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
