"""How the portal itself is doing: what waits, what failed, what is left of the disk. Read by /metrics and by staff's page."""

from __future__ import annotations

import json
import platform
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import django
import redis
from django.conf import settings
from django.db import connection, models
from django.utils import timezone

from park_portal.core.audit.models import Entry
from park_portal.core.bells import RUNG_AT
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.states import JobState
from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.outbox.states import Channel, DeliveryStatus, MessageStatus

BACKUP_MADE: Final = "backup.made"


@dataclass(frozen=True)
class Backlog:
    """How many of one thing there are, and since when the oldest of them has been there (in seconds)."""

    number: int = 0
    age: float | None = None


def rings() -> Backlog | None:
    """Return the rings that no worker has heard yet; None when Redis does not answer."""
    key = (
        f"{settings.CELERY_BROKER_TRANSPORT_OPTIONS['global_keyprefix']}{settings.CELERY_TASK_DEFAULT_QUEUE}"
    )
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    try:
        with client.pipeline(transaction=True) as pipeline:
            pipeline.llen(key)
            pipeline.lindex(key, -1)
            length, oldest = pipeline.execute()
    except redis.RedisError:
        return None
    finally:
        client.close()
    rung_at = json.loads(oldest).get("headers", {}).get(RUNG_AT) if oldest else None
    return Backlog(length, max(0.0, time.time() - rung_at) if rung_at else None)


def messages() -> dict[str, Backlog]:
    """Return what the outbox holds, by state; “waiting” is what is due. What is done is estimated by PostgreSQL."""
    now = timezone.now()
    found = {str(state): Backlog() for state in (MessageStatus.WAITING, MessageStatus.FAILED)}
    due = models.Q(status=MessageStatus.WAITING, due_at__lte=now) | models.Q(status=MessageStatus.FAILED)
    rows = Message.objects.filter(due).order_by().values("status")
    for row in rows.annotate(n=models.Count("pk"), oldest=models.Min("due_at")):
        found[row["status"]] = Backlog(row["n"], _age(row["oldest"], now))
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = 'core_message'::regclass")
        all_of_them = cursor.fetchone()[0]
    known = sum(one.number for one in found.values())
    return {**found, str(MessageStatus.DONE): Backlog(max(0, all_of_them - known))}


def deliveries() -> dict[tuple[str, str], Backlog]:
    """Return the mails and posts that have not left, by channel and state: waiting, retrying, digest or failed."""
    now = timezone.now()
    state = models.Case(
        models.When(status=DeliveryStatus.WAITING, attempts__gt=0, then=models.Value("retrying")),
        default="status",
        output_field=models.CharField(),
    )
    left = [DeliveryStatus.WAITING, DeliveryStatus.DIGEST, DeliveryStatus.FAILED]
    rows = Delivery.objects.filter(status__in=left).order_by().annotate(now=state).values("channel", "now")
    found = {
        (str(channel), name): Backlog()
        for channel in (Channel.EMAIL, Channel.CHAT)
        for name in ("waiting", "retrying", "digest", "failed")
        if (channel, name) != (Channel.CHAT, "digest")
    }
    for row in rows.annotate(n=models.Count("pk"), oldest=models.Min("created_at")):
        found[row["channel"], row["now"]] = Backlog(row["n"], _age(row["oldest"], now))
    return found


def jobs() -> dict[str, Backlog]:
    """Return how many jobs there are by state, and since when the oldest of the open ones waits or runs."""
    now = timezone.now()
    found = {state: Backlog() for state in JobState.values}
    rows = Job.objects.order_by().values("state")
    for row in rows.annotate(
        n=models.Count("pk"), queued=models.Min("queued_at"), started=models.Min("started_at")
    ):
        since = {"queued": row["queued"], "running": row["started"]}.get(row["state"])
        found[row["state"]] = Backlog(row["n"], _age(since, now))
    return found


def _age(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else max(0.0, (now - since).total_seconds())


@dataclass(frozen=True)
class Disk:
    """Bytes of the disk that holds the documents."""

    total: int
    free: int

    @property
    def percent_free(self) -> int:
        return self.free * 100 // self.total if self.total else 0


def disk() -> Disk | None:
    """Return the room that documents have; None when they lie in an S3-compatible store."""
    if settings.S3_BUCKET:
        return None
    # Before the first document there is no such folder yet.
    place = next(path for path in (settings.MEDIA_ROOT, *Path(settings.MEDIA_ROOT).parents) if path.exists())
    usage = shutil.disk_usage(place)
    return Disk(usage.total, usage.free)


def database_bytes() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _each(seconds: float, read: Callable[[], Any]) -> Callable[[], Any]:
    """Ask at most once in so many seconds: the audit trail is long, and nothing in it is sorted by act."""
    kept: list[Any] = [0.0, None]

    def ask() -> Any:
        if time.monotonic() - kept[0] > seconds or not kept[0]:
            kept[:] = [time.monotonic(), read()]
        return kept[1]

    return ask


def last_backup() -> Entry | None:
    """Return the newest entry that says that a backup was made."""
    return Entry.objects.filter(action=BACKUP_MADE).order_by("-id").first()


last_backup_lately = _each(300, last_backup)


def versions() -> list[tuple[str, str]]:
    """Return what runs here: the portal's release, and what it stands on."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        server = cursor.fetchone()[0]
    return [
        ("Park Portal", settings.RELEASE or "—"),
        ("Django", django.get_version()),
        ("Python", platform.python_version()),
        ("PostgreSQL", server),
        ("Redis / Valkey", _broker_version()),
    ]


def _broker_version() -> str:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    try:
        said = client.info("server")
        return str(said.get("valkey_version") or said.get("redis_version") or "—")
    except redis.RedisError:
        return "—"
    finally:
        client.close()
