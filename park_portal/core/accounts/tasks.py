from __future__ import annotations

from celery import shared_task

from park_portal.core.accounts import services


@shared_task(name="core.accounts.sweep_sessions", ignore_result=True)
def sweep_sessions() -> int:
    return services.sweep_sessions()
