"""What the clock asks of portfolios."""

from __future__ import annotations

from celery import shared_task

from funding.deals import services


@shared_task(name="funding.deals.warn_of_runways", ignore_result=True)
def warn_of_runways() -> int:
    return services.warn_of_runways()
