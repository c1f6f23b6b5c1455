"""Copy, correction, erasure: asked by the person, answered by staff, refused to strangers, safe to click twice."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from park_portal.core.audit.models import Entry
from park_portal.core.audit.services import seal_entries, verify_chain
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import store_document
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import run_job
from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.outbox.services import relay_messages
from park_portal.core.privacy.copies import begin_copy
from park_portal.core.privacy.erasing import begin_erasure, erase_person, hindrances
from park_portal.core.privacy.models import DataRequest
from park_portal.core.privacy.retention import run_retention
from park_portal.core.privacy.services import answer, ask, fulfil, refuse, withdraw
from tests.core.documents.samples import PDF
from tests.factories import make
from tests.factories.core import make_staff, make_user
from tests.personas import PASSWORD

pytestmark = pytest.mark.django_db

COPY, ERASE, ASK = "/account/data/copy/", "/account/data/erase/", "/account/data/request/"


def signed_in(user) -> Client:
    """A browser in which the person has just shown who they are."""
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


# --- a copy


def test_a_copy_holds_ones_own_and_no_secrets(people):
    person = make_user("Wang Min", phone="13800138000", password=PASSWORD)
    make("core.ApiToken", actor=person, name="Lab books")
    make("core.ApiToken", actor=make_user("Other"), name="Not mine")
    store_document(PDF, actor=person, subject=person, kind="cv", name="cv.pdf")
    answered = signed_in(person).post(COPY)
    job = Job.objects.get(kind="privacy.copy", owner=person)
    assert (answered.status_code, answered.url) == (302, job.get_absolute_url())
    assert run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == ("done", "")
    with zipfile.ZipFile(io.BytesIO(job.result.open().read())) as archive:
        told = json.loads(archive.read("data.json"))
        page = archive.read("data.html").decode()
        (name,) = [one for one in archive.namelist() if one.startswith("files/")]
        assert archive.read(name) == PDF
    tables = {part["table"]: part for part in told["parts"]}
    (account,) = tables["core.User"]["rows"]
    assert (account["name"], account["phone"]) == ("Wang Min", "13800138000")
    assert "password" not in account
    assert [row["name"] for row in tables["core.ApiToken"]["rows"]] == ["Lab books"]
    assert "digest" not in tables["core.ApiToken"]["rows"][0]
    assert "13800138000" in page
    assert "Not mine" not in page
    assert PASSWORD not in page
    assert person.password not in page


def test_a_copy_is_for_the_person_alone_and_expires(client_of, people):
    person = make_user("Wang Min")
    job = begin_copy(person, actor=person)
    assert begin_copy(person, actor=person) == job  # a second click
    run_job(job.pk)
    job.refresh_from_db()
    address = job.result.get_absolute_url()
    for other in ("stranger", "lead", "administrator", "superuser"):
        assert client_of(other).get(address).status_code == 404
    assert client_of(person).get(address).status_code == 200
    with pytest.raises(Forbidden):
        begin_copy(person, actor=people("lead"))
    path = job.result.path
    assert run_retention()["copies"] == 0
    later = timezone.now() + timedelta(days=8)
    gone = _retention_at(later)
    assert gone["copies"] == 1
    assert client_of(person).get(address).status_code == 404
    assert Document.objects.get(pk=job.result_id).path == ""
    assert not default_storage.exists(path)


def _retention_at(moment) -> dict[str, int]:
    with time_machine.travel(moment, tick=False):
        gone = run_retention()
        while relay_messages():  # the store is told
            pass
        return gone


def test_a_copy_asks_who_one_is(client_of):
    person = make_user("Wang Min", password=PASSWORD)
    for address in (COPY, ERASE):
        client = client_of(person)
        for answered in (client.get(address), client.post(address, {"sure": "on"})):
            assert answered.status_code == 302
            assert answered.url.startswith("/accounts/reauthenticate/")
    assert not Job.objects.exists()
    assert not DataRequest.objects.exists()
    assert signed_in(person).get(COPY).status_code == 200


# --- correction


def test_a_request_has_a_day_and_is_answered(client_of, people):
    person, lead = make_user("Wang Min"), people("lead")
    form = {"kind": "correction", "text": "My degree is wrong."}
    client = client_of(person)
    assert client.post(ASK, form).status_code == 302
    client.post(ASK, form)  # again
    asked = DataRequest.objects.get(person=person)
    assert asked.due_on > timezone.localdate() + timedelta(days=15)
    relay_messages()
    told = Delivery.objects.filter(kind="privacy.request", channel="inbox").values_list(
        "recipient", flat=True
    )
    assert list(told) == [lead.pk]
    address = f"/admin/core/datarequest/{asked.pk}/act/fulfil/"
    for other in ("officer", "finance", "auditor"):
        assert client_of(other).post(address, {"text": "Done."}).status_code in (403, 404)
    client_of("lead").post(address, {"text": "It is right now."})
    asked.refresh_from_db()
    assert (asked.state, asked.answered_by, asked.answer) == ("done", lead, "It is right now.")
    relay_messages()
    assert Delivery.objects.filter(kind="privacy.answered", recipient=person, channel="inbox").count() == 1
    assert "It is right now." in client.get("/account/data/").content.decode()
    with pytest.raises(DomainError):
        fulfil(asked, actor=lead, text="Again.")


def test_requests_are_ones_own_to_withdraw_and_nobody_answers_their_own(client_of, people):
    lead = people("lead")
    asked = ask(lead, actor=lead, kind="other", text="Why do you hold my address?")
    with pytest.raises(Forbidden):
        answer(asked, actor=lead, fulfilled=True, text="Because.")
    address = f"/account/data/request/{asked.pk}/withdraw/"
    assert client_of("stranger").post(address).status_code == 404
    assert client_of("administrator").post(address).status_code == 404
    assert client_of("lead").post(address).status_code == 302
    asked.refresh_from_db()
    assert (asked.state, asked.answered_at) == ("withdrawn", None)
    assert client_of("lead").post(address).status_code == 404
    with pytest.raises(DomainError):
        withdraw(asked, actor=lead)
    with pytest.raises(DomainError):
        ask(lead, actor=lead, kind="correction", text=" ")


# --- erasure


def test_an_account_is_erased_when_nothing_hinders_it(client_of, people, django_capture_on_commit_callbacks):
    person, lead = make_user("Wang Min", email="min@example.com", password=PASSWORD), people("lead")
    firm = make("incubator.Organisation", owner=person)
    client = signed_in(person)
    assert client.post(ERASE, {"text": ""}).status_code == 422
    assert client.post(ERASE, {"text": "", "sure": "on"}).status_code == 302
    client.post(ERASE, {"text": "", "sure": "on"})
    asked = DataRequest.objects.get(person=person, kind="erasure")
    with pytest.raises(DomainError) as refused:
        begin_erasure(asked, actor=lead)
    assert [str(problem.message) for problem in refused.value.problems] == [
        f"{firm.name} 的唯一所有者：须先由他人担任所有者。"
    ]
    page = client_of("lead").get(f"/admin/core/datarequest/{asked.pk}/change/").content.decode()
    assert firm.name in page
    firm.memberships.create(user=make_user("Second"), role="owner")
    assert hindrances(person) == []
    for other in ("officer", "auditor", "stranger"):
        client_of(other).post(f"/admin/core/datarequest/{asked.pk}/act/erase/")
    assert not Job.objects.filter(kind="privacy.erase").exists()
    client_of("lead").post(f"/admin/core/datarequest/{asked.pk}/act/erase/")
    job = Job.objects.get(kind="privacy.erase")
    while relay_messages():
        pass
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        assert run_job(job.pk)
    assert not run_job(job.pk)
    asked.refresh_from_db()
    person.refresh_from_db()
    assert (asked.state, asked.answered_by, person.is_active) == ("done", lead, False)
    assert person.name == f"已注销用户 {person.pk}"
    assert not firm.memberships.filter(user=person).exists()
    assert [message.to for message in mail.outbox] == [["min@example.com"]]
    assert client.get("/account/data/").status_code == 302
    assert not Client().login(username="min@example.com", password=PASSWORD)
    while seal_entries():
        pass
    assert verify_chain().intact
    assert not Message.objects.filter(payload__icontains="min@example.com").exists()


def test_two_people_of_one_name_are_kept_apart(people):
    person, other = make_user("王伟"), make_user("王伟")
    longer = make_user("王伟明")
    for who in (person, other, longer):
        DataRequest.objects.create(
            person=who, kind="other", text=f"{who.name} {who.email}", due_on=timezone.localdate()
        )
    erase_person(person, actor=people("lead"))
    texts = dict(DataRequest.objects.values_list("person", "text"))
    assert texts == {
        person.pk: f"已注销用户 {person.pk} erased-{person.pk}@erased.invalid",
        other.pk: f"王伟 {other.email}",
        longer.pk: f"王伟明 {longer.email}",
    }


def test_a_failed_erasure_leaves_everything(people, monkeypatch):
    person, lead = make_user("Wang Min"), people("lead")
    asked = ask(person, actor=person, kind="erasure")
    job = begin_erasure(asked, actor=lead)

    def fails(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("park_portal.core.privacy.erasing.close", fails)
    run_job(job.pk)
    job.refresh_from_db()
    person.refresh_from_db()
    asked.refresh_from_db()
    assert (job.state, person.name, asked.state) == ("failed", "Wang Min", "open")


def test_staff_and_those_with_work_to_do_are_asked_to_hand_it_over(people):
    assert hindrances(make_staff("officer"))
    review = make("funding.Review")
    assert any(str(review.application) in str(one.text) for one in hindrances(review.reviewer))
    application = make("funding.Application")
    assert any(str(one.url) == application.get_absolute_url() for one in hindrances(application.created_by))
    assert hindrances(people("stranger")) == []


def test_a_refusal_needs_its_reason(people):
    person, lead = make_user("Wang Min"), people("lead")
    asked = ask(person, actor=person, kind="erasure")
    with pytest.raises(DomainError):
        refuse(asked, actor=lead, text=" ")
    refuse(asked, actor=lead, text="An award is running; you may complain to the authority.")
    asked.refresh_from_db()
    assert asked.state == "refused"
    assert Entry.objects.filter(action="privacy_request.refuse", object_id=str(asked.pk), actor=lead).exists()
