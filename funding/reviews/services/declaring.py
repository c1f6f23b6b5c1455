"""Before a reviewer reads: the word that there is no conflict of interest, and the pledge of integrity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.reviews.models import Pledge, Review
from funding.reviews.services import experts
from funding.reviews.services.conflicts import DERIVED
from funding.reviews.states import ConflictKind, ReviewState
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import record
from park_portal.core.errors import DomainError, IllegalTransition, Problem
from park_portal.core.workflow import Actor, require

ACCEPT: Final = "accept"  # no conflict, and the review is accepted at once
CLEAR: Final = "clear"  # no conflict; the answer is given after reading the summary
LATER: Final = ""


@dataclass(frozen=True)
class Answer:
    """What somebody says to one invitation: ``accept``, ``clear``, a kind of conflict, or nothing yet."""

    choice: str = LATER
    note: str = ""


def current_pledge() -> Pledge:
    """Return the version of the pledge in force; ``DomainError`` when the park has written none."""
    found = Pledge.objects.filter(effective_from__lte=timezone.now()).order_by("-version").first()
    if found is None:
        raise DomainError(_("The park has not written its pledge of integrity yet."), code="no_pledge")
    return found


def declare_no_conflict(review: Review, *, actor: Actor, pledge: bool) -> Review:
    """Keep the reviewer's word that no conflict of interest is known, with the pledge signed; a second one is the first.

    From now on the summary can be read, and the review accepted. Raises ``DomainError`` without the pledge, or where the
    portal knows of a conflict.
    """
    with transaction.atomic():
        experts._lock_with_application(review)
        require(actor, "funding.answer_review", review)
        experts.refuse_suspended(review)
        if review.declared_at is not None:
            return review
        if review.state != ReviewState.ASSIGNED:
            raise IllegalTransition(_("This review is no longer asked of you."), code="review_over")
        if not pledge:
            raise DomainError(_("Sign the pledge of integrity first."), code="pledge", field="pledge")
        signed = current_pledge()
        review.declared_at, review.pledge = timezone.now(), signed
        review.save(update_fields=["declared_at", "pledge"])
        record(
            "review.declare",
            review,
            actor=actor,
            after={"declared_at": review.declared_at, "pledge": signed.version},
        )
    return review


def answer_invitations(answers: Mapping[int, Answer], *, actor: User, pledge: bool) -> int:
    """Answer several invitations of one's own (review id: answer) with one signature; return how many were answered.

    All or nothing: raises ``DomainError`` with the place of each that cannot be taken as it is.
    """
    given = {pk: answer for pk, answer in answers.items() if answer.choice != LATER}
    rows = Review.objects.filter(pk__in=given, reviewer=actor).select_related(
        "reviewer", "application", "run__stage"
    )
    reviews = list(rows.order_by("application_id", "pk"))
    problems = [problem for review in reviews for problem in _problems(review, given[review.pk])]
    if not reviews:
        problems.append(Problem(gettext_lazy("Choose an answer for at least one of them."), field=""))
    if any(given[review.pk].choice in (ACCEPT, CLEAR) for review in reviews) and not pledge:
        problems.append(
            Problem(gettext_lazy("Sign the pledge of integrity first."), field="pledge", anchor="pledge")
        )
    if problems:
        raise DomainError(problems[0].message, code="incomplete", problems=problems)
    with transaction.atomic():
        for review in reviews:
            answer = given[review.pk]
            if answer.choice in (ACCEPT, CLEAR):
                declare_no_conflict(review, actor=actor, pledge=pledge)
                if answer.choice == ACCEPT:
                    experts.accept_review(review, actor=actor)
            else:
                experts.recuse(review, actor=actor, kind=answer.choice, note=answer.note)
    return len(reviews)


def _problems(review: Review, answer: Answer) -> list[Problem]:
    place = f"review-{review.pk}"
    if answer.choice in (ACCEPT, CLEAR):
        return []
    if answer.choice not in ConflictKind.values or answer.choice in DERIVED:
        return [Problem(gettext_lazy("Choose one of the answers."), field=place, anchor=place)]
    if answer.choice in (ConflictKind.DECLARED, ConflictKind.OTHER) and not answer.note.strip():
        return [Problem(gettext_lazy("Say in a few words what the conflict is."), field=place, anchor=place)]
    return []
