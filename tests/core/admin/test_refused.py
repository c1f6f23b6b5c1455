"""What staff read when an address leads nowhere or something is not for them: inside their own frame, nothing lost."""

from __future__ import annotations

import logging

import pytest
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory
from django.urls import reverse

from park_portal.core.accounts.models import User
from park_portal.core.handlers import permission_denied
from park_portal.core.logs import OneLine
from tests.factories.core import make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    [
        "/admin/nowhere/",
        "/admin/core/user/5/publish/",
        "/admin/core/user/999999/change/",
        "/admin/core/nothing/",
    ],
)
def test_a_wrong_address_leads_back_into_the_administration(client_of, path):
    response = client_of("administrator").get(path, follow=True)
    page = response.content.decode()
    assert response.status_code == 404
    assert 'class="staff-button" href="/admin/"' in page
    assert "staff-page" in page


def test_a_wrong_address_outside_is_the_portals(client_of, client):
    for one in (client_of("administrator"), client_of("stranger"), client):
        response = one.get("/nowhere/")
        assert (response.status_code, "staff-page" in response.content.decode()) == (404, False)


def test_a_refused_right_stays_in_the_frame_and_gives_back_what_was_typed(client_of, caplog):
    target = make_user()
    address = reverse("admin:core_user_act", args=[target.pk, "switch_off"])
    client = client_of("officer")
    assert "What you typed" not in client.get(address).content.decode()
    with caplog.at_level(logging.WARNING, logger="django.request"):
        response = client.post(address, {"reason": "因离职停用 <b>", "once": "a1b2", "password": "secret"})
    page = response.content.decode()
    assert response.status_code == 403
    assert "因离职停用 &lt;b&gt;" in page
    assert "a1b2" not in page
    assert "secret" not in page
    assert 'class="staff-button" href="/admin/"' in page
    assert User.objects.get(pk=target.pk).is_active


def test_a_refused_right_is_one_line_of_the_log():
    record = logging.LogRecord(
        "django.request", logging.WARNING, "", 1, "Forbidden", (), (ValueError, None, None)
    )
    record.status_code = 403
    assert OneLine().filter(record)
    assert record.exc_info is None
    record = logging.LogRecord("django.request", logging.ERROR, "", 1, "Oops", (), (ValueError, None, None))
    record.status_code = 500
    assert OneLine().filter(record)
    assert record.exc_info is not None


def test_who_is_no_longer_staff_gets_their_text_back(client_of, people):
    officer = people("officer")
    client = client_of(officer)
    User.objects.filter(pk=officer.pk).update(is_staff=False)
    response = client.post("/admin/core/specialday/add/", {"name": "校庆日调休说明"})
    assert response.status_code == 403
    assert "校庆日调休说明" in response.content.decode()


def test_portal_refusal_gives_back_what_was_typed(client_of, people):
    request = RequestFactory().post(
        "/applications/1/", {"text": "一段很长的文字", "csrfmiddlewaretoken": "t0k"}
    )
    request.user = people("stranger")
    page = permission_denied(request, PermissionDenied()).content.decode()
    assert "一段很长的文字" in page
    assert "t0k" not in page


def test_a_million_characters_are_refused_by_their_field(client_of):
    target = make_user()
    address = reverse("admin:core_user_act", args=[target.pk, "switch_off"])
    client = client_of("administrator")
    assert 'maxlength="400"' in client.get(address).content.decode()
    response = client.post(address, {"reason": "长" * 1_000_000, "once": "m"})
    assert response.status_code == 200
    assert response.context["form"].errors["reason"]
    assert response.content.decode().count("长") >= 1_000_000
