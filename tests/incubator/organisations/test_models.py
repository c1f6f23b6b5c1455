import datetime

import pytest
from django.db import IntegrityError, connection, transaction

from incubator.models import Liaison, Membership, Organisation
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import (
    make_code,
    make_faculty,
    make_liaison,
    make_organisation,
    make_university,
)

pytestmark = pytest.mark.django_db


def test_uscc_with_a_wrong_check_character_is_refused_by_the_database():
    code = make_code(77)
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    with pytest.raises(IntegrityError, match="wrong check character"), transaction.atomic():
        make_organisation(uscc=wrong)


@pytest.mark.parametrize("code", ["91310118MA1K3A1X2I", "123", "91310118ma1k3a1x2y "])
def test_uscc_with_other_characters_is_refused_by_the_database(code):
    with pytest.raises(IntegrityError, match="organisation_uscc_characters"), transaction.atomic():
        Organisation.objects.bulk_create([Organisation(name_zh_hans="甲", name="甲", uscc=code)])


def test_uscc_is_kept_once_and_in_capitals():
    organisation = make_organisation(uscc=make_code(5).lower())
    assert organisation.uscc == make_code(5)
    with pytest.raises(IntegrityError, match="organisation_uscc_once"), transaction.atomic():
        make_organisation(uscc=make_code(5))


def test_organisations_without_a_code_may_be_many():
    make_organisation(uscc=None)
    make_organisation(uscc=None)
    assert Organisation.objects.filter(uscc=None).count() == 2


@pytest.mark.parametrize("act", ["delete", "demote"])
def test_last_owner_is_kept_by_the_database(act):
    alice = make_user("Alice")
    organisation = make_organisation(owner=alice, editor=make_user("Bob"))
    owner = Membership.objects.filter(organisation=organisation, user=alice)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(IntegrityError, match="without an owner"), transaction.atomic():
        owner.delete() if act == "delete" else owner.update(role="viewer")


def test_owners_may_change_places_within_one_transaction():
    alice, bob = make_user("Alice"), make_user("Bob")
    organisation = make_organisation(owner=alice, editor=bob)
    with transaction.atomic():
        organisation.memberships.filter(user=alice).update(role="viewer")
        organisation.memberships.filter(user=bob).update(role="owner")
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert dict(organisation.memberships.values_list("user__name", "role")) == {
        "Alice": "viewer",
        "Bob": "owner",
    }


def test_visible_to_shows_members_theirs_and_everyone_the_universities():
    alice, bob, charlie, officer = make_user("Alice"), make_user("Bob"), make_user("Charlie"), make_staff()
    mine = make_organisation("甲公司", owner=alice, viewer=bob)
    other = make_organisation("乙公司", owner=charlie)
    university = make_university("复旦大学")

    def seen(user):
        return set(Organisation.objects.visible_to(user))

    assert seen(alice) == seen(bob) == {mine, university}
    assert seen(charlie) == {other, university}
    assert seen(officer) == {mine, other, university}


def test_liaison_for_user_counts_only_appointments_in_force_today():
    user = make_user("Liao")
    university = make_university()
    today = datetime.date.today()  # noqa: DTZ011 - compared with dates only
    day = datetime.timedelta(days=1)
    current = make_liaison(user, university)
    for fields in (
        {"ends_on": today - day, "starts_on": today - 9 * day},
        {"starts_on": today + 2 * day},
        {"active": False},
    ):
        make_liaison(user, make_university(), **fields)
    assert list(Liaison.objects.for_user(user)) == [current]


def test_liaison_for_place_finds_the_whole_university_and_the_faculty():
    university = make_university()
    biology, physics = make_faculty(university, "生命科学学院"), make_faculty(university, "物理学系")
    whole = make_liaison(make_user(), university)
    part = make_liaison(make_user(), university, biology)
    make_liaison(make_user(), university, physics)
    assert set(Liaison.objects.for_place(university.pk, biology.pk)) == {whole, part}
    assert set(Liaison.objects.for_place(university.pk)) == {whole}


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"district": "青浦区"}, True),
        ({"registered_address": "上海市青浦区崧泽大道1号"}, True),
        ({"district": "Qingpu"}, True),
        ({"district": "浦东新区"}, False),
        ({}, False),
    ],
)
def test_in_qingpu_goes_by_the_seat(fields, answer):
    assert make_organisation(**fields).in_qingpu is answer


def test_age_in_months_counts_whole_months():
    organisation = make_organisation(founded_on=datetime.date(2024, 3, 31))
    assert organisation.age_in_months(datetime.date(2026, 3, 30)) == 23
    assert organisation.age_in_months(datetime.date(2026, 3, 31)) == 24
