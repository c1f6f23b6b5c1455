"""Which passwords are taken: long, of any signs, and none that is tried first."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import CommonPasswordValidator, get_default_password_validators
from django.core.exceptions import ValidationError
from django.test import Client

from park_portal.core.accounts.models import User
from park_portal.core.accounts.passwords import WORDS, ParkWordsValidator
from tests.core.accounts.test_sessions import in_as, known
from tests.personas import PASSWORD


def codes(password: str, user: User | None = None) -> set[str]:
    found = set()
    for validator in get_default_password_validators():
        try:
            validator.validate(password, user)
        except ValidationError as error:
            found.add(error.code)
    return found


@pytest.mark.parametrize(
    ("password", "wanted"),
    [
        ("nine-sign", {"password_too_short"}),
        ("1029384756", {"password_too_common", "password_entirely_numeric"}),
        ("Qwertyuiop", {"password_too_common"}),
        ("qingpu-2026!", {"password_of_the_park"}),
        ("FudanPark2026", {"password_of_the_park"}),
        ("青浦复旦科技园2026", {"password_of_the_park"}),
        ("青浦的春天来得早2026", set()),
        ("fudan meets the heron", set()),
        ("lower case only and spaces", set()),
        ("😀" * 10, set()),
        ("x1 " * 40, set()),
    ],
)
def test_what_is_tried_first_is_refused_and_any_signs_are_taken(password, wanted):
    assert codes(password) == wanted


def test_the_list_has_the_most_common_ones_of_ten_characters_and_more():
    [common] = [one for one in get_default_password_validators() if isinstance(one, CommonPasswordValidator)]
    assert len([one for one in common.passwords if len(one) >= 10]) > 20_000


@pytest.mark.parametrize("word", WORDS)
def test_no_word_of_the_park_is_a_password_with_a_year_behind_it(word):
    with pytest.raises(ValidationError):
        ParkWordsValidator().validate(f"{word.title()}@2026-2027")


def test_neither_is_ones_own_name_address_or_number():
    user = User(name="Shen Jianing", email="jianing@chengguang.example", phone="13812345678")
    for password in ("ShenJianing9", "jianing@chengguang", "13812345678x"):
        assert codes(password, user) == {"password_too_similar"}


@pytest.mark.django_db
def test_at_the_door_a_new_password_is_held_to_it_and_kept_as_it_was_typed():
    user = known()
    client = in_as(user)
    old = User.objects.get(pk=user.pk).password
    form = {"oldpassword": PASSWORD, "password1": "qingpu-2026!", "password2": "qingpu-2026!"}
    assert "容易被猜中" in client.post("/accounts/password/change/", form).content.decode()
    assert User.objects.get(pk=user.pk).password == old
    # Nobody is let in with a wrong old one, and what was typed is neither cut nor changed.
    typed = "  Two Cranes, Four Ponds  " * 4
    form |= {"password1": typed, "password2": typed}
    client.post("/accounts/password/change/", form | {"oldpassword": "not the old one"})
    assert User.objects.get(pk=user.pk).password == old
    assert client.post("/accounts/password/change/", form).status_code == 302
    assert User.objects.get(pk=user.pk).check_password(typed)
    assert EmailAddress.objects.filter(user=user, verified=True).exists()
    for other, opens in ((typed.strip(), False), (typed.lower(), False), (typed[:64], False), (typed, True)):
        fresh = Client()
        fresh.post("/accounts/login/", {"login": user.email, "password": other})
        assert ("_auth_user_id" in fresh.session) is opens
