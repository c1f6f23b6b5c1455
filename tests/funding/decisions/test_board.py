"""The board: order by hand, partial awards, the reserve list, the budget."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from funding.awards.services import lapse_award
from funding.decisions import services
from funding.decisions.models import Decision, Placement
from funding.decisions.order import arranged, moved, typed
from park_portal.core.audit.models import Entry
from park_portal.core.errors import Conflict, DomainError, Forbidden
from park_portal.core.workflow import SYSTEM
from tests.factories.core import make_staff
from tests.factories.decisions import TEN_THOUSAND, decidable
from tests.factories.reviews import make_application, make_review_call

pytestmark = pytest.mark.django_db

WAN = TEN_THOUSAND


def order_of(call):
    return [rank.application.title for rank in services.ranking(call)]


@pytest.fixture
def call():
    return make_review_call("expert", "decision", budget_fen=250 * WAN)


@pytest.fixture
def four(call):
    """Four applications, best first, each asking for a million yuan."""
    return [
        decidable(call, marks=(mark, mark), title=title, amount=100 * WAN)
        for title, mark in (("a", 9), ("b", 8), ("c", 7), ("d", 6))
    ]


@pytest.fixture
def officer():
    return make_staff("officer")


def place(call, titles, officer, reason="会议意见", seen=None):
    keys = {rank.application.title: rank.application.pk for rank in services.ranking(call)}
    return services.place_applications(
        call, [keys[title] for title in titles], actor=officer, reason=reason, seen=seen
    )


def release(decisions, actor):
    for letter in services.write_letters(decisions, actor=actor):
        services.check_letter(letter, actor=actor)
    return services.release_decisions(decisions, actor=actor)


# --- the order -----------------------------------------------------------------------------------------------------


def test_an_order_is_kept_as_the_fewest_places():
    assert moved([1, 2, 3, 4], [4, 1, 2, 3]) == {4: 1}
    assert moved([1, 2, 3, 4], [1, 2, 3, 4]) == {}
    assert moved([1, 2], [2, 1], placed={1}) == {1: 2}
    assert moved([1, 2], [2, 1], placed={2}) == {2: 1}
    assert arranged([1, 2, 3, 4], {4: 1, 1: 9}) == [4, 2, 3, 1]
    with pytest.raises(ValueError, match="other members"):
        moved([1, 2], [1])


def test_typed_places_move_only_what_was_typed():
    assert typed([10, 20, 30], {10: 1, 20: 2, 30: 1}) == [30, 10, 20]
    assert typed([10, 20, 30], {30: 1}) == [30, 10, 20]
    assert typed([10, 20, 30], {10: 3, 20: 1, 30: 2}) == [20, 30, 10]


def test_the_order_by_hand_is_kept_with_who_when_and_why(call, four, officer):
    (placed,) = place(call, "dabc", officer)
    assert order_of(call) == ["d", "a", "b", "c"]
    assert (placed.application, placed.place, placed.reason, placed.placed_by) == (
        four[3],
        1,
        "会议意见",
        officer,
    )
    rank = services.ranking(call)[0]
    assert (rank.place, rank.computed_place, rank.placement) == (1, 4, placed)
    # One more above it: it makes room and keeps its own reason.
    place(call, "bdac", make_staff("lead"), reason="补充材料后更强")
    assert list(Placement.objects.order_by("place").values_list("application__title", "place", "reason")) == [
        ("b", 1, "补充材料后更强"),
        ("d", 2, "会议意见"),
    ]
    assert Entry.objects.filter(action="ranking.place").count() == 2


def test_an_order_needs_a_reason_and_the_computed_one_none(call, four, officer):
    with pytest.raises(DomainError) as refused:
        place(call, "bacd", officer, reason=" ")
    assert (refused.value.code, refused.value.field) == ("reason", "order_reason")
    place(call, "bacd", officer)
    assert place(call, "abcd", officer, reason="") == []
    assert order_of(call) == ["a", "b", "c", "d"]
    assert not Placement.objects.exists()


def test_the_second_of_two_does_not_overwrite_the_first(call, four, officer):
    seen = services.mark_of(services.ranking(call))
    place(call, "dabc", officer, seen=seen)
    with pytest.raises(Conflict) as refused:
        place(call, "bacd", make_staff("lead"), seen=seen)
    assert officer.name in str(refused.value)
    assert place(call, "dabc", officer, seen=seen)[0].place == 1  # a second click
    with pytest.raises(Conflict):
        services.reset_order(call, actor=officer, seen=seen)
    assert services.reset_order(call, actor=officer) == 1
    assert services.reset_order(call, actor=officer) == 0
    assert order_of(call) == ["a", "b", "c", "d"]


def test_who_came_since_stands_where_its_rating_puts_it(call, four, officer):
    place(call, "dabc", officer)
    decidable(call, marks=(10, 10), title="e", amount=WAN)
    assert order_of(call) == ["d", "e", "a", "b", "c"]
    with pytest.raises(Conflict):
        services.place_applications(call, [one.pk for one in four], actor=officer, reason="x")


def test_only_those_who_decide_order(call, four):
    for role in ("finance", "auditor"):
        with pytest.raises(Forbidden):
            place(call, "dabc", make_staff(role))


# --- partial awards and the line ------------------------------------------------------------------------------------


def test_less_than_asked_for_needs_a_reason_and_shows_its_share(call, four, officer):
    less = services.Proposal(four[0], "approve", amount_fen=75 * WAN)
    with pytest.raises(DomainError) as refused:
        services.propose_decisions([less], actor=officer)
    assert refused.value.problems[0].anchor == f"application-{four[0].pk}"
    (kept,) = services.propose_decisions(
        [services.Proposal(four[0], "approve", amount_fen=75 * WAN, amount_reason="设备费核减")],
        actor=officer,
    )
    assert kept.amount_reason == "设备费核减"
    assert services.ranking(call)[0].share == 75
    (whole,) = services.propose_decisions(
        [services.Proposal(four[0], "approve", amount_fen=100 * WAN, amount_reason="多余")], actor=officer
    )
    assert whole.amount_reason == ""


def test_the_line_follows_the_amounts_chosen(call, four):
    ranks = services.ranking(call)
    assert [rank.crosses_line for rank in ranks] == [False, False, True, False]
    chosen = {four[0].pk: ("approve", 50 * WAN), four[1].pk: ("decline", None)}
    services.draw_line(ranks, call.budget_fen, chosen)
    assert [rank.cumulative_fen // WAN for rank in ranks] == [50, 50, 150, 250]
    assert not any(rank.crosses_line for rank in ranks)


# --- the budget -----------------------------------------------------------------------------------------------------


def approve(applications, officer, amount=100 * WAN):
    return services.propose_decisions(
        [services.Proposal(one, "approve", amount_fen=amount) for one in applications], actor=officer
    )


def test_more_than_the_budget_is_not_released_until_the_budget_is_changed(call, four, officer):
    lead = make_staff("lead")
    decisions = approve(four[:3], officer)
    assert services.budget_of(call).over == 50 * WAN
    with pytest.raises(DomainError) as refused:
        release(decisions, lead)
    assert refused.value.code == "over_budget"
    assert not Decision.objects.filter(state="released").exists()
    with pytest.raises(Forbidden):
        services.change_budget(call, actor=officer, budget_fen=300 * WAN, reason="追加")
    with pytest.raises(DomainError):
        services.change_budget(call, actor=lead, budget_fen=300 * WAN, reason=" ")
    services.change_budget(call, actor=lead, budget_fen=300 * WAN, reason="区级财政追加")
    assert len(services.release_decisions(decisions, actor=lead)) == 3
    with pytest.raises(DomainError) as refused:
        services.change_budget(call, actor=lead, budget_fen=299 * WAN, reason="x")
    assert refused.value.code == "below_granted"
    with pytest.raises(IntegrityError), transaction.atomic():
        type(call).objects.filter(pk=call.pk).update(budget_fen=299 * WAN)


def test_the_database_refuses_what_the_budget_does_not_cover(call, four, officer):
    decisions = approve(four[:3], officer)
    released = Decision.objects.filter(pk__in=[one.pk for one in decisions])
    with pytest.raises(IntegrityError), transaction.atomic():
        released.update(state="released", released_at=decisions[0].decided_at)
    released.filter(application__in=four[:2]).update(state="released", released_at=decisions[0].decided_at)


# --- the reserve list -----------------------------------------------------------------------------------------------


def reserve(applications, officer, **places):
    return services.propose_decisions(
        [services.Proposal(one, "reserve", reserve_place=places.get(one.title)) for one in applications],
        actor=officer,
    )


def places(call):
    return dict(
        Decision.objects.filter(application__call=call, verdict="reserve").values_list(
            "application__title", "reserve_place"
        )
    )


def test_reserves_stand_in_an_order_of_their_own(call, four, officer):
    reserve(four[1:], officer)
    assert places(call) == {"b": 1, "c": 2, "d": 3}
    reserve([four[3]], officer, d=1)
    assert places(call) == {"d": 1, "b": 2, "c": 3}
    approve([four[1]], officer)
    assert places(call) == {"d": 1, "c": 2}
    services.drop_decision(Decision.objects.get(application=four[3]), actor=officer)
    assert places(call) == {"c": 1}


def test_reserves_are_promoted_in_their_order_within_the_budget(call, four, officer):
    lead = make_staff("lead")
    decisions = approve(four[:2], officer) + reserve(four[2:], officer, d=1)
    release(decisions, lead)
    with pytest.raises(DomainError) as refused:
        services.promote_reserve(call, actor=officer)
    assert refused.value.code == "over_budget"
    with pytest.raises(DomainError) as refused:
        approve([four[2]], officer)
    assert refused.value.problems[0].anchor == f"application-{four[2].pk}"
    lapse_award(four[0].award, actor=SYSTEM, reason="未签约")
    with pytest.raises(Conflict):
        services.promote_reserve(call, actor=officer, seen=four[2].pk)
    promoted = services.promote_reserve(call, actor=officer, seen=four[3].pk)
    assert (promoted.application, promoted.amount_fen, promoted.state) == (four[3], 100 * WAN, "pending")
    with pytest.raises(DomainError) as refused:  # the rest does not reach for the second
        services.promote_reserve(call, actor=officer)
    assert refused.value.code == "over_budget"
    second = services.promote_reserve(call, actor=officer, amount_fen=50 * WAN, amount_reason="经费余额")
    release([promoted, second], lead)
    four[3].refresh_from_db()
    assert four[3].state == "approved"
    with pytest.raises(DomainError) as refused:
        services.promote_reserve(call, actor=officer)
    assert refused.value.code == "no_reserve"
    connection.check_constraints()


@pytest.mark.django_db(transaction=True)
def test_two_order_at_once_and_one_is_told():
    call = make_review_call("decision")
    pair = [make_application(call, title=title) for title in "ab"]
    people = [make_staff("officer"), make_staff("lead")]
    seen = services.mark_of(services.ranking(call))
    third = make_application(call, title="c")
    seen = services.mark_of(services.ranking(call))
    keys = [pair[0].pk, pair[1].pk, third.pk]
    wanted = [[keys[1], keys[0], keys[2]], [keys[2], keys[0], keys[1]]]
    told, gate = [], threading.Barrier(2)

    def go(index):
        gate.wait()
        try:
            services.place_applications(call, wanted[index], actor=people[index], reason="x", seen=seen)
            told.append("kept")
        except Conflict:
            told.append("told")
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=(index,)) for index in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["kept", "told"]
    assert [rank.application.pk for rank in services.ranking(call)] in wanted


# --- the page -------------------------------------------------------------------------------------------------------


def board(call):
    return reverse("admin:funding_decision_ranking", args=[call.pk])


def as_shown(response):
    """What a browser would send back from the board as it stands."""
    rows = response.context["rows"]
    sent = {
        row["form"][name].html_name: "" if (value := row["form"][name].value()) is None else value
        for row in rows
        for name in row["form"].fields
    }
    places = {f"place{row['rank'].application.pk}": row["place"] for row in rows}
    return {**sent, **places, "order_seen": response.context["mark"], "order_reason": ""}


def test_a_place_is_typed_with_a_reason_and_taken_back(call, four, officer, client):
    client.force_login(officer)
    sent = as_shown(client.get(board(call)))
    typed_first = {**sent, f"place{four[3].pk}": "1"}
    answer = client.post(board(call), typed_first)
    assert answer.status_code == 200
    assert [row["rank"].application.title for row in answer.context["rows"]] == ["d", "a", "b", "c"]
    assert not Placement.objects.exists()
    assert 'id="order_error"' in answer.content.decode()  # beside the field that lacks it
    assert client.post(board(call), {**typed_first, "order_reason": "会议意见"}).status_code == 302
    assert order_of(call) == ["d", "a", "b", "c"]
    page = client.get(board(call))
    assert "会议意见" in page.content.decode()
    # Someone who still reads the old order is told.
    stale = client.post(board(call), {**sent, f"place{four[1].pk}": "1", "order_reason": "x"})
    assert stale.status_code == 200
    assert order_of(call) == ["d", "a", "b", "c"]
    again = {**as_shown(page), "reset": "1"}
    assert client.post(board(call), again).status_code == 302
    assert order_of(call) == ["a", "b", "c", "d"]


def test_the_line_is_drawn_without_storing(call, four, officer, client):
    client.force_login(officer)
    sent = as_shown(client.get(board(call)))
    sent |= {
        f"row{four[0].pk}-verdict": "approve",
        f"row{four[0].pk}-amount": "50万元",
        f"place{four[3].pk}": "2",
        "preview": "1",
    }
    answer = client.post(board(call), sent)
    ranks = [row["rank"] for row in answer.context["rows"]]
    assert [rank.application.title for rank in ranks] == ["a", "d", "b", "c"]
    assert [rank.cumulative_fen // WAN for rank in ranks] == [50, 150, 250, 350]
    assert not Decision.objects.exists()
    assert not Placement.objects.exists()


def test_order_and_verdicts_are_kept_together_or_not_at_all(call, four, officer, client):
    client.force_login(officer)
    sent = as_shown(client.get(board(call)))
    sent |= {
        f"row{four[0].pk}-verdict": "approve",
        f"row{four[0].pk}-amount": "50万元",
        f"place{four[3].pk}": "1",
        "order_reason": "会议意见",
    }
    assert client.post(board(call), sent).status_code == 200  # less than asked for, no reason
    assert not Placement.objects.exists()
    sent[f"row{four[0].pk}-amount_reason"] = "设备费核减"
    sent |= {f"row{four[1].pk}-verdict": "reserve", f"row{four[2].pk}-verdict": "reserve"}
    sent |= {f"row{four[2].pk}-reserve_place": "1", f"row{four[1].pk}-reserve_place": "2"}
    assert client.post(board(call), sent).status_code == 302
    assert order_of(call) == ["d", "a", "b", "c"]
    assert places(call) == {"c": 1, "b": 2}
    assert Decision.objects.get(verdict="approve").amount_reason == "设备费核减"
    assert "50 %" in client.get(board(call)).content.decode()


def test_the_budget_is_changed_by_the_lead_alone(call, four, officer, client):
    address = reverse("admin:funding_decision_budget", args=[call.pk])
    client.force_login(officer)
    assert client.get(address).status_code == 403
    client.force_login(make_staff("lead"))
    assert client.post(address, {"budget_fen": "3000000", "reason": ""}).status_code == 422
    assert client.post(address, {"budget_fen": "3000000", "reason": "追加"}).status_code == 302
    call.refresh_from_db()
    assert call.budget_fen == 300 * WAN


def test_the_first_reserve_is_promoted_from_its_page(call, four, officer, client):
    lead = make_staff("lead")
    client.force_login(officer)
    address = reverse("admin:funding_decision_promote", args=[call.pk])
    assert client.get(address).context["form"] is None
    release(reserve(four[:2], officer), lead)
    form = client.get(address).context["form"].initial
    assert form == {"seen": four[0].pk, "amount_fen": 100 * WAN}
    sent = {"seen": four[0].pk, "amount_fen": "80万元", "amount_reason": ""}
    assert client.post(address, sent).status_code == 422
    assert client.post(address, {**sent, "amount_reason": "余额"}).status_code == 302
    assert client.post(address, {**sent, "amount_reason": "余额"}).status_code == 422  # a second click
    assert Decision.objects.get(state="pending").amount_fen == 80 * WAN
