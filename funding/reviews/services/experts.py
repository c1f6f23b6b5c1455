"""Expert review: asking people, their answers, their drafts and their reviews."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.applications.models import Application
from funding.calls.models import Criterion
from funding.calls.states import Acts, CriterionKind
from funding.reviews.models import Review, Reviewer, Score, StageRun
from funding.reviews.services import stages
from funding.reviews.services.conflicts import DERIVED, conflicts_for, refuse_conflicted, write_tie
from funding.reviews.services.copies import ask_for_copies
from funding.reviews.services.telling import ask_for_replacement, day, tell_reviewer
from funding.reviews.states import (
    OPEN_REVIEWS,
    OPINIONS_OF_STAGE,
    Confidence,
    ConflictKind,
    ConflictSource,
    ReviewState,
    RunState,
)
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import record
from park_portal.core.calendar.services import deadline
from park_portal.core.errors import Conflict as Stale
from park_portal.core.errors import DomainError, IllegalTransition, Problem
from park_portal.core.prepared import Prepared
from park_portal.core.text import clean
from park_portal.core.workflow import SYSTEM, Actor, advance, require

NOT_APPLICABLE: Final = "na"  # what stands for it where a mark is chosen from a list
SHORTEST_PERIOD: Final = 3  # working days that a reviewer asked late still gets
FIELDS: Final = ("opinion", "confidence", "comment_committee", "comment_applicant", "scores")
STEPPED_BACK: Final = {
    "declined": {"zh-hans": "谢绝评审", "en": "declined"},
    "recused": {"zh-hans": "声明利益冲突", "en": "declared a conflict of interest"},
    "released": {"zh-hans": "已被解除指派", "en": "was released"},
}


@dataclass(frozen=True)
class Load:
    """How many reviews a person has open, of how many at a time."""

    open: int
    capacity: int

    @property
    def is_full(self) -> bool:
        return self.open >= self.capacity


def load_of(people: Iterable[User]) -> dict[int, Load]:
    """Return the load of each of ``people`` who is in the pool, by person id; one query."""
    rows = Reviewer.objects.filter(user__in=[person.pk for person in people]).annotate(
        open_reviews=models.Count("user__reviews", filter=models.Q(user__reviews__state__in=OPEN_REVIEWS))
    )
    return {row.user_id: Load(row.open_reviews, row.capacity) for row in rows}


# --- what staff do -------------------------------------------------------------------------------------------------


def assign_reviewer(run: StageRun, person: User, *, actor: Actor, due_at: datetime | None = None) -> Review:
    """Ask ``person`` for a review in ``run`` and return it; asking twice is the same as once.

    Raises ``DomainError`` for someone outside the pool, with a known conflict (the reasons are in ``problems``), or who
    has given back this very review because of a conflict; one who declined or was released is asked again.
    """
    refuse_conflicted([run.application], actor)
    require(actor, "funding.assign_reviews", run)
    with transaction.atomic():
        application = stages._lock(run.application_id)
        held = stages._lock_run(run.pk, application)
        earlier = Review.objects.select_for_update().filter(run=held, reviewer=person).first()
        if earlier is not None and earlier.state in (*OPEN_REVIEWS, ReviewState.SUBMITTED):
            return earlier
        stages._refuse_unless_active(held)
        if held.stage.acts != Acts.EXPERT:
            raise DomainError(_("This stage is not reviewed by assigned experts."), code="not_expert")
        _refuse_unsuitable(application, person)
        now = timezone.now()
        due = due_at or _due_of(held, now)
        if due <= now:
            raise DomainError(_("The deadline lies in the past."), code="past", field="due_at")
        review = _ask(held, person, earlier, actor=actor, due=due)
        tell_reviewer(
            "review.invited",
            review,
            key=f"{review.pk}:{review.assigned_at.isoformat()}",
            due=day(review.due_at),
        )
    return review


def _due_of(run: StageRun, now: datetime) -> datetime:
    return max(run.due_at, deadline(now, SHORTEST_PERIOD))


def _refuse_unsuitable(application: Application, person: User) -> None:
    if not Reviewer.objects.active().filter(user=person).exists():
        raise DomainError(
            _("%(person)s is not in the pool of reviewers or not available.") % {"person": person},
            code="not_in_pool",
        )
    reasons = conflicts_for(application, [person]).get(person.pk)
    if reasons:
        raise DomainError(
            format_lazy(
                gettext_lazy("{person} has a conflict of interest with {number}: {reason}."),
                person=person,
                number=application.number or "—",
                reason=reasons[0],
            ),
            code="conflict_of_interest",
            problems=[Problem(reason) for reason in reasons],
        )


def _ask(run: StageRun, person: User, earlier: Review | None, *, actor: Actor, due: datetime) -> Review:
    now = timezone.now()
    try:
        with transaction.atomic():
            if earlier is not None:
                earlier.application, earlier.reviewer = run.application, person
                return advance(
                    earlier,
                    "ask_again",
                    actor=actor,
                    changes={
                        "due_at": due,
                        "assigned_at": now,
                        "assigned_by_id": actor.pk,
                        "answered_at": None,
                        "released_at": None,
                        "accepted_at": None,
                        "submitted_at": None,
                        "score": None,
                        "suspended_at": None,
                        "declared_at": None,
                        "pledge_id": None,
                        "decline_reason": "",
                    },
                )
            review = Review.objects.create(
                run=run,
                application=run.application,
                reviewer=person,
                due_at=due,
                assigned_by_id=actor.pk,
                assigned_at=now,
            )
            record("review.assign", review, actor=actor, after={"reviewer": person.pk, "due_at": due})
            return review
    except IntegrityError as error:
        raise stages.conflict_refused(error) from error
    except IllegalTransition as error:
        raise DomainError(
            _("%(person)s has declared a conflict of interest here.") % {"person": person},
            code="conflict_of_interest",
        ) from error


def assign_reviewers(
    runs: Iterable[StageRun], people: Iterable[User], *, actor: Actor, due_at: datetime | None = None
) -> stages.BulkResult:
    """Ask every one of ``people`` for a review of every one of ``runs``; what is refused is listed, the rest is
    done.
    """
    result = stages.BulkResult()
    chosen = list(people)
    for run in runs:
        for person in chosen:
            if Review.objects.filter(
                run=run, reviewer=person, state__in=(*OPEN_REVIEWS, ReviewState.SUBMITTED)
            ).exists():
                result.refused.append(
                    (f"{run.application.number} · {person}", gettext_lazy("is assigned already"))
                )
                continue
            try:
                assign_reviewer(run, person, actor=actor, due_at=due_at)
                result.done += 1
            except DomainError as error:
                result.refused.append((f"{run.application.number} · {person}", str(error)))
    return result


def release_reviewer(review: Review, *, actor: Actor, reason: str = "") -> Review:
    """Take back what a reviewer was asked for and tell them; what they have typed stays on file."""
    with transaction.atomic():
        _lock_with_application(review)
        if review.state == ReviewState.RELEASED:
            return review
        text = stages._clean(reason)
        advance(
            review,
            "release",
            actor=actor,
            changes={"decline_reason": text[:400], "released_at": timezone.now()},
            reason=text,
        )
        tell_reviewer(
            "review.released", review, key=f"{review.pk}:{review.assigned_at.isoformat()}", reason=text
        )
        stages.settle(_run_of(review), actor=SYSTEM)
    return review


def replace_reviewer(review: Review, person: User, *, actor: Actor, due_at: datetime | None = None) -> Review:
    """Ask ``person`` instead of the reviewer of ``review``, who is released if still expected; return the new review.

    Nothing happens to the old review when the new person is refused.
    """
    with transaction.atomic():
        new = assign_reviewer(review.run, person, actor=actor, due_at=due_at)
        review.refresh_from_db(fields=["state"])
        if review.state in OPEN_REVIEWS and new.pk != review.pk:
            release_reviewer(review, actor=actor)
    return new


def reopen_review(review: Review, *, actor: Actor, reason: str) -> Review:
    """Let a reviewer change a submitted review, while its stage is under way."""
    if not reason.strip():
        raise DomainError(_("Say why the review is reopened."), code="required", field="reason")
    with transaction.atomic():
        _lock_with_application(review)
        stages._refuse_unless_active(_run_of(review))
        advance(
            review,
            "reopen",
            actor=actor,
            changes={"submitted_at": None, "score": None, "due_at": _due_of(review.run, timezone.now())},
            reason=stages._clean(reason),
        )
    return review


# --- what the reviewer does ----------------------------------------------------------------------------------------


def accept_review(review: Review, *, actor: Actor) -> Review:
    """Accept, once declared to have no conflict and pledged (``declare_no_conflict``): the application can be read."""
    with transaction.atomic():
        _lock_with_application(review)
        require(actor, "funding.answer_review", review)
        if review.state in (ReviewState.ACCEPTED, ReviewState.SUBMITTED):
            return review
        refuse_suspended(review)
        if review.declared_at is None or review.pledge_id is None:
            raise DomainError(
                _("Declare first that you have no conflict of interest, and sign the pledge of integrity."),
                code="not_declared",
            )
        now = timezone.now()
        advance(review, "accept", actor=actor, changes={"accepted_at": now, "answered_at": now})
        ask_for_copies(review.application)
    return review


def refuse_suspended(review: Review) -> None:
    """Raise ``DomainError`` for a review that a conflict of interest has suspended."""
    if review.state == ReviewState.SUSPENDED:
        raise DomainError(
            format_lazy(
                gettext_lazy("There is a conflict of interest, so this review is suspended: {reason}."),
                reason=review.reason_text,
            ),
            code="conflict_of_interest",
        )


def decline_review(review: Review, *, actor: Actor, reason: str) -> Review:
    """Decline with a reason; staff are asked for a replacement."""
    text = stages._clean(reason)[:400]
    if not text:
        raise DomainError(
            _("A short reason, please: it helps to find someone else."), code="required", field="reason"
        )
    with transaction.atomic():
        _lock_with_application(review)
        require(actor, "funding.answer_review", review)
        if review.state == ReviewState.DECLINED:
            return review
        changes = {"decline_reason": text, "answered_at": review.answered_at or timezone.now()}
        advance(review, "decline", actor=actor, changes=changes, reason=text)
        _ask_for_replacement(review, text)
    return review


def recuse(review: Review, *, actor: Actor, kind: str = ConflictKind.DECLARED, note: str = "") -> Review:
    """Declare a conflict of interest: it is kept for this applicant, and staff are asked for a replacement."""
    if kind not in ConflictKind.values or kind in DERIVED:
        raise DomainError(_("Choose what kind of conflict it is."), code="unknown_kind", field="kind")
    text = stages._clean(note)[:400]
    if kind in (ConflictKind.DECLARED, ConflictKind.OTHER) and not text:
        raise DomainError(_("Say in a few words what the conflict is."), code="required", field="note")
    with transaction.atomic():
        _lock_with_application(review)
        require(actor, "funding.answer_review", review)
        if review.state == ReviewState.RECUSED:
            return review
        advance(
            review,
            "recuse",
            actor=actor,
            changes={
                "decline_reason": text or ConflictKind(kind).value,
                "answered_at": review.answered_at or timezone.now(),
            },
            reason=text,
            kind=kind,
        )
        write_tie(
            review.reviewer,
            actor=actor,
            kind=kind,
            source=ConflictSource.PERSON,
            ends={"application": review.application},
            values={"note": text},
        )
        _ask_for_replacement(review, text)
    return review


def _ask_for_replacement(review: Review, reason: str) -> None:
    review.run = _run_of(review)
    ask_for_replacement(
        review,
        key=f"{review.pk}:{review.assigned_at.isoformat()}",
        why=STEPPED_BACK[review.state],
        reason=reason,
    )


def save_review(review: Review, *, actor: Actor, revision: int | None, **fields: Any) -> Review:
    """Keep part of a draft as it is typed and return the review with its next revision.

    Takes ``opinion``, ``confidence``, ``comment_committee``, ``comment_applicant`` and ``scores`` ({criterion id:
    {"value", "not_applicable", "note"}}, each part optional). ``revision`` is the one the writer last saw: where a
    field was changed since, by another tab, nothing is written and ``Conflict`` is raised with ``current`` and
    ``field``; None skips the check. What equals the stored draft changes nothing.
    """
    if fields.keys() - set(FIELDS):
        raise TypeError(f"not part of a review: {sorted(fields)}")
    with transaction.atomic():
        _lock_with_application(review)
        require(actor, "funding.write_review", review)
        _refuse_unless_written(review)
        values = _values_of(review, fields)
        changed = {name: value for name, value in values.items() if getattr(review, name) != value}
        scored = _save_scores(review, fields.get("scores") or {})
        if not changed and not scored:
            return review
        for name in (*changed, *scored):
            if revision is not None and review.changed.get(name, 0) > revision:
                raise Stale(current=Review.objects.get(pk=review.pk), field=name)
        for name, value in changed.items():
            setattr(review, name, value)
        review.revision += 1
        review.changed = {**review.changed, **dict.fromkeys((*changed, *scored), review.revision)}
        review.updated_at = timezone.now()
        review.save(update_fields=[*changed, "changed", "revision", "updated_at"])
        record("review.save", review, actor=actor, after={"fields": sorted([*changed, *scored])})
    return review


def _refuse_unless_written(review: Review) -> None:
    if review.state == ReviewState.SUBMITTED:
        raise IllegalTransition(_("This review is submitted and can no longer be changed."), code="submitted")
    if review.state == ReviewState.ASSIGNED:
        raise IllegalTransition(_("Accept the review first."), code="not_accepted")
    refuse_suspended(review)
    if review.state != ReviewState.ACCEPTED:
        raise IllegalTransition(
            _("This review is no longer asked of you. What you typed was not saved."), code="review_over"
        )
    if review.run.state not in stages.UNDER_WAY:
        raise IllegalTransition(_("This stage is over; reviews are no longer taken."), code="stage_over")


def _values_of(review: Review, fields: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "opinion" in fields:
        opinion = str(fields["opinion"] or "")
        if opinion and opinion not in OPINIONS_OF_STAGE[review.run.stage.kind]:
            raise DomainError(
                _("Choose one of the recommendations."), code="unknown_opinion", field="opinion"
            )
        values["opinion"] = opinion
    if "confidence" in fields:
        raw = str(fields["confidence"] or "").strip()
        if raw and raw not in {str(level) for level in Confidence.values}:
            raise DomainError(_("Choose one of the levels."), code="unknown_level", field="confidence")
        values["confidence"] = int(raw) if raw else None
    for name in ("comment_committee", "comment_applicant"):
        if name in fields:
            if not isinstance(fields[name], str | None):
                raise DomainError(_("This is not a text."), code="type", field=name)
            text = clean(fields[name] or "")
            if len(text) > stages.LONGEST_COMMENT:
                raise DomainError(
                    _(
                        "At most %(most)d characters; these are %(count)d. Nothing is lost: shorten it and go on."
                    )
                    % {"most": stages.LONGEST_COMMENT, "count": len(text)},
                    code="too_long",
                    field=name,
                )
            values[name] = text
    return values


def _save_scores(review: Review, given: Mapping[Any, Mapping[str, Any]]) -> list[str]:
    if not given:
        return []
    criteria = {c.pk: c for c in Criterion.objects.filter(stage_id=review.run.stage_id)}
    held = {score.criterion_id: score for score in review.scores.all()}
    changed = []
    for key, row in given.items():
        criterion = criteria.get(int(key)) if str(key).isdecimal() else None
        if criterion is None:
            raise DomainError(_("This criterion does not belong to the review."), code="unknown_criterion")
        earlier = held.get(criterion.pk)
        was = (earlier.value, earlier.not_applicable, earlier.note) if earlier else (None, False, "")
        row = dict(row)
        if str(row.get("value") or "").strip() == NOT_APPLICABLE:
            row |= {"value": None, "not_applicable": True}
        elif row.get("value") not in (None, ""):
            row.setdefault("not_applicable", False)
        # A part that was not sent keeps what is stored: a page saves one field at a time.
        if earlier is not None:
            row = {
                "value": earlier.value,
                "not_applicable": earlier.not_applicable,
                "note": earlier.note,
                **row,
            }
        value, not_applicable, note = stages.parse_score(criterion, row)
        if (value, not_applicable, note) == was:
            continue
        if earlier is None:
            Score.objects.create(
                review=review, criterion=criterion, value=value, not_applicable=not_applicable, note=note
            )
        else:
            earlier.value, earlier.not_applicable, earlier.note = value, not_applicable, note
            earlier.save(update_fields=["value", "not_applicable", "note"])
        parts = (("", value != was[0]), ("-na", not_applicable != was[1]), ("-note", note != was[2]))
        changed += [f"criterion-{criterion.pk}{part}" for part, differs in parts if differs]
    return changed


def save_field(review: Review, key: str, raw: Any, *, actor: Actor, revision: int | None) -> Review:
    """Keep one field of the review's page, by its key there; see ``save_review``."""
    if key in FIELDS and key != "scores":
        return save_review(review, actor=actor, revision=revision, **{key: raw})
    name, _dash, rest = key.partition("-")
    number, _dash, part = rest.partition("-")
    parts = {"": "value", "note": "note", "na": "not_applicable"}
    if name != "criterion" or part not in parts or not number.isdecimal():
        raise DomainError(_("This field does not belong to the review."), code="unknown_field")
    if part == "na":
        raw = raw == NOT_APPLICABLE
    return save_review(review, actor=actor, revision=revision, scores={number: {parts[part]: raw}})


def problems_of(review: Review) -> list[Problem]:
    """Return what is missing before ``review`` can be submitted, each with the place on the page."""
    problems = []
    held = {score.criterion_id: score for score in review.scores.all()}
    for criterion in review.run.stage.criteria.all():
        score = held.get(criterion.pk)
        if score is None or (score.value is None and not score.not_applicable):
            text = (
                gettext_lazy("“{name}” has not been checked.")
                if criterion.kind == CriterionKind.CHECK
                else gettext_lazy("“{name}” has no score.")
            )
            anchor = f"criterion-{criterion.pk}"
            problems.append(Problem(format_lazy(text, name=criterion.label), field=anchor, anchor=anchor))
    if not review.opinion:
        problems.append(Problem(gettext_lazy("Choose a recommendation."), "opinion", "opinion"))
    if review.confidence is None:
        problems.append(Problem(gettext_lazy("Say how well you know the field."), "confidence", "confidence"))
    if not review.comment_committee.strip():
        problems.append(
            Problem(
                gettext_lazy("Write your reasons for the committee."),
                "comment_committee",
                "comment_committee",
            )
        )
    return problems


def submit_review(review: Review, *, actor: Actor, pledge: bool, revision: int | None = None) -> Review:
    """Submit the draft as it is saved, with its score fixed; a second submission is the same as the first.

    ``pledge`` is the reviewer's word that the review is their own, independent and confidential. Raises ``DomainError``
    with ``problems`` when something is missing. The stage completes when this was the last opinion it waited for.
    """
    with transaction.atomic():
        _lock_with_application(review)
        require(actor, "funding.write_review", review)
        if review.state == ReviewState.SUBMITTED:
            return review
        _refuse_unless_written(review)
        if revision is not None and review.revision > revision:
            raise Stale(current=review)
        problems = problems_of(review)
        if not pledge:
            problems.append(Problem(gettext_lazy("Confirm the pledge of integrity."), "pledge", "pledge"))
        if problems:
            raise DomainError(_("The review is not complete yet."), code="incomplete", problems=problems)
        now = timezone.now()
        score = score_of_draft(review)
        advance(
            review,
            "submit",
            actor=actor,
            changes={"submitted_at": now, "updated_at": now, "score": score},
            pledge=True,
        )
        run = _run_of(review)
        if run.state == RunState.ACTIVE:
            stages.settle(run, actor=SYSTEM)
    return review


def score_of_draft(review: Review) -> Decimal | None:
    """Return the weighted score of what is marked so far, out of 100, or None."""
    criteria = {criterion.pk: criterion for criterion in review.run.stage.criteria.all()}
    return stages.score_of(
        (criteria[row.criterion_id], row.value, row.not_applicable) for row in review.scores.all()
    )


# --- helpers -------------------------------------------------------------------------------------------------------


_locked: Final = Prepared[Review](
    lambda pk: (
        Review.objects.select_for_update(of=("self",))
        .select_related("reviewer", "run__stage")
        .filter(pk=pk)
        .order_by()
    ),
    pk=-1,
)


def _lock_with_application(review: Review) -> None:
    """Lock the application, then the review, and bring ``review`` up to date with what is stored."""
    application = stages._lock(review.application_id)
    held = _locked.get(pk=review.pk)
    review.__dict__.update(
        {field.attname: getattr(held, field.attname) for field in Review._meta.concrete_fields}
    )
    review.__dict__.pop("_prefetched_objects_cache", None)  # a page may hold the marks as they were
    review.application = held.run.application = application
    review.reviewer, review.run = held.reviewer, held.run


def _run_of(review: Review) -> StageRun:
    review.run.application = review.application
    return review.run
