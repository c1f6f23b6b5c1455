"""A topic whose effect is a bare row: no key, no constraint, so that a second effect would be seen."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connection

TOPIC = "chaos.effect"
PREPARE = [
    "CREATE TABLE IF NOT EXISTS chaos_effect (message bigint, at timestamptz DEFAULT clock_timestamp())",
    "CREATE INDEX IF NOT EXISTS chaos_effect_message ON chaos_effect (message)",
    # What keeps a notice from being delivered twice in production must not hide here that it was tried.
    "ALTER TABLE core_delivery DROP CONSTRAINT IF EXISTS delivery_once",
]


class Chaos(AppConfig):
    name = "tests.chaos"

    def ready(self) -> None:
        from park_portal.core.outbox.registry import HANDLERS

        HANDLERS[TOPIC] = effect


def effect(payload: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO chaos_effect (message) VALUES (%s)", [payload["message_id"]])
