"""What the audit trail knows about one record, for the page called History."""

from __future__ import annotations

from typing import Any, Final

from django.db import models

from park_portal.core.admin.labels import act_label, changes
from park_portal.core.audit.models import Entry

PAGE: Final = 50


def of(obj: models.Model, before: str = "") -> dict[str, Any]:
    """Return the newest entries about ``obj`` (older than the entry ``before``) as the template wants them."""
    found = Entry.objects.filter(object_type=obj._meta.label_lower, object_id=str(obj.pk))
    if before.isdecimal():
        found = found.filter(pk__lt=int(before))
    entries = list(found.select_related("actor").order_by("-id")[: PAGE + 1])
    return {
        "entries": [shown(entry) for entry in entries[:PAGE]],
        "older": entries[PAGE - 1].pk if len(entries) > PAGE else None,
        "paged": before.isdecimal(),
    }


def shown(entry: Entry) -> dict[str, Any]:
    """Return one entry with its act and its changes in words."""
    facts = {key: value for key, value in entry.facts.items() if key != "reason"}
    return {
        "entry": entry,
        "act": act_label(entry.action),
        "reason": entry.facts.get("reason", ""),
        "changes": changes(entry.object_type, entry.before, entry.after),
        "facts": list(facts.items()),
    }
