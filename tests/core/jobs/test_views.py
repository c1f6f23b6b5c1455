"""The pages of long work: one's own only."""

from __future__ import annotations

import pytest

from park_portal.core.documents.services import store_document
from park_portal.core.errors import DomainError
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import job, run_job, start_job
from tests.core.documents.samples import PDF

pytestmark = pytest.mark.django_db


@pytest.fixture
def started(alice):
    @job("test.letters", label="Letters")
    def letters(job, progress):
        if job.params.get("fail"):
            raise DomainError("Two letters have no address.")
        return store_document(PDF, actor=alice, subject=job, kind="result", name="letters.pdf")

    return start_job("test.letters", actor=alice)


HTMX = {"HTTP_HX_REQUEST": "true", "HTTP_ACCEPT_LANGUAGE": "en"}


def test_the_owner_follows_the_job_to_its_result(client, alice, started):
    client.force_login(alice)
    address = f"/jobs/{started.public_id}/"
    waiting = client.get(address, **HTMX).content.decode()
    assert f'hx-get="{address}"' in waiting
    assert "Cancel this job" in waiting
    assert client.get(f"{address}state/").json()["state"] == "queued"
    run_job(started.pk)
    done = client.get(address, **HTMX).content.decode()
    assert "hx-get" not in done
    assert "letters.pdf" in done
    started.refresh_from_db()
    state = client.get(f"{address}state/").json()
    assert (state["state"], state["percent"], state["open"]) == ("done", 100, False)
    assert state["result"] == f"/documents/{started.result.public_id}/"
    assert client.get(state["result"]).status_code == 200


def test_a_failure_says_why_and_can_be_run_again(client, alice, started):
    failed = start_job("test.letters", actor=alice, params={"fail": True})
    run_job(failed.pk)
    client.force_login(alice)
    page = client.get(f"/jobs/{failed.public_id}/", **HTMX).content.decode()
    assert "Two letters have no address." in page
    assert "Run it again" in page
    assert client.post(f"/jobs/{failed.public_id}/retry/").status_code == 302
    assert Job.objects.get(pk=failed.pk).state == "queued"


def test_cancelling_by_its_button_twice_is_no_crash(client, alice, started):
    client.force_login(alice)
    for _click in range(2):
        response = client.post(f"/jobs/{started.public_id}/cancel/")
        assert (response.status_code, response["Location"]) == (302, f"/jobs/{started.public_id}/")
    assert Job.objects.get(pk=started.pk).state == "cancelled"
    assert client.get(f"/jobs/{started.public_id}/cancel/").status_code == 405


@pytest.mark.parametrize("path", ["", "state/", "cancel/", "retry/"])
def test_a_stranger_finds_nothing(client, charlie, started, path):
    address = f"/jobs/{started.public_id}/{path}"
    method = client.post if path in ("cancel/", "retry/") else client.get
    assert method(address)["Location"].startswith("/accounts/login/")
    client.force_login(charlie)
    assert method(address).status_code == 404
    assert Job.objects.get(pk=started.pk).state == "queued"


def test_the_pages_are_whole_pages_too(client, alice, charlie, started):
    client.force_login(alice)
    run_job(started.pk)
    page = client.get(f"/jobs/{started.public_id}/", HTTP_ACCEPT_LANGUAGE="en").content.decode()
    assert "<h1>Letters</h1>" in page
    assert "letters.pdf" in page
    assert "Letters" in client.get("/jobs/").content.decode()
    client.force_login(charlie)
    assert "Letters" not in client.get("/jobs/").content.decode()


def test_the_list_costs_the_same_for_many(client, alice, started, django_assert_max_num_queries):
    client.force_login(alice)
    client.get("/jobs/")
    with django_assert_max_num_queries(12):
        client.get("/jobs/")
    for number in range(30):
        start_job("test.letters", actor=alice, params={"number": number})
    with django_assert_max_num_queries(12):
        client.get("/jobs/")


def test_list_without_a_job_says_what_comes_here(client, alice):
    client.force_login(alice)
    page = client.get("/jobs/", **HTMX).content.decode()
    assert 'class="empty"' in page
    assert "No job yet" in page
