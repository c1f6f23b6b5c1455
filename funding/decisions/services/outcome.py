"""What the applicant sees."""

from __future__ import annotations

from dataclasses import dataclass

from funding.applications.models import Application
from funding.calls.models import Stage
from funding.calls.states import Acts
from funding.decisions.models import Decision, Letter
from funding.decisions.states import DecisionState
from funding.reviews.models import Review
from funding.reviews.states import ReviewState


@dataclass(frozen=True)
class Comment:
    """What one reviewer wrote for the applicant; ``reviewer`` only in an open stage."""

    text: str
    reviewer: str = ""


@dataclass(frozen=True)
class OutcomePage:
    """What the applicant may read once a decision is released."""

    decision: Decision
    letter: Letter | None
    comments: list[Comment]
    # Of open stages, in the order of their names; empty where reviewers stay unnamed.
    reviewers: list[str]


def outcome_of(application: Application) -> OutcomePage | None:
    """Return the newest released decision with the comments meant for the applicant, or None before the release.

    Reviewers stay unnamed, and their order tells nothing (by id of the review, within the stage), but in open stages, of
    which they were told before they accepted.
    """
    decision = (
        Decision.objects.filter(application=application, state=DecisionState.RELEASED)
        .select_related("letter__document")
        .order_by("-released_at")
        .first()
    )
    if decision is None:
        return None
    reviews = list(
        Review.objects.filter(application=application, state=ReviewState.SUBMITTED)
        .select_related("run__stage", "reviewer")
        .order_by("run__stage__position", "id")
    )
    named = {one.pk: one.reviewer.name for one in reviews if _is_named(one.run.stage)}
    comments = [
        Comment(one.comment_applicant, named.get(one.pk, ""))
        for one in reviews
        if one.comment_applicant.strip()
    ]
    return OutcomePage(decision, getattr(decision, "letter", None), comments, sorted(set(named.values())))


def _is_named(stage: Stage) -> bool:
    return stage.is_open and stage.acts == Acts.EXPERT
