"""What goes with every task from who rings to who works: the request it stems from, and when it was rung."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from celery import signals
from django.conf import settings

from park_portal.core import context, measures

REQUEST_ID = "park_request_id"
RUNG_AT = "park_rung_at"


@signals.before_task_publish.connect
def name_the_request(headers: dict[str, Any], **kwargs: Any) -> None:
    headers.setdefault(REQUEST_ID, context.current().request_id)
    headers[RUNG_AT] = time.time()


@signals.task_prerun.connect
def begin(task: Any, **kwargs: Any) -> None:
    stack = ExitStack()
    # Rung by the clock it stems from no request, and gets a number of its own.
    stack.enter_context(
        context.origin(request_id=getattr(task.request, REQUEST_ID, "") or None, door="worker")
    )
    task.request.park_stack, task.request.park_begun = stack, time.perf_counter()


@signals.task_postrun.connect
def end(task: Any, state: str | None = None, **kwargs: Any) -> None:
    stack: ExitStack | None = getattr(task.request, "park_stack", None)
    if stack is None:
        return
    if settings.METRICS_TOKEN:
        measures.TASKS.labels(task.name, state or "").inc()
        measures.TASK_SECONDS.labels(task.name).observe(time.perf_counter() - task.request.park_begun)
    stack.close()
