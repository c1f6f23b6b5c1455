"""The outbox's workers: the relay hands out ids, one task handles one id."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from park_portal.core.outbox import services
from park_portal.core.outbox.registry import handles


@shared_task(name="core.outbox.relay", ignore_result=True)
def relay() -> int:
    """Claim what is due and ring a worker for each; also the sweeper, rung by the clock."""
    total = 0
    while ids := services.claim_messages():
        for message_id in ids:
            handle.delay(message_id)
        total += len(ids)
    while ids := services.claim_deliveries():
        for delivery_id in ids:
            send.delay(delivery_id)
        total += len(ids)
    return total


@shared_task(name="core.outbox.handle", ignore_result=True, acks_late=True)
def handle(message_id: int) -> bool:
    return services.handle_message(message_id)


@shared_task(name="core.outbox.send", ignore_result=True, acks_late=True)
def send(delivery_id: int) -> bool:
    return services.send_delivery(delivery_id)


@shared_task(name="core.outbox.send_digests", ignore_result=True)
def send_digests() -> int:
    return services.send_digests()


@handles("notify")
def on_notify(payload: dict[str, Any]) -> None:
    services.deliver_notice(payload)


services.set_doorbell(lambda: relay.apply_async(retry=False))
