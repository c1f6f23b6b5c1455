"""What somebody on a panel may read of an item, and when: by pages, API and documents alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models

from funding.calls.states import ApplicantKind, StageKind
from funding.panels.models import AgendaItem, Meeting, PanelMember
from funding.panels.states import PanelRole
from funding.reviews.models import Review, Score
from funding.reviews.reading import (
    Brief,
    answers_for_reviewer,
    applicant_of,
    brief_of,
    is_blind,
    latest_version,
)
from funding.reviews.services import Summary, conflict_with, conflicts_for, kept_from, summaries_of
from funding.reviews.states import ReviewState
from park_portal.core.accounts.rules import sees_records


@dataclass(frozen=True)
class Access:
    """What one person may read of one item: the text and reviews, only title and team, or that they left the room.

    Staff who look on, without a place on the panel, leave no room: the item ``is_barred`` to them.
    """

    may_read: bool
    is_recused: bool = False
    is_barred: bool = False
    must_declare: bool = False
    reason: str = ""


def access_to(
    item: AgendaItem, user: Any, member: PanelMember | None, *, on_the_table: bool = False
) -> Access:
    """Return what ``user`` may read of ``item``; ``member`` is their place on its panel, None for staff who look on.

    Whoever sits on the panel declares first, staff too. A conflict that came to light since then closes the item at
    once, before it is noted in the meeting. What is ``on_the_table`` was looked up when it was called and is again when
    its vote is opened and counted: the page that asks again and again looks at what is on record alone.
    """
    if member is None:
        return _of_staff(item, user)
    recusal = item.recusals.filter(member=member).first()
    if recusal is not None:
        return Access(False, is_recused=True, reason=recusal.reason)
    if not item.pledges.filter(member=member).exists():
        return Access(False, must_declare=True)
    if on_the_table:
        known = conflict_with(member.user_id, models.F("application_id"))
        barred = (
            AgendaItem.objects.filter(pk=item.pk).annotate(kind=known).filter(kind__isnull=False).exists()
        )
        return Access(not barred, is_recused=barred)
    reasons = conflicts_for(item.application, [member.user]).get(member.user_id)
    if reasons:
        return Access(False, is_recused=True, reason=str(reasons[0]))
    return Access(True)


def _of_staff(item: AgendaItem, user: Any) -> Access:
    """Staff who look on read all but what a conflict of interest keeps them from."""
    if not sees_records(user):
        return Access(False)
    reason = kept_from(user, [item.application_id]).get(item.application_id)
    return Access(reason is None, is_barred=reason is not None, reason=str(reason or ""))


def reads_minutes(meeting: Meeting, user: Any, member: PanelMember | None) -> bool:
    """Staff read all minutes, the panel its own; who left the room for an item only as the chair, who signs them.

    Staff with a conflict of interest in an item read them as little as a member who left for it.
    """
    if member is None:
        return bool(sees_records(user)) and not kept_from(
            user, meeting.items.values_list("application_id", flat=True)
        )
    return bool(member.role == PanelRole.CHAIR or not member.recusals.exists())


def as_reviewed(item: AgendaItem) -> Review:
    """Return a review of the item that nobody keeps: what a panel may read is what a reviewer of its stage may."""
    return Review(run=item.run, application=item.application)


def brief_for_panel(item: AgendaItem) -> Brief:
    """Return title, summary and, unless the stage is blind, the names that a conflict of interest hangs on."""
    return brief_of(as_reviewed(item), latest_version(item.application))


def people_of(item: AgendaItem) -> tuple[str, tuple[str, ...]]:
    """Return applicant and names, empty where the stage is blind; the caller has fetched memberships and team."""
    if is_blind(as_reviewed(item)):
        return "", ()
    application = item.application
    if application.kind == ApplicantKind.ORGANISATION and application.organisation is not None:
        names = tuple(member.user.name for member in application.organisation.memberships.all())
    else:
        assert application.project is not None
        names = tuple(member.name for member in application.project.team.all())
    return applicant_for_panel(item), names


def answers_for_panel(item: AgendaItem) -> list[dict[str, Any]]:
    return answers_for_reviewer(as_reviewed(item), latest_version(item.application))


def applicant_for_panel(item: AgendaItem) -> str:
    return applicant_of(as_reviewed(item))


@dataclass(frozen=True)
class ReviewRead:
    """One expert's review as a panel reads it: numbered, without the name."""

    number: int
    review: Review
    scores: list[Score]
    is_own: bool = False
    rating: int | None = None


def reviews_for_panel(item: AgendaItem, member: PanelMember | None) -> list[ReviewRead]:
    """Return the experts' reviews of the item in the order of submission, with what ``member`` said of their usefulness."""
    reviews = (
        item.application.reviews.filter(state=ReviewState.SUBMITTED, run__stage__kind=StageKind.EXPERT)
        .prefetch_related("scores__criterion")
        .order_by("submitted_at", "pk")
    )
    ratings = (
        dict(item.usefulness_ratings.filter(member=member).values_list("review_id", "value"))
        if member
        else {}
    )
    return [
        ReviewRead(
            number,
            review,
            sorted(review.scores.all(), key=lambda score: (score.criterion.position, score.criterion_id)),
            is_own=member is not None and review.reviewer_id == member.user_id,
            rating=ratings.get(review.pk),
        )
        for number, review in enumerate(reviews, 1)
    ]


def summary_for_panel(item: AgendaItem) -> Summary:
    return summaries_of([item.application_id])[item.application_id]
