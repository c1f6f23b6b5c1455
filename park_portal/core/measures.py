"""What is counted while the portal works, for Prometheus, and the line that the log keeps of each request.

Web and worker run as several processes; each adds to files of its own below ``METRICS_DIR``, and whoever is asked for
the figures (``park_portal/metrics.py``) adds them up. Without ``METRICS_TOKEN`` nothing is counted.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from park_portal.core.logs import route_of

_held: list[Any] = []  # The lock on this tree of processes' folder: held until its last process has ended.


def _take_folder() -> None:
    """Give this process and those it will start a folder of their own, and remove those whose processes are gone."""
    base = Path(settings.METRICS_DIR)
    base.mkdir(parents=True, exist_ok=True)
    with (base / "lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        given = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
        if not given or not Path(given).is_dir():
            given = tempfile.mkdtemp(prefix=f"{socket.gethostname()}-", dir=base)
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = given
        mine = (Path(given) / "alive").open("w")
        fcntl.flock(mine, fcntl.LOCK_SH)
        _held.append(mine)
        for other in base.glob("*/alive"):
            with other.open("w") as probe:
                try:
                    fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
            shutil.rmtree(other.parent, ignore_errors=True)


def counts_for_others() -> bool:
    """Return whether what this process counts is collected. A command of `manage.py` serves nobody, is over soon, and may
    be given by somebody who may not write to the folder.
    """
    return bool(settings.METRICS_TOKEN) and Path(sys.argv[0]).name != "manage.py"


if counts_for_others():
    _take_folder()

from prometheus_client import Counter, Histogram  # noqa: E402 # it looks for the folder when it is imported

log = logging.getLogger("park.requests")

# Asked every few seconds. A 503 of /healthz tells of others' failures.
ASKED_BY_MACHINES: Final = frozenset({"healthz", "metrics"})
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS = Counter("park_requests", "Requests answered", ["route", "method", "status"])
REQUEST_SECONDS = Histogram(
    "park_request_seconds",
    "Seconds that answering took",
    ["route", "method"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
REQUEST_QUERIES = Histogram(
    "park_request_queries",
    "Database statements that answering took",
    ["route"],
    buckets=(0, 5, 10, 15, 20, 30, 50, 100),
)
TASKS = Counter("park_tasks", "Tasks that a worker ended", ["task", "state"])
TASK_SECONDS = Histogram(
    "park_task_seconds",
    "Seconds that a task took",
    ["task"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600),
)
FAILURES = Counter("park_failures", "Answers of the portal that were an error of its own", ["route"])


def reading_folders() -> list[Path]:
    """Return the folders in which processes that are alive, of web and worker alike, keep what they counted."""
    return sorted(path.parent for path in Path(settings.METRICS_DIR).glob("*/alive"))


class MeasureMiddleware:
    """Count each request and leave one line of it in the log: route, status, how long, how many statements."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.counts = bool(settings.METRICS_TOKEN)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        statements = 0

        def count(execute: Callable[..., Any], sql: str, params: Any, many: bool, state: Any) -> Any:
            nonlocal statements
            statements += 1
            return execute(sql, params, many, state)

        begun = time.perf_counter()
        with connection.execute_wrapper(count):
            response = self.get_response(request)
        seconds = time.perf_counter() - begun
        route = route_of(request)
        method = request.method if request.method in METHODS else "other"
        if self.counts:
            REQUESTS.labels(route, method, response.status_code).inc()
            REQUEST_SECONDS.labels(route, method).observe(seconds)
            REQUEST_QUERIES.labels(route).observe(statements)
            if response.status_code >= 500 and route not in ASKED_BY_MACHINES:
                FAILURES.labels(route).inc()
        if route not in ASKED_BY_MACHINES and log.isEnabledFor(logging.INFO):
            facts: dict[str, Any] = {
                "route": route,
                "method": method,
                "status": response.status_code,
                "ms": round(seconds * 1000, 1),
                "queries": statements,
            }
            facts |= _who(request)
            log.info("%(method)s %(route)s %(status)s", facts, extra={"facts": facts})
        return response


def _who(request: HttpRequest) -> dict[str, int]:
    """Return the number of the person who asked, and of the one they view the portal as; nobody is looked up for it."""
    viewing = getattr(request, "view_as", None)
    if viewing is not None:
        return {"person": viewing.viewer.pk, "viewed_as": viewing.person.pk}
    user = request.__dict__.get("user")
    if isinstance(user, SimpleLazyObject):  # of the session: there only if somebody asked for it
        user = request.__dict__.get("_cached_user")
    pk = getattr(user, "pk", None)
    return {} if pk is None else {"person": pk}
