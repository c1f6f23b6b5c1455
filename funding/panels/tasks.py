"""What the clock asks of panels."""

from __future__ import annotations

from celery import shared_task

from funding.panels import services


@shared_task(name="funding.panels.send_reminders", ignore_result=True)
def send_reminders() -> int:
    return services.send_reminders()
