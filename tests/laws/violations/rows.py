"""Rows of any model made by the ORM alone, quickly, with as little around them as the database asks for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection, models
from django.utils import timezone

from tests.factories import fill, make, number

# What `fill` cannot know, or would make by services. Functions are asked when a row lacks the value.
LIGHT: dict[str, dict[str, Any]] = {
    "core.User": {},
    "core.Seal": {"position": number},
    "core.Document": {"name": "cv.pdf"},
    "core.ApiToken": {
        "scopes": lambda: ["account:read"],
        "expires_at": lambda: timezone.now() + timedelta(days=30),
    },
    "core.Webhook": {"kinds": lambda: ["call.cancelled"]},
    "core.WebhookEvent": {"webhook": lambda: row("core.Webhook")},
    "core.WebhookAttempt": {"event": lambda: row("core.WebhookEvent")},
    "funding.AnswerFile": {"document": lambda: row("core.Document")},
    "funding.StageRun": {},
    "funding.Review": {"run": lambda: row("funding.StageRun")},
    "funding.Reviewer": {},
    "funding.Score": {"review": lambda: row("funding.Review")},
    "funding.Decision": {"verdict": "decline"},
    "funding.Letter": {"decision": lambda: row("funding.Decision")},
    "funding.Award": {"organisation": lambda: row("incubator.Organisation")},
}


def row(label: str, **values: Any) -> Any:
    """Return a new row of the model with these values, in order as far as the database can say."""
    light = LIGHT.get(label)
    given = {key: value() if callable(value) else value for key, value in ((light or {}) | values).items()}
    return make(label, **given) if light is None else fill(label, **given)


def update(obj: models.Model, **values: Any) -> None:
    """Write these values into the row, whatever the model would say."""
    changed = type(obj)._base_manager.filter(pk=obj.pk).update(**values)
    assert changed == 1, f"{obj!r} is gone"


def delete(obj: models.Model) -> None:
    """Delete the row, and only the row."""
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{obj._meta.db_table}" WHERE "{obj._meta.pk.column}" = %s', [obj.pk])
        assert cursor.rowcount == 1, f"{obj!r} is gone"
