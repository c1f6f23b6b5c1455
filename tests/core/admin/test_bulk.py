"""Before many are acted on, who does it reads which records it will be done with."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from funding.models import Application
from tests.factories.reviews import make_application

pytestmark = pytest.mark.django_db

REJECT = "/admin/funding/application/all/reject/"


@pytest.fixture
def officer(client_of):
    client = client_of("officer")
    client.cookies["django_language"] = "en"
    return client


def test_what_will_be_done_is_named_and_linked(officer):
    application = make_application(title="Enzymes <b>")
    page = officer.get(REJECT)
    address = reverse("admin:funding_application_change", args=[application.pk])
    assert page.context["named"] == [(str(application), address)]
    assert f'href="{address}">{application.number} Enzymes &lt;b&gt;</a>' in page.content.decode()
    assert page.context["named_more"] == 0
    assert "more</li>" not in page.content.decode()


def test_of_many_the_first_are_named_at_the_same_cost(officer):
    call = make_application().call
    officer.get(REJECT)  # what is read once for all pages

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert officer.get(REJECT).status_code == 200
        return len(seen)

    one = queries()
    for number in range(29):
        make_application(call=call, title=f"Title {number}")
    page = officer.get(REJECT)

    assert queries() == one
    assert [label for label, _address in page.context["named"]] == [
        str(application) for application in Application.objects.order_by("pk")[:20]
    ]
    assert "and 10 more" in page.content.decode()
