"""`GET /healthz`: what a load balancer and a watchman ask. Cheap, open to all, and telling nothing that is secret.

Relay, worker and beat leave a sign of life in Redis every few seconds, each from inside its own loop: a process that
hangs, or has lost the broker, stops leaving it.
"""

import logging
import time
from collections.abc import Callable
from functools import cache as once
from typing import Any

from celery import bootsteps
from celery.beat import PersistentScheduler
from django.apps import apps
from django.core.cache import cache
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

logger = logging.getLogger(__name__)

EVERY = 5.0  # Seconds between two signs of life.
SILENCE = 20.0  # Seconds without one after which a process counts as dead.


class Unhealthy(Exception):
    """A piece does not work; the message may be shown to anyone."""


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when every piece works, else 503; the body says which, and how long each took."""
    with translation.override("en"):  # for machines
        results = check_all()
    ok = all(result["ok"] for result in results.values())
    body = {"status": "ok" if ok else "failing", "checks": results}
    response = JsonResponse(body, status=200 if ok else 503)
    response._has_been_logged = True  # type: ignore[attr-defined] # Django would log each 503 as an error of ours.
    return response


def check_all() -> dict[str, dict[str, Any]]:
    """Return of each piece whether it works, how long that took to find out, and the problem in the reader's words."""
    return {name: _try(name, check) for name, check in CHECKS.items()}


def check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def check_broker() -> None:
    cache.get("health:any")


def check_worker() -> None:
    _sign_of_life("worker")


def check_relay() -> None:
    _sign_of_life("relay")


def check_beat() -> None:
    _sign_of_life("beat")


def check_migrations() -> None:
    missing = _migrations_of_this_code() - set(MigrationRecorder(connection).applied_migrations())
    if missing:
        raise Unhealthy(_("%(number)d not applied") % {"number": len(missing)})


CHECKS: dict[str, Callable[[], None]] = {
    "database": check_database,
    "broker": check_broker,
    "relay": check_relay,
    "worker": check_worker,
    "beat": check_beat,
    "migrations": check_migrations,
}


def leave_sign_of_life(name: str) -> None:
    """Say that the process called `name` is alive; a broker that is away is somebody else's failure."""
    try:
        cache.set(f"health:{name}", time.time(), timeout=10 * SILENCE)
    except Exception:
        logger.warning("%s cannot leave its sign of life", name)


def silence(name: str) -> float | None:
    """Return since how many seconds the process called `name` has left no sign of life; None if it never has."""
    seen = cache.get(f"health:{name}")
    return None if seen is None else time.time() - seen


def _sign_of_life(name: str) -> None:
    quiet = silence(name)
    if quiet is None:
        raise Unhealthy(_("never seen"))
    if quiet > SILENCE:
        raise Unhealthy(_("silent for %(seconds)d s") % {"seconds": round(quiet)})


def _try(name: str, check: Callable[[], None]) -> dict[str, Any]:
    start = time.perf_counter()
    problem = ""
    try:
        check()
    except Unhealthy as error:
        problem = str(error)
    except Exception as error:
        # The text of a driver's error can hold addresses and user names: it goes to the log only.
        logger.warning("healthz: %s: %s", name, error)
        problem = _("does not answer")
    result: dict[str, Any] = {"ok": not problem, "ms": round((time.perf_counter() - start) * 1000, 1)}
    if problem:
        result["problem"] = problem
    return result


@once
def _migrations_of_this_code() -> frozenset[tuple[str, str]]:
    """Every migration that the code brings. Read from disk once: the code does not change while it runs."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    installed = {config.label for config in apps.get_app_configs()}
    assert loader.disk_migrations is not None
    replaced = {old for migration in loader.disk_migrations.values() for old in migration.replaces}
    return frozenset(key for key in loader.disk_migrations if key[0] in installed and key not in replaced)


class SignOfLife(bootsteps.StartStopStep):
    """Lets a worker leave its sign of life from its own event loop."""

    requires = {"celery.worker.components:Timer"}

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        self.repeated: Any = None

    def start(self, parent: Any) -> None:
        leave_sign_of_life("worker")
        self.repeated = parent.timer.call_repeatedly(EVERY, leave_sign_of_life, ("worker",), priority=10)

    def stop(self, parent: Any) -> None:
        if self.repeated is not None:
            self.repeated.cancel()


class Scheduler(PersistentScheduler):
    """Celery's own scheduler, leaving a sign of life as it ticks."""

    last = 0.0

    def tick(self, *args: Any, **kwargs: Any) -> float:
        if time.monotonic() - self.last >= EVERY:
            self.last = time.monotonic()
            leave_sign_of_life("beat")
        return min(float(super().tick(*args, **kwargs)), EVERY)
