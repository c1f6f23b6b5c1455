"""`GET /metrics`: the figures that Prometheus collects, for who has the token. Anybody else finds no such page.

What the processes counted is added up from their files (core/measures.py); what waits and what failed is read at the
moment it is asked for (system.py), so every web process gives the same answer.
"""

import hmac
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from park_portal import health, system
from park_portal.core.measures import reading_folders

log = logging.getLogger(__name__)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Every figure in Prometheus' text format; 404 without the token, so that nobody learns that it is there."""
    scheme, _space, given = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.METRICS_TOKEN
    if not wanted or scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Http404
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Counted())
    registry.register(Standing())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class Counted:
    """What all processes of this host counted."""

    def collect(self) -> Iterable[Metric]:
        files = [str(path) for folder in reading_folders() for path in folder.glob("*.db")]
        found: Iterable[Metric] = MultiProcessCollector.merge(files, accumulate=True)
        return found


class Standing:
    """What waits and what failed now. A service that is away takes its own figures with it, not the page."""

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("park_up", "Whether a piece the portal stands on answers", labels=["piece"])
        for piece, read, trouble in READERS:
            try:
                found = list(read())
            except trouble as error:
                log.warning("metrics: %s: %s", piece, error)
                up.add_metric([piece], 0)
            else:
                up.add_metric([piece], 1)
                yield from found
        yield up


def _backlogs(name: str, what: str, labels: list[str], rows: Mapping[Any, system.Backlog]) -> list[Metric]:
    number = GaugeMetricFamily(name, f"{what}: how many", labels=labels)
    age = GaugeMetricFamily(f"{name}_oldest_seconds", f"{what}: age of the oldest", labels=labels)
    for values, row in rows.items():
        number.add_metric(list(values), row.number)
        if row.age is not None:
            age.add_metric(list(values), row.age)
    return [number, age]


def from_database() -> Iterator[Metric]:
    messages = {(state,): row for state, row in system.messages().items()}
    yield from _backlogs("park_outbox_messages", "Messages of the outbox that are due", ["state"], messages)
    yield from _backlogs(
        "park_deliveries", "Mails and posts that have not left", ["channel", "state"], system.deliveries()
    )
    yield from _backlogs(
        "park_jobs", "Jobs", ["state"], {(state,): row for state, row in system.jobs().items()}
    )
    yield GaugeMetricFamily("park_database_bytes", "Size of the database", value=system.database_bytes())
    made = system.last_backup_lately()
    if made is not None:
        yield GaugeMetricFamily(
            "park_backup_timestamp_seconds", "When the last backup was made", value=made.at.timestamp()
        )


def from_broker() -> Iterator[Metric]:
    waiting = system.rings()
    if waiting is None:
        raise redis.ConnectionError("no answer")
    yield from _backlogs("park_queue", "Rings that no worker has heard yet", [], {(): waiting})
    alive = GaugeMetricFamily(
        "park_sign_of_life_age_seconds", "Since when a process has left no sign of life", labels=["process"]
    )
    for name in ("worker", "beat", "relay"):
        age = health.silence(name)
        if age is not None:
            alive.add_metric([name], age)
    yield alive


def from_disk() -> Iterator[Metric]:
    found = system.disk()
    if found is not None:
        yield GaugeMetricFamily("park_media_bytes_free", "Room left for documents", value=found.free)
        yield GaugeMetricFamily("park_media_bytes_total", "Size of the disk of documents", value=found.total)


READERS: tuple[tuple[str, Callable[[], Iterator[Metric]], type[Exception]], ...] = (
    ("database", from_database, DatabaseError),
    ("broker", from_broker, redis.RedisError),
    ("disk", from_disk, OSError),
)
