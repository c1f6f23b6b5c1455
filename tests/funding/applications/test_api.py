"""Applying through the API: begin, write each answer against its revision, submit once, withdraw; for whom and what."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from funding.applications.models import Application, Version
from funding.applications.services import submit_application
from incubator.organisations.models import Membership
from park_portal.core.outbox.models import Message
from tests.callers import Caller
from tests.factories.applications import make_application, make_call, make_project_application, make_submitted
from tests.factories.incubator import make_organisation

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(people):
    organisation = make_organisation(owner=people("founder"), name_en="Qingxin Biotech")
    return make_application(make_call("APIB-2026"), organisation=organisation)


def test_an_application_from_the_first_word_to_the_number(people):
    founder = people("founder")
    organisation = make_organisation(owner=founder, name_en="Qingxin Biotech")
    make_call("APIA-2026")
    caller = Caller(founder)
    begun = caller.post("/applications/", {"call": "APIA-2026", "organisation": organisation.pk})
    assert begun.status_code == 201
    pk = begun.json()["id"]
    wrote = caller.put(f"/applications/{pk}/answers/title/", {"value": "类器官药敏平台"}, If_Match='"0"')
    assert (wrote.status_code, wrote.json(), wrote.headers["ETag"]) == (
        200,
        {"key": "title", "revision": 1},
        '"1"',
    )
    refused = caller.post(f"/applications/{pk}/submit/", Idempotency_Key="s1")
    assert (refused.status_code, refused.json()["code"]) == (400, "incomplete")
    assert "plan" in {one["field"] for one in refused.json()["errors"]}
    assert Version.objects.count() == 0


def test_submitted_once_however_often_it_is_sent(people, draft):
    caller = Caller(people("founder"))
    first = caller.post(f"/applications/{draft.pk}/submit/", Idempotency_Key="s1")
    again = caller.post(f"/applications/{draft.pk}/submit/", Idempotency_Key="s1")
    other = caller.post(f"/applications/{draft.pk}/submit/", Idempotency_Key="s2")
    assert [one.status_code for one in (first, again, other)] == [200, 200, 200]
    assert first.json()["number"] == "APIB-2026-0001"
    assert again.json() == first.json()
    assert Version.objects.count() == 1
    assert Message.objects.filter(topic="application.submitted").count() == 1


def test_an_answer_is_never_overwritten_silently(people, draft):
    caller = Caller(people("founder"))
    address = f"/applications/{draft.pk}/answers/title/"
    missing = caller.put(address, {"value": "One"})
    assert (missing.status_code, missing.json()["code"]) == (428, "version_required")
    stale = caller.put(address, {"value": "One"}, If_Match='"0"')
    assert (stale.status_code, stale.json()["code"]) == (412, "version")
    assert caller.put(address, {"value": "One"}, If_Match='"1"').json()["revision"] == 2
    rows = {row["key"]: row for row in caller.get(f"/applications/{draft.pk}/answers/").json()["results"]}
    assert (rows["title"]["value"], rows["title"]["revision"], rows["title"]["open"]) == ("One", 2, True)


@pytest.mark.parametrize(
    ("key", "body", "status"),
    [
        ("nothing", {"value": "x"}, 400),
        ("title", {}, 400),
        ("title", {"value": "x" * 1_000_000}, 400),
        ("title", {"value": "a\x00b"}, 400),
        ("amount", {"value": "-5"}, 400),
        ("amount", {"value": {"nested": []}}, 400),
        ("plan", {"value": "x"}, 400),
    ],
)
def test_bad_answers_are_refused_in_words(people, draft, key, body, status):
    answer = Caller(people("founder")).put(f"/applications/{draft.pk}/answers/{key}/", body, If_Match='"1"')
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert draft.answers.get(question__question__key="title").value == draft.title


def test_a_viewer_reads_and_writes_nothing(people, draft):
    Membership.objects.create(organisation=draft.organisation, user=people("stranger"), role="viewer")
    viewer = Caller(people("stranger"))
    assert viewer.get(f"/applications/{draft.pk}/answers/").status_code == 200
    for answer in (
        viewer.put(f"/applications/{draft.pk}/answers/title/", {"value": "Mine"}, If_Match='"1"'),
        viewer.post(f"/applications/{draft.pk}/submit/"),
        viewer.post(f"/applications/{draft.pk}/withdraw/"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    draft.refresh_from_db()
    assert draft.state == "draft"


@pytest.mark.parametrize("path", ["", "answers/", "versions/"])
def test_a_stranger_finds_nothing(people, draft, path):
    assert Caller(people("stranger")).get(f"/applications/{draft.pk}/{path}").status_code == 404


def test_what_is_typed_is_the_applicants_own_until_it_is_submitted(people, draft):
    officer = Caller(people("officer"))
    assert officer.get(f"/applications/{draft.pk}/answers/").status_code == 403
    assert officer.get(f"/applications/{draft.pk}/versions/").json() == {"results": []}
    submit_application(draft, actor=people("founder"))
    (version,) = officer.get(f"/applications/{draft.pk}/versions/").json()["results"]
    assert version["number"] == 1


def test_only_the_park_reads_the_stage_and_its_day(people):
    application = make_submitted(
        organisation=make_organisation(owner=people("founder"), name_en="Qingxin Biotech")
    )
    own = Caller(people("founder")).get(f"/applications/{application.pk}/").json()
    assert own.keys() & {"stage", "due_at"} == set()
    assert own["due"] is None
    parks = Caller(people("officer")).get(f"/applications/{application.pk}/").json()
    assert parks.keys() >= {"stage", "due_at"}


def test_a_submitted_application_is_withdrawn_with_a_reason(people):
    application = make_project_application(pi=people("investigator"))
    submit_application(application, actor=people("investigator"))
    caller = Caller(people("investigator"))
    missing = caller.post(f"/applications/{application.pk}/withdraw/", {})
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (400, "reason")
    done = caller.post(f"/applications/{application.pk}/withdraw/", {"reason": "Funded elsewhere"})
    assert (done.status_code, done.json()["state"]) == (200, "withdrawn")


def test_a_list_costs_the_same_at_any_length(people):
    founder = people("founder")
    caller = Caller(founder)

    def queries() -> int:
        caller.get("/applications/")
        with CaptureQueriesContext(connection) as captured:
            assert caller.get("/applications/").status_code == 200
        return len(captured)

    make_application(organisation=make_organisation(owner=founder, name_en="One"), filled=False)
    few = queries()
    for number in range(8):
        make_application(organisation=make_organisation(owner=founder, name_en=f"N{number}"), filled=False)
    assert (
        queries() == few == 4
    )  # who asks and their roles; what they are in the park; the rows; leave of drafts

    Application.objects.update(state="withdrawn")
    assert queries() == 3
    caller = Caller(people("officer"))
    assert queries() == 2


def test_one_begins_only_for_who_one_writes_for(people, draft):
    stranger = Caller(people("stranger"))
    body = {"call": "APIB-2026", "organisation": draft.organisation_id}
    assert stranger.post("/applications/", body).status_code == 404
    Membership.objects.create(organisation=draft.organisation, user=people("stranger"), role="viewer")
    assert stranger.post("/applications/", body).status_code == 403
    assert stranger.post("/applications/", {"call": "APIB-2026"}).json()["code"] == "applicant"
    assert stranger.post("/applications/", {"call": "NONE-2026", "project": 1}).status_code == 404
    assert Application.objects.count() == 1
