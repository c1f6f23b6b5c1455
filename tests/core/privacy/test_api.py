"""One's rights over one's data by program: one's own alone, what a token cannot prove, what staff answer."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.utils import timezone
from django.utils.translation import override

from funding.calls.services import NEWS
from park_portal.core.audit.models import Entry
from park_portal.core.audit.services import record
from park_portal.core.jobs.models import Job
from park_portal.core.personal import CONSENTS, RETENTIONS
from park_portal.core.privacy.copies import begin_copy
from park_portal.core.privacy.held import PAGE_READ, held_about
from park_portal.core.privacy.models import Consent, DataRequest
from park_portal.core.privacy.services import ask, who_agreed
from park_portal.core.reads import READ
from tests.callers import Caller
from tests.factories import make
from tests.factories.core import make_user

pytestmark = pytest.mark.django_db

OWN, ALL = "/my-data-requests/", "/data-requests/"
CONSENT = f"/consents/{NEWS}/"


@pytest.fixture
def caller(people):
    made: dict[str, Caller] = {}
    return lambda who: made.setdefault(who, Caller(people(who)))


# --- what is held


def test_one_reads_what_the_page_says_and_who_looked(caller, client_of, people):
    founder = people("founder")
    record(PAGE_READ, founder, actor=people("lead"), reason="She asked by telephone.")
    told = caller("founder").get("/my-data/").json()
    assert told["person"]["email"] == founder.email
    (looked,) = told["looked"]
    assert (looked["who"], looked["what"], looked["file"]) == (
        str(people("lead")),
        "looked at what is held about a person",
        None,
    )
    for language in ("en", "zh-hans"):
        told = caller("founder").get("/my-data/", Accept_Language=language).json()
        with override(language):
            lines = [line for group in held_about(founder).values() for line in group]
            assert [
                (one["label"], one["purpose"], one["ground"], one["keep"], one["number"])
                for one in told["held"]
            ] == [
                (line.label, str(line.purpose), str(line.basis), str(line.keep), line.number)
                for line in lines
            ]
    account = next(one for one in told["held"] if one["label"] == "用户")
    assert (account["number"], account["sensitive"]) == (1, ["电话"])
    assert account["since"] == timezone.localtime(founder.date_joined).date().isoformat()
    assert "密码" in next(one["columns"] for one in account["on_erasure"] if one["what"] == "清空")
    assert "founder@people.example" not in caller("stranger").get("/my-data/").content.decode()


def test_reading_ones_own_is_not_noted_and_a_viewer_is(client_of, people):
    person = make_user("Wang Min", phone="13800138000")
    client_of(person).get("/api/v1/my-data/")
    assert not Entry.objects.filter(action=READ).exists()
    client = client_of("officer")
    client.post(f"/account/view-as/{person.pk}/", {"reason": "She asked."})
    told = client.get("/api/v1/my-data/").json()
    assert told["person"]["phone"] == "13800138000"
    entry = Entry.objects.get(action=READ)
    assert (entry.actor, entry.on_behalf_of, entry.object_id, entry.facts) == (
        people("officer"),
        person.pk,
        str(person.pk),
        {"columns": ["phone"]},
    )
    sent = client.post(f"/api/v1{OWN}", {"kind": "other", "text": "x"}, content_type="application/json")
    assert sent.status_code == 403
    assert not DataRequest.objects.exists()


# --- requests


def test_a_request_is_made_once_and_is_ones_own(caller, people):
    founder, sent = caller("founder"), {"kind": "correction", "text": "My degree is wrong."}
    first = founder.post(OWN, sent, Idempotency_Key="1")
    assert (first.status_code, first.json()["state"], first.json()["answer"]) == (201, "open", "")
    again = founder.post(OWN, sent, Idempotency_Key="1")
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (first.json(), "true")
    row = DataRequest.objects.get()
    assert (row.person, row.due_on.isoformat()) == (people("founder"), first.json()["due_on"])
    assert founder.get(f"{OWN}{row.pk}/").headers["ETag"] == first.headers["ETag"]
    assert [one["id"] for one in founder.get(f"{OWN}?state=open").json()["results"]] == [row.pk]
    # Who answers it has it among everybody's, not among their own.
    for other in ("stranger", "officer", "lead", "administrator"):
        assert caller(other).get(OWN).json()["results"] == []
        assert caller(other).get(f"{OWN}{row.pk}/").status_code == 404
        assert caller(other).post(f"{OWN}{row.pk}/withdraw/").status_code == 404
    for wrong in ({"kind": "correction", "text": " "}, {"kind": "deletion", "text": "x"}, {}, []):
        assert founder.post(OWN, wrong).status_code == 400
    withdrawn = founder.post(f"{OWN}{row.pk}/withdraw/", Idempotency_Key="2")
    assert (withdrawn.status_code, withdrawn.json()["state"]) == (200, "withdrawn")
    assert founder.post(f"{OWN}{row.pk}/withdraw/", Idempotency_Key="2").json() == withdrawn.json()
    assert founder.post(f"{OWN}{row.pk}/withdraw/").status_code == 409
    acts = Entry.objects.filter(object_type="core.datarequest").order_by("pk")
    assert list(acts.values_list("action", "door")) == [
        ("privacy_request.ask", "api"),
        ("privacy_request.withdraw", "api"),
    ]


@pytest.mark.parametrize("kind", ["erasure", "copy"])
def test_what_asks_anew_who_one_is_stays_on_its_page(caller, people, kind):
    for language, reason in (("en", "the page asks anew who you are"), ("zh-hans", "重新验证您的身份")):
        refused = Caller(people("founder"), language=language).post(OWN, {"kind": kind, "text": "x"})
        assert (refused.status_code, refused.json()["code"]) == (400, "page_only")
        assert reason in refused.json()["title"]
        assert refused.json()["errors"][0]["field"] == "kind"
    assert not DataRequest.objects.exists()
    assert not Job.objects.exists()


def test_a_copy_that_came_to_nothing_is_begun_anew_on_its_page_alone(caller, client_of, people):
    founder = people("founder")
    job = begin_copy(founder, actor=founder)
    assert caller("founder").post(f"/jobs/{job.public_id}/cancel/").status_code == 200
    assert caller("founder").post(f"/jobs/{job.public_id}/retry/").status_code == 403
    client = client_of("founder")
    assert f"/jobs/{job.public_id}/retry/" not in client.get(job.get_absolute_url()).content.decode()
    client.post(f"/jobs/{job.public_id}/retry/")
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert begin_copy(founder, actor=founder).state == "queued"


def test_a_token_needs_the_scope(people):
    founder, lead = people("founder"), people("lead")
    row = ask(founder, actor=founder, kind="other", text="x")
    reads = Caller(founder, scopes=["account:read"])
    assert reads.get(OWN).status_code == 200
    without = Caller(founder, scopes=["people:read", "people:write"])
    for answer in (
        *(reads.post(OWN, {"kind": "other", "text": "y"}), reads.post(f"{OWN}{row.pk}/withdraw/")),
        reads.patch(CONSENT, {"given": True}, If_Match="*"),
        *(without.get(path) for path in (OWN, "/my-data/", "/consents/", "/past-consents/")),
        # A lead's token for their own account answers nobody's requests.
        Caller(lead, scopes=["account:read", "account:write"]).get(ALL),
        Caller(lead, scopes=["people:read"]).post(f"{ALL}{row.pk}/acts/fulfil/", {"text": "x"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "scope")
    row.refresh_from_db()
    assert (row.state, DataRequest.objects.count(), Consent.objects.count()) == ("open", 1, 0)


# --- what staff answer


def test_staff_answer_by_the_acts_of_the_administration(caller, people):
    founder, address = people("founder"), f"{ALL}%d/acts/%s/"
    row = ask(founder, actor=founder, kind="correction", text="My degree is wrong.")
    for who in ("stranger", "founder", "officer", "finance"):
        assert caller(who).get(ALL).json()["results"] == []
        assert caller(who).get(f"{ALL}{row.pk}/").status_code == 404
        assert caller(who).post(address % (row.pk, "fulfil"), {"text": "x"}).status_code == 404
    # The auditor reads and answers nothing.
    assert caller("auditor").get(f"{ALL}{row.pk}/").json()["name"] == founder.name
    assert caller("auditor").get(f"{ALL}{row.pk}/acts/").json()["results"] == []
    for act in ("fulfil", "refuse", "erase"):
        assert caller("auditor").post(address % (row.pk, act), {"text": "x"}).status_code == 403
    offered = caller("lead").get(f"{ALL}{row.pk}/acts/").json()["results"]
    assert {one["name"]: one["allowed"] for one in offered} == {
        "fulfil": True,
        "erase": False,
        "refuse": True,
    }
    assert caller("lead").post(address % (row.pk, "fulfil"), {}).json()["errors"][0]["field"] == "text"
    done = caller("lead").post(address % (row.pk, "fulfil"), {"text": "It is right."}, Idempotency_Key="1")
    assert (done.json()["state"], done.json()["answered_by"]) == ("done", people("lead").pk)
    again = caller("lead").post(address % (row.pk, "fulfil"), {"text": "It is right."}, Idempotency_Key="1")
    assert again.json() == done.json()
    assert caller("founder").get(f"{OWN}{row.pk}/").json()["answer"] == "It is right."
    assert caller("administrator").post(address % (row.pk, "refuse"), {"text": "No."}).status_code == 409
    own = ask(people("lead"), actor=people("lead"), kind="other", text="Why?")
    assert caller("lead").post(address % (own.pk, "refuse"), {"text": "No."}).status_code == 403
    refused = caller("administrator").post(address % (own.pk, "refuse"), {"text": "No."})
    assert (refused.json()["state"], refused.json()["answer"]) == ("refused", "No.")


def test_an_erasure_that_was_asked_for_on_its_page_is_carried_out_when_nothing_hinders(caller):
    person = make_user("Wang Min")
    firm = make("incubator.Organisation", owner=person)
    row, address = ask(person, actor=person, kind="erasure"), f"{ALL}%d/acts/%s/"
    for who, status in (("lead", 200), ("auditor", 200), ("officer", 404)):
        assert caller(who).get(f"{ALL}{row.pk}/hindrances/").status_code == status
    (hindrance,) = caller("lead").get(f"{ALL}{row.pk}/hindrances/").json()["results"]
    assert firm.name in hindrance["text"]
    refused = caller("lead").post(address % (row.pk, "erase"), {})
    assert (refused.status_code, refused.json()["code"]) == (400, "hindered")
    assert firm.name in refused.json()["errors"][0]["detail"]
    assert caller("lead").post(address % (row.pk, "fulfil"), {"text": "Done."}).status_code == 400
    firm.memberships.create(user=make_user("Second"), role="owner")
    assert caller("lead").get(f"{ALL}{row.pk}/hindrances/").json() == {"results": []}
    for _twice in range(2):
        assert caller("lead").post(address % (row.pk, "erase"), {}, Idempotency_Key="1").status_code == 200
    assert Job.objects.get(kind="privacy.erase").params == {"request": row.pk}


# --- consents


def test_a_consent_is_given_to_the_text_that_was_read_and_withdrawn_at_once(caller, people, monkeypatch):
    founder, purpose = caller("founder"), CONSENTS[NEWS]
    offered = founder.get(CONSENT)
    assert offered.json() == {
        "purpose": NEWS,
        "label": str(purpose.label),
        "text": purpose.text["en"],
        "version": 1,
        "given": False,
        "given_at": None,
    }
    assert (
        Caller(people("founder"), language="zh-hans").get("/consents/").json()["results"][0]["text"]
        == (purpose.text["zh-hans"])
    )
    assert founder.patch(CONSENT, {"given": True}).status_code == 428
    tag = offered.headers["ETag"]
    # What is not asked is refused as a whole.
    assert founder.patch(CONSENT, {"given": True, "version": 2}, If_Match=tag).status_code == 400
    assert founder.patch("/consents/tracking/", {"given": True}, If_Match="*").status_code == 404
    given = founder.patch(CONSENT, {"given": True}, If_Match=tag)
    assert (given.status_code, given.json()["given"]) == (200, True)
    stale = founder.patch(CONSENT, {"given": False}, If_Match=tag)
    assert (stale.status_code, stale.json()["code"]) == (412, "version")
    for _twice in range(2):
        assert founder.patch(CONSENT, {"given": True}, If_Match="*").json() == given.json()
    assert list(who_agreed(NEWS)) == [people("founder")]
    # A new text is agreed to by nobody who read the old one.
    monkeypatch.setitem(CONSENTS, NEWS, type(purpose)(purpose.name, purpose.label, purpose.text, version=2))
    assert founder.patch(CONSENT, {"given": True}, If_Match=given.headers["ETag"]).status_code == 412
    monkeypatch.undo()
    withdrawn = founder.patch(CONSENT, {"given": False}, If_Match=given.headers["ETag"])
    assert (withdrawn.json()["given"], who_agreed(NEWS).exists()) == (False, False)
    (past,) = founder.get("/past-consents/").json()["results"]
    assert (past["purpose"], past["version"], past["text"]) == (NEWS, 1, purpose.text["en"])
    assert past["withdrawn_at"]
    assert caller("stranger").get("/past-consents/").json()["results"] == []
    acts = Entry.objects.filter(object_type="core.consent").order_by("pk").values_list("action", flat=True)
    assert list(acts) == ["consent.give", "consent.withdraw"]


def test_what_goes_tonight_is_read_and_let_go_by_who_keeps_the_rules(caller):
    told = {one["kind"]: one for one in caller("lead").get("/retention/").json()["results"]}
    assert told.keys() == RETENTIONS.keys()
    assert all(one["now"] == 0 for one in told.values())
    for who in ("founder", "officer", "auditor"):
        assert caller(who).get("/retention/").status_code == 403
        assert caller(who).post("/retention/run/").status_code == 403
    assert not Job.objects.exists()
    lead = caller("lead")
    begun = [lead.post("/retention/run/", Idempotency_Key="1") for _twice in range(2)]
    assert [one.status_code for one in begun] == [202, 202]
    assert Job.objects.get(kind="privacy.retention").public_id == UUID(begun[1].json()["id"])
