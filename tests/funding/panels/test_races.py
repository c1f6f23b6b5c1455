"""Two people at the same moment, each on a connection of their own."""

from collections import Counter

import pytest

from funding.models import AgendaItem, Ballot, Review, Turnout
from funding.panels import services
from park_portal.core.errors import DomainError
from tests.factories.core import make_staff
from tests.factories.panels import chair_of, members_of, session, vote_all, voting_item
from tests.funding.reviews.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_chairs_calling_two_items_at_once_leave_one_on_the_table():
    meeting = session(items=2)
    one, two = meeting.items.order_by("position")
    officer = make_staff("officer")
    results = at_once(
        lambda: services.call_item(one, actor=chair_of(meeting)),
        lambda: services.call_item(two, actor=officer),
    )
    assert sorted(isinstance(result, AgendaItem) for result in results) == [False, True]
    (refused,) = (result for result in results if not isinstance(result, AgendaItem))
    assert refused.code == "other_item"
    assert Counter(meeting.items.values_list("state", flat=True)) == {"current": 1, "waiting": 1}


def test_two_chairs_closing_one_item_at_once_give_one_result():
    meeting = session(items=1)
    item = services.count_votes(vote_all(voting_item(meeting)), actor=chair_of(meeting))
    officer = make_staff("officer")
    results = at_once(
        lambda: services.conclude_item(item, actor=chair_of(meeting), opinion="fund", summary="支持。"),
        lambda: services.conclude_item(item, actor=officer, opinion="do_not_fund", summary="不支持。"),
    )
    assert sorted(isinstance(result, DomainError) for result in results) == [False, True]
    item.refresh_from_db()
    assert Review.objects.filter(run=item.run).count() == 1
    assert Review.objects.get(run=item.run).opinion == item.opinion


def test_one_ballot_sent_twice_at_once_counts_once():
    meeting = session(items=1, secret=True)
    item = voting_item(meeting)
    person = members_of(meeting)[1]
    results = at_once(*(lambda: services.cast_ballot(item, actor=person, score=70) for _twice in range(3)))
    assert sum(isinstance(result, AgendaItem) for result in results) == 1
    assert Turnout.objects.count() == Ballot.objects.count() == 1


def test_ballots_cast_while_the_vote_is_closed_are_in_or_refused():
    meeting = session(items=1, members=4, quorum=2)
    item = voting_item(meeting)
    chair, second, third, fourth, fifth = members_of(meeting)
    for person in (chair, second):
        services.cast_ballot(item, actor=person, score=50)
    results = at_once(
        lambda: services.count_votes(item, actor=chair),
        *(
            lambda person=person: services.cast_ballot(item, actor=person, score=90)
            for person in (third, fourth, fifth)
        ),
    )
    item.refresh_from_db()
    refused = [result for result in results if isinstance(result, DomainError)]
    assert item.state == "counted"
    assert {error.code for error in refused} <= {"not_voting"}
    assert Ballot.objects.count() == Turnout.objects.count() == 5 - len(refused)
    assert len(services.tally_of(item).ballots) == Ballot.objects.count()
