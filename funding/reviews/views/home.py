"""What waits for liaisons and reviewers, on their first page."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy, pgettext_lazy

from funding.applications.models import Application
from funding.applications.rules import is_reviewer
from funding.calls.states import ApplicantKind
from funding.reviews.states import RunState
from funding.reviews.views.queue import own_runs
from funding.reviews.views.reviews import TO_DO, own_reviews
from incubator.organisations.facts import is_liaison_today
from park_portal.core.due import Due
from park_portal.core.frame import Card, Task, home_card
from park_portal.core.tones import tone_of

SHOWN = 6


def applicant_name(application: Application) -> str:
    if application.kind == ApplicantKind.ORGANISATION and application.organisation is not None:
        return application.organisation.name
    project = application.project
    return f"{project.principal_investigator} · {project.institution}" if project is not None else ""


@home_card(order=20)
def university_card(user: Any) -> Card | None:
    """What waits for a liaison, overdue and due today first."""
    if not is_liaison_today(user):
        return None
    runs, due = Due.among(own_runs(user).filter(state=RunState.ACTIVE), SHOWN)
    return Card(
        title=gettext_lazy("University review"),
        tasks=[
            Task(
                run.application.title,
                reverse("reviews:act", args=[run.pk]),
                due=run.due_at,
                detail=f"{run.application.number} · {applicant_name(run.application)}",
            )
            for run in runs
        ],
        empty=gettext_lazy("Nothing waits for you."),
        more_url=reverse("reviews:queue"),
        due=due,
        due_url=f"{reverse('reviews:queue')}?due=",
    )


@home_card(order=22)
def reviews_card(user: Any) -> Card | None:
    """Invitations and drafts of a reviewer, due first."""
    reviews, due = Due.among(own_reviews(user).filter(state__in=TO_DO), SHOWN)
    if not reviews and not is_reviewer(user):
        return None
    return Card(
        title=gettext_lazy("My reviews"),
        tasks=[
            Task(
                review.application.title,
                review.get_absolute_url(),
                due=review.due_at,
                detail=review.application.number or "",
                state=pgettext_lazy("review", "invitation")
                if review.state == "assigned"
                else review.get_state_display(),
                tone=tone_of(review),
            )
            for review in reviews
        ],
        empty=gettext_lazy("No review is asked of you at the moment."),
        more_url=reverse("reviews:list"),
        due=due,
        due_url=f"{reverse('reviews:list')}?due=",
    )
