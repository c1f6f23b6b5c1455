"""What the clock asks of reports."""

from __future__ import annotations

from celery import shared_task

from funding.reports import services


@shared_task(name="funding.reports.send_reminders", ignore_result=True)
def send_reminders() -> int:
    return services.send_reminders()
