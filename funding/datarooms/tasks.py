"""What the clock asks of data rooms."""

from __future__ import annotations

from celery import shared_task

from funding.datarooms import services


@shared_task(name="funding.datarooms.warn_of_ends", ignore_result=True)
def warn_of_ends() -> int:
    return services.warn_of_ends()
