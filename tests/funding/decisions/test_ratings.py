"""Scores become ratings by the call's method; the line, its ties and lots, and what is put on record of them."""

from __future__ import annotations

from hashlib import sha256

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from funding.decisions import services
from funding.decisions.services import Proposal, ranking, table_of
from funding.reviews.models import Calculation
from funding.reviews.services import assign_reviewer, ratings_of, save_review, submit_review
from park_portal.core.audit.models import Entry
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.workflow import SYSTEM
from tests.callers import Caller
from tests.factories.core import make_staff
from tests.factories.decisions import TEN_THOUSAND, decidable
from tests.factories.reviews import (
    fill_review,
    make_application,
    make_expert,
    make_review,
    make_review_call,
    run_of,
    submitted_review,
)

pytestmark = pytest.mark.django_db

# What each application is worth, and who reviews it; Ada marks three below the mark it deserves, two mark one above.
HANDS = {"Ada": -3, "Ben": 0, "Cai": 1, "Dai": 1}
WORTH = [(8, "Ada Ben Cai"), (7, "Ben Cai Dai"), (6, "Ada Cai Dai"), (5, "Ada Ben Dai"), (4, "Ada Ben Cai")]


@pytest.fixture(autouse=True)
def english():
    with override("en"):
        yield


@pytest.fixture
def officer():
    return make_staff("officer", name="Oscar")


@pytest.fixture
def staff(client, officer):
    client.force_login(officer)
    client.cookies["django_language"] = "en"
    return client


def call_by(scoring, **fields):
    return make_review_call(
        "expert",
        "decision",
        changes={"expert": {"required_count": 3}},
        **{"scoring": scoring, "budget_fen": 150 * TEN_THOUSAND, **fields},
    )


def scored(call, worth=WORTH):
    """Applications that wait for the decision, one for each line, at a million yuan."""
    experts = {name: make_expert(name) for name in HANDS}
    applications = []
    for mark, names in worth:
        application = decidable(call, marks=(), amount=100 * TEN_THOUSAND)
        for name in names.split():
            submitted_review(run_of(application), mark + HANDS[name], person=experts[name])
        application.refresh_from_db()
        applications.append(application)
    return applications


def tied_call(**fields):
    """A call at whose line the first two of three cannot be told apart."""
    call = call_by("mean", budget_fen=100 * TEN_THOUSAND, **fields)
    numbers = []
    for marks in ((9, 7, 8), (8, 9, 6), (1, 2, 0)):
        numbers.append(decidable(call, marks=marks, amount=100 * TEN_THOUSAND).number)
    return call, numbers[:2]


class TestOrder:
    def test_a_strict_reviewer_costs_nobody_their_place(self):
        call = call_by("calibrated")
        first, second, *others = scored(call)
        ranks = ranking(call)
        assert [rank.application for rank in ranks] == [first, second, *others]
        # The mean of the four hands, −0.25, is nobody's: it stays in every value.
        assert [rank.rating.value for rank in ranks] == pytest.approx([77.5, 67.5, 57.5, 47.5, 37.5])
        assert [rank.rating.plain for rank in ranks[:2]] == pytest.approx([73.3333, 76.6667], abs=1e-3)

    @pytest.mark.parametrize(
        ("method", "values"), [("mean", [76.6667, 73.3333]), ("median", [80, 80]), ("trimmed", [80, 80])]
    )
    def test_plain_methods_leave_it_in(self, method, values):
        call = call_by(method)
        first, second = scored(call, WORTH[:2])
        found = {rank.application: rank.rating.value for rank in ranking(call)}
        # Equal values: the higher lowest score comes first.
        assert list(found) == [second, first]
        assert list(found.values()) == pytest.approx(values, abs=1e-3)

    def test_what_is_not_submitted_does_not_count(self):
        call = call_by("mean", budget_fen=None)
        application = make_application(call)
        submitted_review(run_of(application), 6)
        assign_reviewer(run_of(application), make_expert("Late"), actor=SYSTEM)
        rating = ratings_of(call).applications[application.pk]
        assert (rating.value, rating.count, rating.error) == (60, 1, None)
        assert ratings_of(call_by("mean")).applications == {}

    def test_panel_counts_before_the_experts(self):
        call = make_review_call(
            "expert",
            "panel",
            "decision",
            changes={"expert": {"required_count": 1}, "panel": {"acts": "expert", "required_count": 2}},
        )
        application = make_application(call)
        submitted_review(run_of(application), 2)
        application.refresh_from_db()
        for mark in (7, 8):
            submitted_review(run_of(application), mark)
        assert ratings_of(call).applications[application.pk].value == 75
        assert {hand.reviews for hand in ratings_of(call).hands} == {1}

    @pytest.mark.parametrize(("confidence", "value"), [(1, 50), (2, 52.8571), (3, 55), (4, 55)])
    def test_doubtful_score_weighs_less_where_the_call_calibrates(self, confidence, value):
        """Nobody's hand differs: five applications of 40 from both, but for one 70 of who knows the field so."""
        call = make_review_call("expert", "decision", scoring="calibrated", budget_fen=None)
        one, other = make_expert("One"), make_expert("Other")
        applications = []
        for mark in (7, 4, 4, 4, 4):
            application = make_application(call)
            submitted_review(run_of(application), 4, person=one)
            review = fill_review(make_review(run_of(application), other, accepted=True), mark)
            if mark == 7:
                review = save_review(review, actor=other, revision=None, confidence=confidence)
            submit_review(review, actor=other, pledge=True)
            applications.append(application)
        ratings = ratings_of(call)
        assert {hand.severity for hand in ratings.hands} == {0}
        assert ratings.applications[applications[0].pk].value == pytest.approx(value, abs=1e-3)

    def test_thin_graph_keeps_the_mean_and_says_why(self, staff):
        call = call_by("calibrated")
        application = decidable(call, marks=(6, 7, 8))
        (rank,) = ranking(call)
        assert (rank.application, rank.rating.value, rank.rating.reason) == (
            application,
            70,
            "one_application",
        )
        page = staff.get(reverse("admin:funding_decision_ranking", args=[call.pk])).content.decode()
        assert "Not everything can be calibrated." in page
        assert "The reviewers of 1 application scored nothing else." in page
        assert "plain mean: too little in common" in page

    def test_groups_that_share_nobody_are_said_to_be_two(self, staff):
        call = call_by("calibrated")
        scored(call)
        address = reverse("admin:funding_decision_ranking", args=[call.pk])
        assert "groups that share no reviewer" not in staff.get(address).content.decode()
        scored(call)
        assert (
            "The applications fall into 2 groups that share no reviewer."
            in staff.get(address).content.decode()
        )


class TestHands:
    def test_each_reviewer_is_told_in_words(self):
        call = call_by("mean")
        scored(call)
        told = {hand.name: (hand.points, hand.words, hand.reviews) for hand in ratings_of(call).hands}
        assert told["Ada"][1:] == ("marks 27.5 points lower than others", 4)
        assert told["Cai"][1:] == ("marks 12.5 points higher than others", 4)
        assert told["Ben"][1:] == ("marks 2.5 points higher than others", 4)
        assert told["Ada"][0].startswith("−27.5 ± ")

    def test_nothing_is_said_of_those_who_cannot_be_compared(self):
        call = call_by("mean")
        decidable(call, marks=(6, 7, 8))
        assert {(hand.points, hand.words) for hand in ratings_of(call).hands} == {
            ("—", "too little in common with others to say")
        }


class TestLine:
    def test_chances_and_ties_at_the_budget_line(self):
        call, tied = tied_call()
        table = table_of(call)
        assert [rank.is_tied for rank in table.ranks] == [True, True, False]
        assert table.standing.numbers == tied
        chances = [rank.chance for rank in table.ranks]
        assert sum(chances) == pytest.approx(1)
        assert 0.5 < chances[0] < 0.75
        assert chances[2] < 0.01
        assert table.ranks[2].chance_text == "< 1 %"
        assert table_of(call).standing.chances == table.standing.chances

    def test_declined_ones_take_no_part(self, officer):
        call, _tied = tied_call()
        best = ranking(call)[0].application
        services.propose_decisions([Proposal(best, "decline")], actor=officer)
        table = table_of(call)
        assert [rank.chance is None for rank in table.ranks] == [True, False, False]
        assert table.standing.numbers == []

    def test_without_a_budget_there_is_no_line(self):
        call = call_by("mean", budget_fen=None)
        decidable(call, marks=(6, 7, 8))
        assert (table_of(call).standing.chances, table_of(call).standing.tied) == ({}, ())

    def test_table_takes_a_fixed_number_of_queries(self, django_assert_num_queries):
        call = call_by("calibrated")
        scored(call, WORTH[:1])
        with django_assert_num_queries(8):
            table_of(call)
        for application in scored(call, WORTH[1:3]):
            assert application.pk
        with django_assert_num_queries(8):
            table_of(call)


class TestRecord:
    def test_kept_once_with_method_seed_and_fingerprint(self, officer):
        call, tied = tied_call()
        rating, chances = services.record_ranking(call, actor=officer)
        assert (rating.kind, rating.method, rating.seed) == ("rating", "mean", "")
        assert (chances.kind, chances.seed) == ("chances", call.code)
        assert rating.result["values"][tied[0]] == 80
        assert chances.result["cannot_be_told_apart"] == tied
        assert chances.parameters["budget_fen"] == 100 * TEN_THOUSAND
        assert services.record_ranking(call, actor=officer) == [rating, chances]
        assert Entry.objects.filter(action="calculation.keep").count() == 2

    def test_other_scores_or_amounts_are_another_record(self, officer):
        call, _tied = tied_call()
        rating, chances = services.record_ranking(call, actor=officer)
        best = ranking(call)[0].application
        services.propose_decisions(
            [Proposal(best, "approve", amount_fen=50 * TEN_THOUSAND, amount_reason="压缩设备费。")],
            actor=officer,
        )
        again = services.record_ranking(call, actor=officer)
        assert again[0] == rating
        assert again[1] != chances

    def test_nothing_to_record(self, officer):
        with pytest.raises(DomainError, match="no score yet"):
            services.record_ranking(call_by("mean"), actor=officer)

    def test_those_who_only_look_put_nothing_on_record(self):
        auditor = make_staff("auditor")
        call, _tied = tied_call()
        for act, values in (
            (services.record_ranking, {}),
            (services.announce_lottery, {"source": "x"}),
            (services.draw_lottery, {"seed": "x"}),
        ):
            with pytest.raises(Forbidden):
                act(call, actor=auditor, **values)
        assert Calculation.objects.count() == 0


class TestLottery:
    def test_announced_then_drawn_and_anyone_can_repeat_it(self, officer):
        call, tied = tied_call()
        held = services.announce_lottery(call, actor=officer, source="SSE close on 1 December")
        assert (held.numbers, held.source, held.drawn, held.order) == (
            sorted(tied),
            "SSE close on 1 December",
            None,
            [],
        )
        drawn = services.draw_lottery(call, actor=officer, seed="3401.25")
        assert drawn.order == sorted(tied, key=lambda n: sha256(f"3401.25|{n}".encode()).hexdigest())
        assert services.lottery_of(call).order == drawn.order
        assert drawn.commands == [f"printf %s '3401.25|{number}' | sha256sum" for number in sorted(tied)]
        assert drawn.drawn.parameters == {"announced": held.announced.pk, "numbers": sorted(tied)}

    def test_second_click_draws_nothing(self, officer):
        call, _tied = tied_call()
        services.announce_lottery(call, actor=officer, source="SSE")
        for again in ("SSE", "another"):
            with pytest.raises(DomainError, match="announced already"):
                services.announce_lottery(call, actor=officer, source=again)
        services.draw_lottery(call, actor=officer, seed="1")
        with pytest.raises(DomainError, match="drawn already"):
            services.draw_lottery(call, actor=officer, seed="2")
        with pytest.raises(DomainError, match="drawn already"):
            services.announce_lottery(call, actor=officer, source="SSE")
        assert Calculation.objects.filter(kind="lottery").count() == 2

    def test_no_seed_before_the_announcement_and_none_that_is_empty(self, officer):
        call, _tied = tied_call()
        with pytest.raises(DomainError, match="Announce the lottery first"):
            services.draw_lottery(call, actor=officer, seed="1")
        with pytest.raises(DomainError, match="where the seed will come from"):
            services.announce_lottery(call, actor=officer, source=" ")
        services.announce_lottery(call, actor=officer, source="SSE")
        for seed in (" ", "9" * 65):
            with pytest.raises(DomainError, match="between 1 and 64"):
                services.draw_lottery(call, actor=officer, seed=seed)

    def test_who_takes_part_cannot_change_after_the_announcement(self, officer):
        call, tied = tied_call()
        services.announce_lottery(call, actor=officer, source="SSE")
        loser = next(rank.application for rank in ranking(call) if rank.application.number == tied[1])
        services.propose_decisions([Proposal(loser, "decline")], actor=officer)
        with pytest.raises(DomainError, match="nothing to draw lots for"):
            services.draw_lottery(call, actor=officer, seed="1")
        decidable(call, marks=(8, 8, 7), amount=100 * TEN_THOUSAND)
        with pytest.raises(DomainError, match="Announce anew"):
            services.draw_lottery(call, actor=officer, seed="1")
        services.announce_lottery(call, actor=officer, source="SSE, a day later")
        assert len(services.draw_lottery(call, actor=officer, seed="1").order) == 2

    def test_clear_line_needs_none(self, officer):
        call = call_by("mean", budget_fen=100 * TEN_THOUSAND)
        for marks in ((9, 9, 9), (2, 2, 3)):
            decidable(call, marks=marks, amount=100 * TEN_THOUSAND)
        with pytest.raises(DomainError, match="nothing to draw lots for"):
            services.announce_lottery(call, actor=officer, source="SSE")


class TestPages:
    def test_table_names_the_method_and_the_ties(self, staff):
        call, _tied = tied_call()
        page = staff.get(reverse("admin:funding_decision_ranking", args=[call.pk])).content.decode()
        assert "Plain mean." in page
        assert "These 2 at the line cannot be told apart:" in page
        assert "above the line: &lt; 1 %" in page
        assert "How each reviewer marks" in page
        assert f"The seed of the random numbers is “{call.code}”" in page

    def test_calibrated_table_shows_the_plain_mean_beside(self, staff):
        call = call_by("calibrated")
        scored(call)
        page = staff.get(reverse("admin:funding_decision_ranking", args=[call.pk])).content.decode()
        assert "plain mean 73.3" in page
        assert "marks 27.5 points lower than others" in page

    def test_lots_from_announcement_to_result(self, staff):
        call, _tied = tied_call()
        address = reverse("admin:funding_decision_record", args=[call.pk])
        assert "Nothing of this call is on record yet." in staff.get(address).content.decode()
        assert staff.post(address, {"do": "record"}).status_code == 302
        assert staff.post(address, {"do": "announce", "source": ""}).status_code == 422
        assert staff.post(address, {"do": "announce", "source": "SSE on 1 December"}).status_code == 302
        assert "SSE on 1 December" in staff.get(address).content.decode()
        assert staff.post(address, {"do": "draw", "seed": "3401.25"}).status_code == 302
        page = staff.get(address).content.decode()
        lots = services.lottery_of(call).lots
        assert [f"<strong>{number}</strong> <code>{lot[:16]}…" in page for number, lot in lots] == [
            True,
            True,
        ]
        assert "printf %s &#x27;3401.25|" in page
        refused = staff.post(address, {"do": "draw", "seed": "1"})
        assert "Lots among these were drawn already." in refused.content.decode()

    def test_record_page_is_the_staffs(self, officer):
        call, _tied = tied_call()
        address = reverse("admin:funding_decision_record", args=[call.pk])
        auditor, stranger = Client(), Client()
        auditor.force_login(make_staff("auditor"))
        assert auditor.get(address).status_code == 200
        assert 'name="do"' not in auditor.get(address).content.decode()
        auditor.post(address, {"do": "record"})
        assert Calculation.objects.count() == 0
        stranger.force_login(make_expert())
        assert stranger.get(address).status_code in (302, 403)


class TestProgram:
    def test_program_reads_and_does_what_the_pages_do(self):
        call, tied = tied_call()
        program = Caller(make_staff("officer"))
        told = program.get(f"/rankings/{call.code}/").json()
        assert (told["scoring"], told["seed"], told["draws"]) == ("mean", call.code, 10_000)
        assert [one["value"] for one in told["results"]] == pytest.approx([80, 76.6667, 10], abs=1e-3)
        assert [one["tied"] for one in told["results"]] == [True, True, False]
        assert told["results"][0]["low"] < 80 < told["results"][0]["high"]
        assert sum(one["chance"] for one in told["results"]) == pytest.approx(1)
        assert len(told["reviewers"]) == 9
        assert {one["reason"] for one in told["components"]} == {"one_application"}
        assert told["lottery"] is None
        kept = program.post(f"/rankings/{call.code}/record/").json()["calculations"]
        assert program.get(f"/calculations/{kept[0]}/").json()["method"] == "mean"
        made = program.post(f"/rankings/{call.code}/announce-lottery/", {"seed_from": "SSE"}).json()
        assert (made["numbers"], made["seed_from"], made["order"]) == (sorted(tied), "SSE", [])
        assert program.post(f"/rankings/{call.code}/draw-lottery/", {"seed": ""}).status_code == 400
        drawn = program.post(f"/rankings/{call.code}/draw-lottery/", {"seed": "1"}).json()
        assert sorted(drawn["order"]) == sorted(tied)
        assert program.get(f"/rankings/{call.code}/").json()["lottery"] == drawn

    def test_those_who_only_look_do_nothing(self):
        call, _tied = tied_call()
        auditor = Caller(make_staff("auditor"))
        for act, body in (
            ("record", {}),
            ("announce-lottery", {"seed_from": "x"}),
            ("draw-lottery", {"seed": "1"}),
        ):
            assert auditor.post(f"/rankings/{call.code}/{act}/", body).status_code == 403
        assert Calculation.objects.count() == 0
