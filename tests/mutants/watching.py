"""A plugin of pytest: in which tests each guard has a part, and of the tests that are named, only those.

With PARK_GUARDS, a folder, each process writes there which of its tests each guard turned away in something. With PARK_GUARDS_TESTS, a
file with a test on each line, all others are left out.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core.handlers.base import BaseHandler

_found: dict[str, set[str]] = defaultdict(set)
_running = ""
_watching = ExitStack()


def _touch(name: str) -> None:
    if _running:
        _found[name].add(_running)


def pytest_collection_finish(session: pytest.Session) -> None:
    if not os.environ.get("PARK_GUARDS"):
        return
    from tests.mutants import mutations  # A plugin is loaded before Django is.

    resolve = BaseHandler.resolve_request

    def resolved(self: Any, request: Any) -> Any:
        match = resolve(self, request)
        _touch(f"door:{request.resolver_match.view_name}")
        return match

    _watching.enter_context(mutations.watched(_touch))
    _watching.enter_context(patch.object(BaseHandler, "resolve_request", resolved))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[Any]:
    global _running
    # The distribution over processes adds the name of the group.
    _running = item.nodeid.partition("@")[0]
    try:
        return (yield)
    finally:
        _running = ""


def pytest_sessionfinish(session: pytest.Session) -> None:
    _watching.close()
    if (folder := os.environ.get("PARK_GUARDS")) and _found:
        mine = Path(folder) / f"{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}.json"
        mine.write_text(json.dumps({name: sorted(tests) for name, tests in _found.items()}))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if path := os.environ.get("PARK_GUARDS_TESTS"):
        wanted = set(Path(path).read_text().splitlines())
        left_out = [item for item in items if item.nodeid.partition("@")[0] not in wanted]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
