"""Text in both languages of the portal."""

from __future__ import annotations

import re
from collections.abc import Callable
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


def choice_label(obj: models.Model, field: str) -> str:
    """Return what ``obj.get_<field>_display()`` does, without translating every choice to find the one."""
    value = getattr(obj, field)
    for key, label in obj._meta.get_field(field).flatchoices:  # type: ignore[union-attr]
        if key == value:
            return str(label)
    return "" if value is None else str(value)


_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def clean(text: str) -> str:
    """Return ``text`` without control characters, which PostgreSQL and PDFs refuse, and with plain line ends."""
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
