"""What reviews hold about reviewers and about those who objected."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from funding.reviews.models import Review
from funding.reviews.pages import lines_of_record, severity_in_words
from funding.reviews.services import records_of
from funding.reviews.states import ReviewState
from park_portal.core.errors import Text
from park_portal.core.personal import (
    Basis,
    Hindrance,
    Keep,
    Law,
    Purpose,
    WorkedOut,
    hinders,
    holds,
    works_out,
)

if TYPE_CHECKING:
    from park_portal.core.accounts.models import User

holds(
    "funding.Reviewer",
    people=("user",),
    purpose=Purpose.CALLS,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    deleted="user institution institution_key organisation faculty kind title orcid keywords statement capacity active "
    "created_at updated_at",
    plain="id",
    since="created_at",
)
holds(
    "funding.Publication",
    people=("reviewer__user",),
    purpose=Purpose.CALLS,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    deleted="reviewer title abstract authors year source doi created_at updated_at",
    plain="id",
    since="created_at",
)
holds(
    "funding.Conflict",
    people=("person", "other"),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="person other recorded_by decided_by",
    scrubbed="other_name other_email other_orcid",
    kept={Law.ARCHIVES: "note"},
    plain="id application organisation faculty kind source state since expires_on recorded_at decided_at",
    since="recorded_at",
)
holds(
    "funding.Pledge",
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    plain="id version text text_zh_hans text_en effective_from",
)
holds(
    "funding.Review",
    people=("reviewer",),
    purpose=Purpose.CALLS,
    basis=Basis.CONTRACT,
    keep=Keep.PROJECT,
    linked="reviewer assigned_by",
    kept={Law.ARCHIVES: "comment_committee comment_applicant decline_reason changed"},
    plain="id run application state due_at assigned_at answered_at accepted_at released_at submitted_at suspended_at "
    "suspension_told_at declared_at pledge opinion confidence score revision updated_at",
    since="assigned_at",
)
holds(
    "funding.Score",
    people=("review__reviewer",),
    purpose=Purpose.CALLS,
    basis=Basis.CONTRACT,
    keep=Keep.PROJECT,
    linked="review",
    kept={Law.ARCHIVES: "note"},
    plain="id criterion value not_applicable",
)
holds(
    "funding.Calculation",
    people=("made_by",),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="made_by",
    kept={Law.ARCHIVES: "result"},
    plain="id call stage kind method seed inputs_sha256 parameters made_at",
    since="made_at",
)
holds(
    "funding.StageRun",
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    kept={Law.ARCHIVES: "note"},
    plain="id application stage state entered_at due_at finished_at",
)
holds(
    "funding.PublicNotice",
    people=("published_by",),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="published_by",
    plain="id call published_at working_days ends_at document",
    since="published_at",
)
holds(
    "funding.NoticeLine",
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    kept={Law.ARCHIVES: "reason"},
    plain="id notice application amount_fen state ended_at",
)
holds(
    "funding.Objection",
    people=("resolved_by",),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="resolved_by",
    kept={Law.ARCHIVES: "name email text resolution"},
    plain="id run line received_at due_at upheld resolved_at",
    sensitive="email",
    since="received_at",
)
holds(
    "funding.AssignmentPlan",
    people=("created_by", "confirmed_by"),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="created_by confirmed_by",
    plain="id call stage parent method criteria seed published_at due_at invites_replacements because state figures "
    "diagnosis job revision created_at solved_at confirmed_at",
    since="created_at",
)
holds(
    "funding.PlanPool",
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    plain="plan runs people terms affinity barred digest taken_at",
)
holds(
    "funding.PlannedPair",
    people=("person",),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="person",
    plain="id plan run affinity origin",
)


holds(
    "funding.CleanCopy",
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    kept={Law.ARCHIVES: "names"},
    plain="id original document problem revision unread made_at",
)


def _record(person: User) -> Iterable[tuple[Text, str]]:
    """Return the figures of a reviewer's record as their own page shows them; nothing for who is no reviewer."""
    record = records_of([person])[person.pk]
    if not record.whole.invited:
        return []
    return [
        *((line.label, line.whole) for line in lines_of_record(record)),
        (_("How you mark beside others"), severity_in_words(record.severity)),
    ]


works_out(
    WorkedOut(
        name="funding.record",
        label=_("My record as a reviewer"),
        purpose=Purpose.CALLS,
        basis=Basis.CONTRACT,
        keep="review.record_years",
        facts=_record,
    )
)


@hinders
def owes_reviews(person: User) -> Iterable[Hindrance]:
    """A review that somebody counts on is handed in or given back first."""
    owed = Review.objects.filter(reviewer=person, state__in=[ReviewState.ASSIGNED, ReviewState.ACCEPTED])
    for review in owed.select_related("application")[:20]:
        yield Hindrance(
            format_lazy(
                _("Review not handed in: {application}. Hand it in or decline it first."),
                application=str(review.application),
            )
        )
