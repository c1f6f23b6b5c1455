"""One's own tokens on the page: shown once, listed with their last use, revoked after a question."""

import re

import pytest
from django.test import Client

from park_portal.core.tokens.models import ApiToken
from park_portal.core.tokens.services import create_token

pytestmark = pytest.mark.django_db

FORM = {"name": "Lab books", "scopes": ["calls:read", "applications:read"], "days": "90"}


def test_the_secret_is_on_the_answer_and_never_again(client_of):
    founder = client_of("founder")
    made = founder.post("/account/tokens/", FORM)
    (secret,) = re.findall(r">(park_[\w-]+)</code>", made.content.decode())
    assert made.headers["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    token = ApiToken.objects.get()
    assert (token.name, token.scopes, token.digest) == (
        "Lab books",
        ["applications:read", "calls:read"],
        ApiToken.hash(secret),
    )
    later = founder.get("/account/tokens/").content.decode()
    assert secret not in later
    assert f"{secret[:12]}…" in later
    answer = Client().get("/api/v1/calls/", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200


def test_sending_the_form_again_makes_no_second_token(client_of):
    founder = client_of("founder")
    founder.post("/account/tokens/", FORM)
    again = founder.post("/account/tokens/", FORM)
    assert again.status_code == 422
    assert "已有同名令牌" in again.content.decode()
    assert ApiToken.objects.count() == 1
    assert founder.post("/account/tokens/", {**FORM, "name": "Lab books 2"}).status_code == 200


@pytest.mark.parametrize("wrong", [{"name": ""}, {"scopes": []}, {"scopes": ["all"]}, {"days": "9999"}])
def test_what_makes_no_sense_is_said_and_kept(client_of, wrong):
    answer = client_of("founder").post("/account/tokens/", {**FORM, **wrong})
    assert answer.status_code == 422
    assert "is-invalid" in answer.content.decode() or "invalid-feedback" in answer.content.decode()
    assert ApiToken.objects.count() == 0


def test_revoking_asks_first_and_happens_once(people, client_of):
    token, _secret = create_token(actor=people("founder"), name="Books", scopes=["calls:read"], days=1)
    founder = client_of("founder")
    assert "Books" in founder.get(f"/account/tokens/{token.pk}/revoke/").content.decode()
    token.refresh_from_db()
    assert token.revoked_at is None
    assert founder.post(f"/account/tokens/{token.pk}/revoke/").headers["Location"] == "/account/tokens/"
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert founder.post(f"/account/tokens/{token.pk}/revoke/").status_code == 404


def test_anothers_token_is_not_there(people, client_of):
    token, _secret = create_token(actor=people("founder"), name="Books", scopes=["calls:read"], days=1)
    for other in ("stranger", "administrator", "superuser"):
        client = client_of(other)
        assert client.get(f"/account/tokens/{token.pk}/revoke/").status_code == 404
        assert client.post(f"/account/tokens/{token.pk}/revoke/").status_code == 404
        assert "Books" not in client.get("/account/tokens/").content.decode()
    token.refresh_from_db()
    assert token.revoked_at is None


def test_nobody_comes_in_without_signing_in():
    answer = Client().get("/account/tokens/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/login/?next=/account/tokens/")


def test_only_staff_are_offered_what_only_staff_can_do(client_of):
    of_staff = {"park:write", "people:read", "people:write", "calls:write", "decisions:write"}
    for who, offered in (("founder", set()), ("officer", of_staff)):
        page = client_of(who).get("/account/tokens/").content.decode()
        assert {scope for scope in of_staff if f'value="{scope}"' in page} == offered, who
    refused = client_of("founder").post("/account/tokens/", {**FORM, "scopes": ["people:read"]})
    assert (refused.status_code, ApiToken.objects.count()) == (422, 0)
