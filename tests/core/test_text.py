"""Text as people type it: what neither the database nor a reader can do with falls out."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from park_portal.core.text import clean
from tests.personas import PASSWORD


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("陆 青\u202e", "陆 青"),
        ("\u2067Ada\u2069 \u200fLovelace\u061c", "Ada Lovelace"),
        ("a\r\nb\rc\x0b", "a\nb\nc"),
        ("家庭 👨‍👩‍👧 𠮷", "家庭 👨‍👩‍👧 𠮷"),  # a joiner inside a sign is no direction
    ],
)
def test_what_turns_the_rest_of_a_line_falls_out(typed, kept):
    assert clean(typed) == kept


@pytest.mark.django_db
def test_a_name_given_at_sign_up_cannot_turn_the_lines_it_stands_in():
    form = {"name": "陆青\u202e", "email": "lu@people.example", "password1": PASSWORD, "password2": PASSWORD}
    Client().post("/accounts/signup/", form)
    assert EmailAddress.objects.get(email="lu@people.example").user.name == "陆青"
