from __future__ import annotations

from celery import shared_task

from park_portal.core.ledger import services


@shared_task(name="core.ledger.seal_transfers")
def seal_transfers() -> int:
    return services.seal_transfers()


@shared_task(name="core.ledger.expire_held")
def expire_held() -> int:
    return services.expire_held()
