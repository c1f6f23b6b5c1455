from __future__ import annotations

from typing import Any

from celery import shared_task

from park_portal.core.outbox.registry import handles
from park_portal.core.webhooks import services


@handles(services.TOPIC, slow=True)
def on_call(payload: dict[str, Any]) -> None:
    services.call_webhook(payload["event"], payload["number"])


@shared_task(name="core.webhooks.forget_events")
def forget_events() -> None:
    services.forget_events()
