"""What is told of payments after the commit."""

from __future__ import annotations

from typing import Any

from funding.payments import services
from park_portal.core.outbox.registry import handles


@handles("payments.booked")
def on_booked(payload: dict[str, Any]) -> None:
    services.tell_paid(payload["statement"])
