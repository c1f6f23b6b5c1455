"""What a reviewer may read of an application, and what staff and liaisons read of its reviews."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, prefetch_related_objects

from funding.applications.models import Application, Version
from funding.applications.naming import names_of
from funding.applications.reading import Blinding, answers_of, snapshot_of
from funding.applications.redaction import Names, redact
from funding.calls.questions import type_of
from funding.calls.states import Acts, ApplicantKind, Purpose
from funding.reviews.models import Review
from funding.reviews.services.copies import copies_of
from funding.reviews.states import ReviewState
from incubator.organisations.models import Membership


@dataclass(frozen=True)
class Brief:
    """What an invited reviewer sees before accepting: enough to know a conflict; the summary once they know of none."""

    title: str
    summary: str
    applicant: str
    people: tuple[str, ...]


def is_blind(review: Review) -> bool:
    """Return whether the reviewer must not learn who applies."""
    return bool(review.run.stage.is_double_blind)


def latest_version(application: Application) -> Version:
    """Return what was submitted last."""
    return application.versions.latest("number")


def brief_of(review: Review, version: Version) -> Brief:
    """Return the title and, unless the stage is blind, the names that a conflict of interest hangs on.

    The summary only once the reviewer has declared to have none.
    """
    application = review.application
    summary = _summary_of(review, version) if review.declared_at is not None else ""
    if is_blind(review):
        return Brief(application.title, summary, "", ())
    return Brief(application.title, summary, applicant_of(review), _people(application))


def _summary_of(review: Review, version: Version) -> str:
    form, answers = snapshot_of(version)
    for section in form["sections"]:
        for question in section["questions"]:
            if question["purpose"] == Purpose.SUMMARY and question["asked"]:
                summary = type_of(question["kind"]).text(
                    answers.get(question["key"]), question["settings"], "zh-hans"
                )
                if is_blind(review) and question.get("redacted"):
                    return redact(summary, names_of(review.application, form, answers))
                return summary
    return ""


def applicant_of(review: Review) -> str:
    """Return who applies, as a reviewer may read it: empty where the stage is blind."""
    application = review.application
    if is_blind(review):
        return ""
    if application.kind == ApplicantKind.ORGANISATION:
        return application.organisation.name if application.organisation is not None else ""
    project = application.project
    return (project.institution or project.title) if project is not None else ""


def _people(application: Application) -> tuple[str, ...]:
    if application.kind == ApplicantKind.ORGANISATION:
        assert application.organisation is not None
        everybody = Membership.objects.select_related("user")
        prefetch_related_objects([application.organisation], Prefetch("memberships", everybody))
        members = sorted(application.organisation.memberships.all(), key=lambda one: one.pk)
        return tuple(member.user.name for member in members)
    assert application.project is not None
    prefetch_related_objects([application.project], "team")
    return tuple(one.name for one in sorted(application.project.team.all(), key=lambda one: one.pk))


def answers_for_reviewer(review: Review, version: Version) -> list[dict[str, Any]]:
    """Return the answers that reviewers see; without what tells who applies where the stage is double-blind."""
    blinding = None
    if is_blind(review):
        form, answers = snapshot_of(version)
        # Whose names they are is asked only where something is blacked out: most forms hide whole questions.
        wanted = any(q.get("redacted") for section in form["sections"] for q in section["questions"])
        names = names_of(review.application, form, answers) if wanted else Names()
        blinding = Blinding(names=names, files=copies_of(version))
    return answers_of(version, for_reviewers=True, blinding=blinding)


def waits_for_files(sections: list[dict[str, Any]]) -> bool:
    """Return whether some file that a double-blind reviewer should get is not made yet."""
    return any(
        file.get("waits")
        for section in sections
        for question in section["questions"]
        for file in question["files"]
    )


def may_read_file(user: Any, application_id: str, public_id: str) -> bool:
    """Return whether ``user`` reviews the application and the file is among the answers shown to them.

    In a double-blind stage that is the copy without authors, whose own name tells nobody; never the file as it was sent.
    """
    if not user.is_authenticated or not application_id.isdecimal():
        return False
    reviews = Review.objects.filter(
        reviewer_id=user.pk,
        application_id=application_id,
        run__stage__acts=Acts.EXPERT,
        state__in=(ReviewState.ACCEPTED, ReviewState.SUBMITTED),
    ).select_related("run__stage", "application__call")
    return any(
        public_id in str(file["url"])
        for review in reviews
        for section in answers_for_reviewer(review, latest_version(review.application))
        for question in section["questions"]
        for file in question["files"]
    )


def opinions_of(application: Application) -> list[Review]:
    """Return every opinion given on ``application``, stage by stage, with its marks."""
    return list(
        application.reviews.filter(state=ReviewState.SUBMITTED)
        .select_related("reviewer", "run__stage")
        .prefetch_related("scores__criterion")
        .order_by("run__stage__position", "submitted_at")
    )
