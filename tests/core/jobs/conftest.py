from __future__ import annotations

import pytest

from park_portal.core.accounts.models import User
from park_portal.core.jobs import registry


@pytest.fixture(autouse=True)
def _own_kinds(settings, tmp_path):
    """Each test declares its own kinds of jobs, and keeps results in a folder of its own."""
    settings.MEDIA_ROOT = tmp_path
    before = dict(registry.JOBS)
    yield
    registry.JOBS.clear()
    registry.JOBS.update(before)


@pytest.fixture
def alice(db):
    return User.objects.create_user("alice@example.org", "Harbour-7-lantern", name="Alice", language="en")


@pytest.fixture
def charlie(db):
    return User.objects.create_user("charlie@example.org", "Harbour-7-lantern", name="Charlie", language="en")
