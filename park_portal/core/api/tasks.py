from celery import shared_task

from park_portal.core.api import idempotency


@shared_task(name="core.api.forget_answers")
def forget_answers() -> None:
    idempotency.forget_answers()
