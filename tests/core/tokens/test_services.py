"""Tokens: told once, kept as a hash, good for their scopes until their day, ended at once."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from park_portal.core.audit.models import Entry
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.tokens.models import ApiToken
from park_portal.core.tokens.services import create_token, find_token, revoke_token
from park_portal.core.tokens.states import MOST_TOKENS

pytestmark = pytest.mark.django_db


def make(people, who="founder", **values):
    return create_token(
        actor=people(who), **{"name": "Books", "scopes": ["calls:read"], "days": 30, **values}
    )


def test_only_the_hash_is_kept(people):
    token, secret = make(people)
    assert secret.startswith("park_")
    assert len(secret) > 40
    stored = str(ApiToken.objects.filter(pk=token.pk).values())
    assert secret not in stored
    assert token.digest == ApiToken.hash(secret)
    entry = Entry.objects.get(action="token.create")
    assert secret not in str(entry.after)
    assert entry.after["scopes"] == ["calls:read"]


def test_a_token_opens_until_its_day(people):
    token, secret = make(people, days=30)
    assert find_token(secret) == token
    assert find_token(secret + "x") is None
    assert find_token("park_") is None
    with time_machine.travel(timezone.now() + timedelta(days=30, minutes=1)):
        assert find_token(secret) is None


def test_revoked_it_opens_nothing_and_again_changes_nothing(people):
    token, secret = make(people)
    first = revoke_token(token, actor=people("founder")).revoked_at
    assert find_token(secret) is None
    assert revoke_token(token, actor=people("founder")).revoked_at == first
    assert Entry.objects.filter(action="token.revoke").count() == 1


def test_nobody_revokes_anothers(people):
    token, secret = make(people)
    for other in ("stranger", "administrator", "lead"):
        with pytest.raises(Forbidden):
            revoke_token(token, actor=people(other))
    assert find_token(secret) == token


def test_who_is_disabled_has_no_tokens(people):
    _token, secret = make(people)
    founder = people("founder")
    founder.is_active = False
    founder.save(update_fields=["is_active"])
    assert find_token(secret) is None


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["calls:read", "everything"]}, "scopes"),
        ({"days": 0}, "days"),
        ({"days": 367}, "days"),
    ],
)
def test_what_makes_no_sense_is_refused(people, values, code):
    with pytest.raises(DomainError) as refused:
        make(people, **values)
    assert refused.value.code == code
    assert ApiToken.objects.count() == 0


def test_a_person_has_so_many_at_most(people):
    for number in range(MOST_TOKENS):
        token, _secret = make(people, name=f"Books {number}")
    with pytest.raises(DomainError) as refused:
        make(people)
    assert refused.value.code == "too_many"
    revoke_token(token, actor=people("founder"))
    make(people)


def test_a_name_stands_for_one_token_of_a_person(people):
    token, _secret = make(people)
    with pytest.raises(DomainError) as refused:
        make(people)
    assert (refused.value.code, refused.value.field) == ("name_taken", "name")
    make(people, "stranger")
    revoke_token(token, actor=people("founder"))
    make(people)


def test_the_last_use_is_noted_once_a_minute(people):
    token, secret = make(people)
    find_token(secret)
    token.refresh_from_db()
    first = token.last_used_at
    find_token(secret)
    token.refresh_from_db()
    assert token.last_used_at == first
    with time_machine.travel(first + timedelta(seconds=61)):
        find_token(secret)
    token.refresh_from_db()
    assert token.last_used_at - first >= timedelta(seconds=61)


@pytest.mark.parametrize(
    "wrong",
    [
        {"expires_at": timezone.now() + timedelta(days=400)},
        {"expires_at": timezone.now() - timedelta(days=1)},
        {"scopes": []},
        {"scopes": ["all"]},
    ],
    ids=["too long", "past", "no scope", "unknown scope"],
)
def test_the_database_refuses_it_too(people, wrong):
    token, _secret = make(people)
    for name, value in {"pk": None, "digest": "0" * 64, **wrong}.items():
        setattr(token, name, value)
    with pytest.raises(IntegrityError), transaction.atomic():
        token.save(force_insert=True)
