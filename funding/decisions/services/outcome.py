"""What the applicant sees."""

from __future__ import annotations

from dataclasses import dataclass

from funding.applications.models import Application
from funding.decisions.models import Decision, Letter
from funding.decisions.states import DecisionState
from funding.reviews.models import Review
from funding.reviews.states import ReviewState


@dataclass(frozen=True)
class OutcomePage:
    """What the applicant may read once a decision is released."""

    decision: Decision
    letter: Letter | None
    comments: list[str]


def outcome_of(application: Application) -> OutcomePage | None:
    """Return the newest released decision with the comments meant for the applicant, or None before the release.

    Reviewers stay unnamed; their order tells nothing (by id of the review, within the stage).
    """
    decision = (
        Decision.objects.filter(application=application, state=DecisionState.RELEASED)
        .select_related("letter__document")
        .order_by("-released_at")
        .first()
    )
    if decision is None:
        return None
    comments = [
        text
        for text in Review.objects.filter(application=application, state=ReviewState.SUBMITTED)
        .exclude(comment_applicant="")
        .order_by("run__stage__position", "id")
        .values_list("comment_applicant", flat=True)
        if text.strip()
    ]
    return OutcomePage(decision, getattr(decision, "letter", None), comments)
