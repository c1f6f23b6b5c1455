"""Links to records: only for who may open them; for everybody else the record's name is plain text."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db import models
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from park_portal.core.text import escape


def may_open(request: HttpRequest, model: type[models.Model], obj: models.Model | None = None) -> bool:
    """Return whether the administration has a page of ``model`` (of ``obj``, if given) that this person may open."""
    found = admin.site._registry.get(model)
    return found is not None and bool(found.has_view_permission(request, obj))


def address_of(request: HttpRequest, obj: models.Model) -> str:
    """Return the address of a record's page; an empty text for who may not open it."""
    if not may_open(request, type(obj), obj):
        return ""
    try:
        return reverse(
            f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change", args=[quote(str(obj.pk))]
        )
    except NoReverseMatch:
        return ""


def link_to(request: HttpRequest, obj: models.Model, text: Any = None) -> SafeString:
    """Return ``text`` (the record's name, if omitted) as a link to the record, or as it is."""
    words = obj if text is None else text
    address = address_of(request, obj)
    return (
        format_html('<a href="{}" class="text-link">{}</a>', address, words)
        if address
        else SafeString(escape(str(words)))
    )
