"""“My data”: what is held, who looked, and nobody else's."""

from __future__ import annotations

import pytest

from park_portal.core.audit.models import Entry
from park_portal.core.privacy.held import held_about, kept_by_law
from park_portal.core.reads import READ
from tests.factories import make
from tests.factories.core import make_staff, make_user

pytestmark = pytest.mark.django_db

PAGE = "/account/data/"


def test_one_reads_what_is_held_and_why(client_of, people):
    page = client_of("founder").get(PAGE).content.decode()
    assert "founder@people.example" in page
    assert "所属单位" in page or "成员" in page
    lines = {line.label: line for group in held_about(people("founder")).values() for line in group}
    assert lines["用户"].number == 1
    assert lines["用户"].sensitive == ["电话"]
    assert lines["用户"].since == people("founder").date_joined
    assert lines["成员"].keep == "账户存续期间"


def test_the_page_is_ones_own(client, client_of, people):
    people("founder")
    assert client.get(PAGE).status_code == 302
    assert "founder@people.example" not in client_of("stranger").get(PAGE).content.decode()


def test_what_staff_look_at_is_noted_and_the_person_reads_it(client_of, people):
    person = make_user("Wang Min", phone="13800138000")
    address = f"/admin/core/user/{person.pk}/holdings/"
    for role in ("officer", "finance", "auditor", "fund_manager"):
        assert client_of(role).get(address).status_code == 403
    lead = client_of("lead")
    assert "13800138000" not in lead.get(address).content.decode()
    assert not Entry.objects.filter(object_id=str(person.pk), action="privacy.page_read").exists()
    assert lead.post(address, {"reason": ""}).status_code == 422
    page = lead.post(address, {"reason": "She asked by telephone."}).content.decode()
    assert "用户" in page
    entry = Entry.objects.get(object_id=str(person.pk), action="privacy.page_read")
    assert (entry.actor, entry.facts) == (people("lead"), {"reason": "She asked by telephone."})
    assert "Lead" in client_of(person).get(PAGE).content.decode()


def test_opening_contact_data_is_noted_in_admin_and_api(client_of, people):
    person = make_user("Wang Min", phone="13800138000")
    client_of("officer").get(f"/admin/core/user/{person.pk}/change/")
    entry = Entry.objects.get(action=READ)
    assert (entry.actor, entry.object_id, entry.facts, entry.door) == (
        people("officer"),
        str(person.pk),
        {"columns": ["phone"]},
        "admin",
    )
    firm = make("incubator.Organisation", contact_phone="021-59730000")
    client_of("officer").get(f"/api/v1/organisations/{firm.pk}/")
    entry = Entry.objects.filter(action=READ).latest("pk")
    assert (entry.object_type, entry.object_id, entry.facts) == (
        "incubator.organisation",
        str(firm.pk),
        {"columns": ["contact_email", "contact_phone"]},
    )
    # Of what is empty nothing is read, and nobody reads themselves.
    count = Entry.objects.filter(action=READ).count()
    client_of("officer").get(f"/admin/core/user/{make_user('No Phone').pk}/change/")
    lead = make_staff("lead", phone="13900139000")
    client_of(lead).get(f"/admin/core/user/{lead.pk}/change/")
    assert Entry.objects.filter(action=READ).count() == count


def test_what_the_law_keeps_is_listed():
    kept = kept_by_law()
    assert ("funding_version", "answers") in kept
    assert ("core_user", "name") not in kept
