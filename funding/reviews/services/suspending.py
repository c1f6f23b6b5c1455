"""Reviews that the database has suspended: the audit entry, who is told, what the stage does without them.

A conflict may come to stand by any hand, a service's or one at the database. The suspension itself is the database's
(``sql/apart.sql``), in the same transaction. What follows is done here: by the service that wrote the conflict, and by the
clock for everything else, once for each suspension.
"""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.reviews.models import Review
from funding.reviews.services.telling import ask_for_replacement, tell_reviewer
from funding.reviews.states import ReviewState, RunState
from park_portal.core.audit.services import record
from park_portal.core.text import both
from park_portal.core.workflow import SYSTEM

SUSPENDED = {"zh-hans": "因利益冲突被暂停评审", "en": "is suspended because of a conflict of interest"}


def keep_all_apart() -> int:
    """Have the database look at every review under way, and see to what is suspended; return how many it was.

    The triggers leave nothing to find; what changes by a rule's new value alone is found here.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT funding_keep_all_apart()")
    return settle_suspensions()


def settle_suspensions() -> int:
    """Write the entry and tell reviewer and staff of every suspension that nobody was told of; return how many."""
    waiting = list(_untold().values_list("pk", flat=True))
    return sum(_settle(pk) for pk in waiting)


def _untold() -> QuerySet[Review]:
    return Review.objects.filter(
        state=ReviewState.SUSPENDED,
        suspension_told_at__isnull=True,
        application__state__in=(ApplicationState.IN_REVIEW, ApplicationState.RETURNED),
    )


def _settle(pk: int) -> bool:
    from funding.reviews.services import stages  # the driver of stages records conflicts itself

    with transaction.atomic():
        held = Review.objects.filter(pk=pk).values_list("application_id", flat=True).get()
        free = Application.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=held)
        if not free.exists():
            return False  # somebody is at work on it, perhaps waiting for us: the clock comes back
        application = stages._lock(held)
        rows = _untold().select_for_update(of=("self",)).select_related("reviewer", "run__stage")
        review = rows.filter(pk=pk).first()
        if review is None:
            return False
        review.application = review.run.application = application
        review.suspension_told_at = timezone.now()
        review.save(update_fields=["suspension_told_at"])
        record(
            "review.suspend",
            review,
            actor=SYSTEM,
            after={"state": review.state},
            reason=review.decline_reason,
        )
        assert review.suspended_at is not None
        key = f"{review.pk}:{review.suspended_at.isoformat()}"
        tell_reviewer("review.suspended", review, key=key)
        ask_for_replacement(review, key=key, why=SUSPENDED, reason=in_both(review))
        if review.run.state == RunState.ACTIVE:
            stages.settle(review.run, actor=SYSTEM)
    return True


def in_both(review: Review) -> dict[str, str]:
    return both(lambda: review.reason_text)
