"""The outbox among the workers: the sweeper, should every relay be down, and the clock's digests."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from park_portal.core.outbox import services
from park_portal.core.outbox.registry import handles


@shared_task(name="core.outbox.sweep", ignore_result=True)
def sweep() -> int:
    """Do what a relay does, rung by the clock."""
    total = 0
    while done := services.relay_messages():
        total += done
    return total + services.send_waiting() + services.relay_slow_messages()


@shared_task(name="core.outbox.send_digests", ignore_result=True)
def send_digests() -> int:
    return services.send_digests()


@handles("notify", together=True)
def on_notify(payloads: list[dict[str, Any]]) -> None:
    services.deliver_notices(payloads)
