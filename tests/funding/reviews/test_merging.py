"""Ties of people to organisations when two records of one organisation become one."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from funding.models import Conflict
from funding.reviews import services
from incubator.organisations.services import merge_organisations
from park_portal.core.workflow import SYSTEM
from tests.factories.core import make_staff
from tests.factories.incubator import make_organisation
from tests.factories.reviews import make_expert

pytestmark = pytest.mark.django_db
SINCE = date(2024, 1, 1)


def tie(person, organisation, **values):
    return services.record_tie(
        person, actor=SYSTEM, **{"kind": "employer", "organisation": organisation, "since": SINCE, **values}
    )


def merge(loser, survivor):
    merge_organisations(loser, actor=make_staff(), into=survivor)
    connection.check_constraints()


def pair():
    return make_organisation(uscc=None), make_organisation()


def test_the_same_tie_to_both_becomes_one_and_others_go_along():
    person, (gone, kept) = make_expert(), pair()
    held, other = tie(person, kept), tie(make_expert(), gone)
    tie(person, gone)
    earlier = tie(person, gone, since=date(2020, 1, 1))
    shares = tie(person, gone, kind="shareholder")
    merge(gone, kept)
    assert set(Conflict.objects.values_list("pk", "organisation")) == {
        (one.pk, kept.pk) for one in (held, other, earlier, shares)
    }


@pytest.mark.parametrize("weaker_goes", [True, False], ids=["weaker goes", "weaker stays"])
def test_of_two_the_one_that_bars_most_is_left(weaker_goes):
    person, (gone, kept) = make_expert(), pair()
    strong, weak = (kept, gone) if weaker_goes else (gone, kept)
    stands, dismissed = tie(person, strong), tie(person, weak)
    services.dismiss_conflict(dismissed, actor=SYSTEM)
    merge(gone, kept)
    left = Conflict.objects.get()
    assert (left.pk, left.organisation_id, left.state) == (stands.pk, kept.pk, "standing")


def test_of_two_that_stand_the_one_that_counts_longer_is_left():
    person, (gone, kept) = make_expert(), pair()
    tie(person, kept, until=timezone.localdate() - timedelta(days=30))
    goes_on = tie(person, gone)
    merge(gone, kept)
    left = Conflict.objects.get()
    assert (left.pk, left.organisation_id, left.expires_on) == (goes_on.pk, kept.pk, None)
