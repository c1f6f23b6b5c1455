"""Facts about a person: one query for all, as of the request; and rights, which come with roles alone."""

import datetime

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.utils import timezone

from funding.applications.rules import is_reviewer
from incubator.organisations.facts import belongs_to_any, is_liaison_today
from park_portal.core.accounts.facts import came_by_invitation
from park_portal.core.accounts.models import User
from park_portal.core.frame import unread_by
from park_portal.core.outbox.models import Delivery, Message
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import (
    make_liaison,
    make_organisation,
    make_project,
    make_project_member,
    make_university,
)
from tests.factories.reviews import make_expert

pytestmark = pytest.mark.django_db
FACTS = (is_reviewer, belongs_to_any, is_liaison_today, came_by_invitation, unread_by)


def facts_of(user):
    return [bool(ask(User.objects.get(pk=user.pk))) for ask in FACTS]


def test_each_fact_is_told_of_whom_it_is_true():
    assert facts_of(make_user()) == [False] * 5
    assert facts_of(make_expert()) == [True, False, False, False, False]
    liaison = make_liaison(make_user(), make_university())
    assert facts_of(liaison.user) == [False, False, True, False, False]
    owner, member = make_user(), make_user()
    make_organisation(owner=owner)
    make_project_member(make_project(), member)
    assert facts_of(owner) == facts_of(member) == [False, True, False, False, False]


def test_unread_notices_are_counted_for_their_reader_alone_and_no_further_than_is_shown():
    reader, other = make_user(), make_user()
    rows = [
        Delivery(
            message=Message.objects.create(topic="notify", key=str(number)),
            recipient=reader,
            kind="account.invitation",
            channel="inbox",
        )
        for number in range(102)
    ]
    Delivery.objects.bulk_create(rows)
    assert unread_by(User.objects.get(pk=other.pk)) == 0
    assert unread_by(User.objects.get(pk=reader.pk)) == 100
    Delivery.objects.exclude(pk__in=[row.pk for row in rows[:3]]).update(read_at=timezone.now())
    assert unread_by(User.objects.get(pk=reader.pk)) == 3


def test_an_appointment_counts_from_its_first_day_to_its_last(monkeypatch):
    today = timezone.localdate()
    liaison = make_liaison(make_user(), make_university(), starts_on=today, ends_on=today)
    for days, holds in ((-1, False), (0, True), (1, False)):
        day = today + datetime.timedelta(days=days)
        monkeypatch.setattr(timezone, "localdate", lambda *_args, day=day: day)
        assert facts_of(liaison.user)[2] is holds


def test_all_facts_cost_one_query_and_are_as_of_the_request(django_assert_num_queries):
    user = make_user()
    facts_of(user)
    asked = User.objects.get(pk=user.pk)
    with django_assert_num_queries(1):
        assert not any(ask(asked) for ask in FACTS)
    make_organisation(owner=user)
    with django_assert_num_queries(0):
        assert not belongs_to_any(asked)
    assert belongs_to_any(User.objects.get(pk=user.pk))


def test_nothing_is_true_of_who_is_not_signed_in_or_gone(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert not any(ask(AnonymousUser()) for ask in FACTS)
    assert not any(ask(User(pk=10**9, email="gone@example.com")) for ask in FACTS)


def test_a_group_gives_nothing_to_who_is_outside_the_staff():
    officer = make_staff()
    assert User.objects.get(pk=officer.pk).has_perm("funding.view_call")
    assert not User.objects.get(pk=officer.pk).has_perm("auth.delete_group")
    outside = make_user()
    outside.groups.add(Group.objects.get(name="officer"))
    outside = User.objects.get(pk=outside.pk)
    assert not outside.has_perm("funding.view_call")
    assert outside.get_all_permissions() == set()
    User.objects.filter(pk=officer.pk).update(is_active=False)
    assert not User.objects.get(pk=officer.pk).has_perm("funding.view_call")
