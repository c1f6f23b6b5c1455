from __future__ import annotations

from celery import shared_task

from incubator.organisations import services


@shared_task(name="incubator.organisations.end_terms", ignore_result=True)
def end_terms() -> int:
    return services.end_terms()
