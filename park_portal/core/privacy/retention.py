"""What goes by itself, by dated rules: run every night as a job, shown to staff before."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from park_portal.core.accounts.models import User
from park_portal.core.audit.models import Entry
from park_portal.core.audit.services import SYSTEM, Actor, erase_words, record
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.progress import Progress
from park_portal.core.jobs.services import job, start_job
from park_portal.core.personal import RETENTIONS, Retention, goes
from park_portal.core.policies.models import PolicyValue, Unit
from park_portal.core.policies.services import in_force
from park_portal.core.workflow import require

JOB: Final = "privacy.retention"
SOON: Final = timedelta(days=30)
# A domain that nobody can have (RFC 2606): no mail ever reaches an account that is gone.
NOWHERE: Final = "erased.invalid"


def months_before(moment: datetime, months: int) -> datetime:
    """Return the same day and time ``months`` earlier, or the last day of that month where it has no such day."""
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def before(rule: PolicyValue, *, on: datetime | None = None) -> datetime:
    """Return the moment before which rows go by ``rule`` on the moment ``on`` (now, if omitted)."""
    now = timezone.localtime(on)
    if rule.unit == Unit.DAYS:
        return now - timedelta(days=rule.number)
    return months_before(now, rule.number * (12 if rule.unit == Unit.YEARS else 1))


@dataclass(frozen=True)
class Preview:
    """What one kind would lose tonight, and in the month to come."""

    retention: Retention
    rule: PolicyValue
    limit: datetime
    now: int
    soon: int
    oldest: datetime | None


def previews() -> list[Preview]:
    """Return what would go, kind by kind, if the rules were carried out now."""
    rules = in_force({retention.policy for retention in RETENTIONS.values()})
    found = []
    for retention in RETENTIONS.values():
        rule = rules[retention.policy]
        limit = before(rule)
        due = retention.rows(limit).order_by()
        later = retention.rows(limit + SOON).order_by().count()
        oldest = due.aggregate(oldest=models.Min(retention.since))["oldest"]
        number = due.count()
        found.append(Preview(retention, rule, limit, number, later - number, oldest))
    return found


def begin_retention(*, actor: User) -> Job:
    """Let go now what tonight's run would let go, and return the job that does it."""
    require(actor, "core.keep_retention")
    return start_job(JOB, actor=actor)


@job(JOB, label=_("Letting old data go"), rule="core.keep_retention", atomic=False)
def _let_go(running: Job, progress: Progress) -> None:
    run_retention(actor=running.owner or SYSTEM, progress=progress)


def run_retention(*, actor: Actor = SYSTEM, progress: Any = None) -> dict[str, int]:
    """Let go what is older than its dated rule says; return how much, by kind. Safe to run twice."""
    if actor is not SYSTEM:
        require(actor, "core.keep_retention")
    rules = in_force({retention.policy for retention in RETENTIONS.values()})
    gone: dict[str, int] = {}
    for retention in RETENTIONS.values():
        if progress is not None:
            progress(len(gone), len(RETENTIONS), retention.label)
        with transaction.atomic():
            rule = rules[retention.policy]
            limit = before(rule)
            number = retention.go(retention.rows(limit))
            if number:
                record(
                    "privacy.retention", rule, actor=actor, kind=retention.name, gone=number, older_than=limit
                )
            gone[retention.name] = number
    return gone


# --- network addresses of people who are gone


def _addresses_of_erased(before: datetime) -> models.QuerySet[Entry]:
    return Entry.objects.filter(at__lt=before, address__isnull=False, actor__email__endswith=f"@{NOWHERE}")


def _empty_addresses(entries: models.QuerySet[Entry]) -> int:
    def change(entry: Entry) -> bool:
        entry.address = None
        return True

    people = User.objects.filter(pk__in=entries.order_by().values("actor").distinct())
    return sum(
        erase_words(entries.filter(actor=person), change, actor=SYSTEM, about=person) for person in people
    )


goes(
    Retention(
        name="addresses",
        label=_("Network addresses of erased accounts"),
        policy="network.log_months",
        explain=_("In the audit trail, as long as network logs must be kept; then they are taken out."),
        rows=_addresses_of_erased,
        go=_empty_addresses,
        since="at",
    )
)
