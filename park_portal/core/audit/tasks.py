from __future__ import annotations

from celery import shared_task

from park_portal.core.audit import services


@shared_task(name="core.audit.seal_entries")
def seal_entries() -> int:
    return services.seal_entries()
