"""The search page itself."""

from __future__ import annotations

import pytest

from park_portal.core.accounts.models import User
from park_portal.core.jobs.models import Job
from park_portal.core.search import services
from park_portal.core.search.services import SearchText, searchable

pytestmark = pytest.mark.django_db


@pytest.fixture
def record(monkeypatch):
    monkeypatch.setattr(services, "KINDS", {})

    @searchable(Job, label="Records")
    def text(job):
        return SearchText(title=job.params["title"], codes=["AIBT-2026-0001"])

    alice = User.objects.create_user("alice@example.org", "Harbour-7-lantern", name="Alice")
    return Job.objects.create(kind="x", owner=alice, params={"title": "<b>青芯</b>平台"})


def test_the_page_lists_what_was_found_by_kind(client, record):
    client.force_login(record.owner)
    page = client.get("/search/", {"q": "青芯"}, HTTP_ACCEPT_LANGUAGE="en").content.decode()
    assert "<h2>Records</h2>" in page
    assert f'<a href="/jobs/{record.public_id}/">&lt;b&gt;<mark>青芯</mark>&lt;/b&gt;平台</a>' in page
    assert "AIBT-2026-0001" in page


TYPED = ["", "無", "\x00", "%00", "<script>", "😀" * 50, "x" * 3000, "'; DROP TABLE x"]


@pytest.mark.parametrize("text", TYPED, ids=range(len(TYPED)))
def test_whatever_is_typed_is_answered(client, record, text):
    client.force_login(record.owner)
    response = client.get("/search/", {"q": text})
    assert response.status_code == 200
    assert "<script>alert" not in response.content.decode()


def test_a_stranger_finds_nothing_and_a_visitor_is_asked_to_sign_in(client, record):
    charlie = User.objects.create_user("charlie@example.org", "Harbour-7-lantern", name="Charlie")
    assert client.get("/search/?q=青芯")["Location"].startswith("/accounts/login/")
    client.force_login(charlie)
    assert "青芯</mark>" not in client.get("/search/", {"q": "青芯"}).content.decode()
