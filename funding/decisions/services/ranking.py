"""The ranked table."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, Sum

from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.awards.states import AwardState
from funding.calls.models import Call
from funding.calls.states import StageKind
from funding.decisions.models import Decision, Letter, Placement
from funding.decisions.order import arranged
from funding.decisions.states import DecisionState, Verdict
from funding.reviews.models import NoticeLine, Review
from funding.reviews.services import Rating, Ratings, Summary, ratings_of, summaries_of
from funding.reviews.states import ReviewState
from park_portal.core.errors import Text

# Those that wait for a verdict: their call's public notice, where there is one, is of what is proposed.
ON_THE_BOARD = (StageKind.NOTICE, StageKind.DECISION)


@dataclass
class Rank:
    """One line of the ranked table. Amounts in fen; ``cumulative`` is the sum asked for down to this line."""

    place: int
    application: Application
    summary: Summary | None
    reviews: list[Review]
    pending: Decision | None
    released: Decision | None
    amount_fen: int
    cumulative_fen: int
    within_budget: bool
    crosses_line: bool = False
    rating: Rating | None = None
    # Where the line's chances and ties were worked out (``standing.py``).
    chance: float | None = None
    is_tied: bool = False
    # The place by the ratings alone, and what staff did to it by hand.
    computed_place: int = 0
    placement: Placement | None = None
    # The newest line of a public notice, whether it stands or not.
    notice_line: NoticeLine | None = None
    # Why the line is closed to whoever looks.
    closed: Text = ""

    def close(self, reason: Text) -> None:
        """Take away what nobody with a conflict of interest sees: reviews, scores, and verdicts before their release."""
        self.closed, self.reviews, self.summary, self.rating, self.chance = reason, [], None, None, None
        self.pending, self.placement, self.is_tied = None, None, False

    @property
    def counts(self) -> bool:
        """Whether its amount is part of the running total: those declined or in reserve are not."""
        return self.decision is None or self.decision.verdict == Verdict.APPROVE

    @property
    def share(self) -> int | None:
        """What is granted of what was asked for, in per cent, rounded down; None without both."""
        decision, asked = self.decision, self.application.amount_fen
        if decision is None or not decision.amount_fen or not asked:
            return None
        return decision.amount_fen * 100 // asked

    @property
    def decision(self) -> Decision | None:
        return self.pending or self.released

    @property
    def chance_text(self) -> str:
        """The chance of standing above the line, in per cent; nobody is certain."""
        if self.chance is None:
            return ""
        if self.chance < 0.01:
            return "< 1 %"
        return "> 99 %" if self.chance > 0.99 else f"{self.chance:.0%}".replace("%", " %")

    @property
    def letter(self) -> Letter | None:
        return getattr(self.decision, "letter", None)

    @property
    def scored(self) -> list[Review]:
        """The experts' reviews."""
        return [review for review in self.reviews if review.run.stage.kind == StageKind.EXPERT]

    @property
    def opinions(self) -> list[tuple[str, int]]:
        """What the experts recommend, with how many do, most first."""
        return Counter(str(review.get_opinion_display()) for review in self.scored).most_common()

    @property
    def others(self) -> list[Review]:
        """What was said in the other stages: the screening's pass, a liaison's or the panel's word."""
        return [review for review in self.reviews if review.run.stage.kind != StageKind.EXPERT]


def ranking(call: Call, ratings: Ratings | None = None) -> list[Rank]:
    """Return the applications of ``call`` that await or have a decision, best first, in a fixed number of queries.

    Order: value by the call's method (``ratings``, where they are at hand), then the higher lowest score, then the
    earlier submission. The budget line falls after the last application whose amount (granted where decided, else asked
    for) still fits, counted down the table; declined ones do not count.
    """
    ratings = ratings or ratings_of(call)
    applications = list(
        Application.objects.filter(call=call)
        .filter(state__in=[ApplicationState.RESERVED, ApplicationState.APPROVED, ApplicationState.DECLINED])
        .select_related("call", "organisation", "project__university", "project__faculty", "current_stage")
    ) + list(
        Application.objects.filter(
            call=call, state=ApplicationState.IN_REVIEW, current_stage__kind__in=ON_THE_BOARD
        ).select_related("call", "organisation", "project__university", "project__faculty", "current_stage")
    )
    ids = [application.pk for application in applications]
    summaries = summaries_of(applications)
    decisions: dict[int, dict[str, Decision]] = {}
    for one in (
        Decision.objects.filter(application__in=ids).select_related("letter", "decided_by").order_by("id")
    ):
        decisions.setdefault(one.application_id, {})[one.state] = one
    reviews: dict[int, list[Review]] = {}
    for review in (
        Review.objects.filter(application__in=ids, state=ReviewState.SUBMITTED)
        .select_related("reviewer", "run__stage")
        .order_by("run__stage__position", "id")
    ):
        reviews.setdefault(review.application_id, []).append(review)

    def order(application: Application) -> tuple[Any, ...]:
        rating = ratings.applications.get(application.pk)
        if rating is None:
            return (1, 0, 0, application.submitted_at)
        lowest = summaries[application.pk].lowest
        return (0, -round(rating.value, 6), -(lowest or 0), application.submitted_at)

    computed = sorted(applications, key=order)
    by_key = {application.pk: application for application in computed}
    places = {application.pk: place for place, application in enumerate(computed, 1)}
    hands = {
        one.application_id: one for one in Placement.objects.filter(call=call).select_related("placed_by")
    }
    lines = {
        line.application_id: line
        for line in NoticeLine.objects.filter(application__in=ids).select_related("notice").order_by("pk")
    }
    by_hand = {key: hand.place for key, hand in hands.items()}
    rows: list[Rank] = []
    for place, key in enumerate(arranged(list(places), by_hand), start=1):
        held = decisions.get(key, {})
        rows.append(
            Rank(
                place=place,
                application=by_key[key],
                summary=summaries.get(key),
                rating=ratings.applications.get(key),
                reviews=reviews.get(key, []),
                pending=held.get(DecisionState.PENDING),
                released=held.get(DecisionState.RELEASED),
                amount_fen=0,
                cumulative_fen=0,
                within_budget=True,
                computed_place=places[key],
                placement=hands.get(key),
                notice_line=lines.get(key),
            )
        )
    return draw_line(rows, call.budget_fen)


def draw_line(
    ranks: list[Rank], budget_fen: int | None, chosen: Mapping[int, tuple[str, int | None]] | None = None
) -> list[Rank]:
    """Work the amounts, the running totals and the budget line out, and return the same ranks.

    ``chosen`` ({application id: (verdict, amount in fen)}) goes before what is stored.
    """
    total = 0
    for rank in ranks:
        decision = rank.decision
        verdict, amount = (chosen or {}).get(
            rank.application.pk,
            (decision.verdict if decision else "", decision.amount_fen if decision else None),
        )
        counts = verdict in ("", Verdict.APPROVE)
        rank.amount_fen = (amount if verdict == Verdict.APPROVE else rank.application.amount_fen) or 0
        before = total
        total += rank.amount_fen if counts else 0
        rank.cumulative_fen = total
        rank.within_budget = budget_fen is None or total <= budget_fen
        rank.crosses_line = budget_fen is not None and counts and before <= budget_fen < total
    return ranks


def mark_of(ranks: Sequence[Rank]) -> str:
    """Return what tells this order from any other."""
    order = ",".join(str(rank.application.pk) for rank in ranks)
    return hashlib.sha256(order.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Budget:
    """The money of one call, in fen: ``total`` (None without a budget), released, pending, and what is left of it."""

    total: int | None
    released: int
    pending: int

    @property
    def left(self) -> int | None:
        return None if self.total is None else self.total - self.released - self.pending

    @property
    def over(self) -> int:
        """By how much the approvals are above the budget; 0 when they are not."""
        return max(0, -(self.left or 0))


def budget_of(call: Call) -> Budget:
    """Return what is granted of the call's budget; what a lapsed award gave back is free again. One query."""
    sums = (
        Decision.objects.filter(application__call=call, verdict=Verdict.APPROVE)
        .exclude(state=DecisionState.RELEASED, application__award__state=AwardState.LAPSED)
        .aggregate(
            released=Sum("amount_fen", filter=Q(state=DecisionState.RELEASED)),
            pending=Sum("amount_fen", filter=Q(state=DecisionState.PENDING)),
        )
    )
    return Budget(call.budget_fen, int(sums["released"] or 0), int(sums["pending"] or 0))


def reserves_of(call: Call) -> list[Decision]:
    """Return the released decisions of those still on the reserve list, first reserve first: one query."""
    return list(
        Decision.objects.filter(
            application__call=call,
            application__state=ApplicationState.RESERVED,
            verdict=Verdict.RESERVE,
            state=DecisionState.RELEASED,
        )
        .select_related("application__call", "application__organisation", "application__project")
        .order_by(F("reserve_place").asc(nulls_last=True), "released_at", "pk")
    )
