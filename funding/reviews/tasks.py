"""What the clock and the outbox ask of reviews."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from funding.reviews import services
from park_portal.core.outbox.registry import handles


@handles("application.submitted")
def on_submitted(payload: dict[str, Any]) -> None:
    services.on_submitted(payload["application"])


@handles("application.resubmitted")
def on_resubmitted(payload: dict[str, Any]) -> None:
    services.on_resubmitted(payload["application"])


@handles("application.withdrawn")
def on_withdrawn(payload: dict[str, Any]) -> None:
    services.on_withdrawn(payload["application"])


@handles("application.returned")
def on_returned(payload: dict[str, Any]) -> None:
    services.on_returned(payload["application"])


@handles("application.rejected")
def on_rejected(payload: dict[str, Any]) -> None:
    services.on_rejected(payload["application"])


@handles("review.stage_due")
def on_stage_due(payload: dict[str, Any]) -> None:
    services.on_stage_due(payload["run"])


@shared_task(name="funding.reviews.send_reminders", ignore_result=True)
def send_reminders() -> int:
    return services.send_reminders()
