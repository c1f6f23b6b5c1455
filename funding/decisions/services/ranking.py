"""The ranked table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.calls.models import Call
from funding.calls.states import StageKind
from funding.decisions.models import Decision, Letter
from funding.decisions.states import DecisionState, Verdict
from funding.reviews.models import Review
from funding.reviews.services import Rating, Ratings, Summary, ratings_of, summaries_of
from funding.reviews.states import ReviewState


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

    @property
    def counts(self) -> bool:
        """Whether its amount is part of the running total: those declined or in reserve are not."""
        return self.decision is None or self.decision.verdict == Verdict.APPROVE

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
            call=call, state=ApplicationState.IN_REVIEW, current_stage__kind=StageKind.DECISION
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

    rows: list[Rank] = []
    cumulative = 0
    for place, application in enumerate(sorted(applications, key=order), start=1):
        held = decisions.get(application.pk, {})
        pending, released = held.get(DecisionState.PENDING), held.get(DecisionState.RELEASED)
        decision = pending or released
        amount = application.amount_fen or 0
        if decision is not None and decision.verdict == Verdict.APPROVE:
            amount = decision.amount_fen or 0
        counts = decision is None or decision.verdict == Verdict.APPROVE
        before = cumulative
        cumulative += amount if counts else 0
        within = call.budget_fen is None or cumulative <= call.budget_fen
        rows.append(
            Rank(
                place=place,
                application=application,
                summary=summaries.get(application.pk),
                rating=ratings.applications.get(application.pk),
                reviews=reviews.get(application.pk, []),
                pending=pending,
                released=released,
                amount_fen=amount,
                cumulative_fen=cumulative,
                within_budget=within,
                crosses_line=bool(
                    call.budget_fen is not None and counts and before <= call.budget_fen < cumulative
                ),
            )
        )
    return rows
