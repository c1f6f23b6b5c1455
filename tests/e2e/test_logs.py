"""A request's number goes with the work done on its behalf: from the web process to the worker's log."""

from __future__ import annotations

import json

import pytest
import requests
from django.conf import settings
from django.test import Client

from park_portal.core.jobs.models import Job
from tests.factories import make
from tests.personas import person
from tests.stack import Stack


@pytest.mark.timeout(120)
def test_a_request_is_followed_into_the_worker(live_stack: Stack):
    officer = person("officer")
    make("funding.Application")
    browser = requests.Session()
    browser.trust_env = False

    def post(path: str, number: str, **fields: str) -> requests.Response:
        token = browser.cookies.get("csrftoken", "")
        headers = {"X-Request-ID": number, "Referer": live_stack.url + path}
        return browser.post(
            live_stack.url + path, data={"csrfmiddlewaretoken": token, **fields}, headers=headers
        )

    signed_in = Client()
    signed_in.force_login(officer, settings.AUTHENTICATION_BACKENDS[1])
    browser.cookies.set("sessionid", signed_in.cookies["sessionid"].value)
    browser.get(f"{live_stack.url}/about/")
    answer = post("/admin/funding/application/export/", "export-0123456789")
    assert [one.status_code for one in answer.history] == [302], (answer.url, answer.text[:500])
    job = Job.objects.get(request_id="export-0123456789")

    def lines(process: str) -> list[dict[str, object]]:
        text = (live_stack.folder / f"{process}.log").read_text(errors="replace")
        found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [one for one in found if one.get("request_id") == "export-0123456789"]

    assert live_stack.wait(lambda: lines("worker"), seconds=30), live_stack.logs()
    [asked, *_rest] = lines("web")
    assert (asked["method"], asked["status"], asked["person"]) == ("POST", 302, officer.pk)
    assert "core.jobs.run" in str([one["message"] for one in lines("worker")])
    job.refresh_from_db()
    assert job.owner_id == officer.pk
    assert officer.email not in live_stack.logs(lines=10_000).split("--- mail.log")[0]
