"""Staff's page on how the portal itself is doing: for who keeps it going, and nobody else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from park_portal import health, system
from park_portal.core.admin import StaffPage, site_page
from park_portal.core.admin.home import list_url, record_url
from park_portal.core.errors import Text
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import label_of
from park_portal.core.jobs.states import JobState
from park_portal.core.logs import clean
from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.outbox.registry import KINDS
from park_portal.core.outbox.states import DeliveryStatus, MessageStatus
from park_portal.core.rights import may_change_transfers
from park_portal.core.workflow import may

SHOWN: Final = 10
# What waits longer than this makes its line red.
LATE: Final = timedelta(minutes=5).total_seconds()
FULL: Final = 10  # percent of the disk left

PIECES: Final[dict[str, Text]] = {
    "database": _("Database"),
    "broker": _("Redis (doorbell and cache)"),
    "worker": pgettext_lazy("process", "Worker"),
    "beat": pgettext_lazy("process", "Clock (beat)"),
    "relay": pgettext_lazy("process", "Relay of messages"),
    "migrations": _("Database migrations"),
}


@dataclass(frozen=True)
class Queue:
    """One line of what waits."""

    label: Text
    number: int | None
    age: str = "—"
    url: str = ""
    late: bool = False


@dataclass(frozen=True)
class Failure:
    """One line of what failed, with the page that tries it again."""

    title: Text
    url: str
    when: Any
    why: str
    again: str


@site_page
class SystemHealthPage(StaffPage):
    """What works, what waits, what failed, and what is left of the disk."""

    name, path = "system", "system/"
    rule, title, icon = "core.see_system_health", _("System health"), "monitor_heart"
    template_name = "admin/system.html"

    def context(self) -> Mapping[str, Any]:
        pieces = [
            (
                PIECES.get(name, name),
                found["ok"],
                found.get("problem") or gettext("works"),
                f"{found['ms']} ms",
            )
            for name, found in health.check_all().items()
        ]
        room, backup = system.disk(), system.last_backup()
        return {
            "pieces": pieces,
            "all_well": all(ok for _label, ok, _said, _took in pieces),
            "queues": list(queues()),
            "failed": [
                (_("Failed jobs"), *self._failed(Job.objects.filter(state=JobState.FAILED), _job)),
                (
                    _("Failed messages"),
                    *self._failed(Message.objects.filter(status=MessageStatus.FAILED), _message),
                ),
                (
                    _("Mails and posts that failed"),
                    *self._failed(Delivery.objects.filter(status=DeliveryStatus.FAILED), _delivery),
                ),
            ],
            "room": room,
            "room_is_short": room is not None and room.percent_free < FULL,
            "database_bytes": system.database_bytes(),
            "backup": backup,
            "backup_is_old": backup is not None and timezone.now() - backup.at > timedelta(days=2),
            "may_change_transfers": may_change_transfers(),
            "versions": system.versions(),
        }

    def _failed(self, rows: models.QuerySet[Any], line: Any) -> tuple[list[Failure], int, str]:
        """Return the newest of ``rows``, how many more there are (counted to 1,000), and the list of all."""
        number = len(rows.order_by("-id").values_list("pk", flat=True)[:1000])
        found = [line(row, self.request.user) for row in rows.order_by("-id")[:SHOWN]]
        meta = rows.model._meta
        field = "state" if rows.model is Job else "status"
        return found, max(0, number - len(found)), list_url(meta.label_lower, **{f"{field}__exact": "failed"})


def queues() -> Iterable[Queue]:
    """Return what waits, the most urgent kind first."""
    rings, messages, deliveries, jobs = (
        system.rings(),
        system.messages(),
        system.deliveries(),
        system.jobs(),
    )
    yield _queue(_("Rings for the workers"), rings)
    yield _queue(
        _("Messages that are due"),
        messages[MessageStatus.WAITING],
        list_url("core.message", status__exact="waiting"),
    )
    labels: dict[tuple[str, str], Text] = {
        ("email", "waiting"): _("Mails to be sent"),
        ("email", "retrying"): _("Mails that failed and are tried again"),
        ("chat", "waiting"): _("Posts to work chats"),
        ("chat", "retrying"): _("Posts that failed and are tried again"),
    }
    for (channel, state), label in labels.items():
        yield _queue(
            label,
            deliveries[channel, state],
            list_url("core.delivery", status__exact="waiting", channel__exact=channel),
        )
    yield _queue(
        _("Mails that wait for the daily digest"),
        deliveries["email", "digest"],
        list_url("core.delivery", status__exact="digest"),
        patient=True,
    )
    yield _queue(_("Jobs that wait"), jobs[JobState.QUEUED], list_url("core.job", state__exact="queued"))
    yield _queue(
        _("Jobs that run"), jobs[JobState.RUNNING], list_url("core.job", state__exact="running"), patient=True
    )


def _queue(label: Text, found: system.Backlog | None, url: str = "", *, patient: bool = False) -> Queue:
    if found is None:
        return Queue(label, None)
    late = not patient and found.age is not None and found.age > LATE
    return Queue(label, found.number, how_long(found.age), url if found.number else "", late)


def _job(job: Job, user: Any) -> Failure:
    again = reverse("admin:core_job_act", args=[job.pk, "retry"]) if may(user, "core.retry_job", job) else ""
    return Failure(label_of(job.kind), record_url(job), job.finished_at, job.error, again)


def _message(message: Message, user: Any) -> Failure:
    again = reverse("admin:core_message_act", args=[message.pk, "retry"])
    return Failure(
        message.topic,
        record_url(message),
        message.created_at,
        clean(message.error),
        again if may(user, "core.retry_message", message) else "",
    )


def _delivery(delivery: Delivery, user: Any) -> Failure:
    kind = KINDS.get(delivery.kind)
    again = reverse("admin:core_delivery_act", args=[delivery.pk, "retry"])
    return Failure(
        f"{kind.label if kind else delivery.kind} · {delivery.get_channel_display()}",
        record_url(delivery),
        delivery.created_at,
        clean(delivery.error),
        again if may(user, "core.retry_message", delivery) else "",
    )


def how_long(seconds: float | None) -> str:
    """Return an age in words: seconds, minutes, hours or days, rounded down."""
    if seconds is None:
        return "—"
    whole = int(seconds)
    if whole < 60:
        return ngettext("%d second", "%d seconds", whole) % whole
    if whole < 3600:
        return ngettext("%d minute", "%d minutes", whole // 60) % (whole // 60)
    if whole < 86400:
        return ngettext("%d hour", "%d hours", whole // 3600) % (whole // 3600)
    return ngettext("%d day", "%d days", whole // 86400) % (whole // 86400)
