"""A page of the administration links to what the person may open; the rest is plain text."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from park_portal.core.audit.services import record
from tests.factories.decisions import make_award, make_letter
from tests.factories.incubator import make_project, make_university
from tests.factories.reviews import make_application

pytestmark = pytest.mark.django_db


def links_of(client, address: str) -> list[str]:
    page = client.get(address)
    assert page.status_code == 200, address
    content = page.content.decode().partition('class="staff-crumbs"')[2]
    return sorted(set(re.findall(r'href="(/admin/[^"?#]*)', content)))


@pytest.mark.parametrize("role", ["fund_manager", "finance", "auditor", "officer", "lead"])
def test_no_link_of_a_record_leads_to_a_refusal(client_of, people, role):
    client = client_of(role)
    award, letter = make_award(), make_letter()
    application = make_application(project=make_project(university=make_university()))
    entry = record("user.test", application, actor=people("officer"), after={"n": 1})
    records = [award, letter, letter.decision, application, entry, people("founder")]
    opened = 0
    for one in records:
        address = reverse(f"admin:{one._meta.app_label}_{one._meta.model_name}_change", args=[one.pk])
        if client.get(address).status_code != 200:
            continue
        opened += 1
        for link in links_of(client, address):
            assert client.get(link).status_code not in (403, 404), f"{address} → {link}"
    assert opened


def test_related_person_is_a_link_for_who_may_open_people_alone(client_of):
    decision = make_letter().decision
    address = reverse("admin:funding_decision_change", args=[decision.pk])
    link = f'href="{reverse("admin:core_user_change", args=[decision.decided_by_id])}"'

    assert link in client_of("officer").get(address).content.decode()
    page = client_of("fund_manager").get(address).content.decode()
    assert link not in page
    assert str(decision.decided_by) in page
