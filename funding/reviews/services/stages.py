"""The driver: one application's way through its call's stages.

Everything here locks the application first, then its run, so that two people or two workers never move it at once; each
function may be called again with the same facts and then changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.applications.models import Application
from funding.applications.services import reject_application, return_application
from funding.applications.states import ApplicationState
from funding.calls.models import Criterion, Stage
from funding.calls.states import Acts, Completion, CriterionKind, OnNegative, StageKind
from funding.reviews.models import Review, Score, StageRun
from funding.reviews.scoring import Mark, weighted_score
from funding.reviews.services.conflicts import refuse_conflicted
from funding.reviews.services.copies import ask_for_copies
from funding.reviews.services.namesakes import match_application
from funding.reviews.services.telling import (
    acting_people,
    day,
    link_of_run,
    name_of_applicant,
    name_of_stage,
    tell,
    tell_reviewer,
)
from funding.reviews.states import (
    NEGATIVE,
    OPEN_REVIEWS,
    OPINIONS_OF_STAGE,
    AutomaticNote,
    Opinion,
    ReviewState,
    RunState,
)
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import record
from park_portal.core.calendar.services import deadline
from park_portal.core.errors import DomainError, Problem, Text
from park_portal.core.prepared import Prepared
from park_portal.core.text import both, clean
from park_portal.core.workflow import SYSTEM, Actor, advance, require

UNDER_WAY: Final = (RunState.ACTIVE, RunState.PAUSED)
DAYS_TO_CHANGE: Final = (
    5  # working days an applicant gets for changes, unless whoever returns it says otherwise
)
LONGEST_COMMENT: Final = 8000
LONGEST_NOTE: Final = 1000


# --- what happens by itself ----------------------------------------------------------------------------------------


def on_submitted(application_id: int) -> StageRun | None:
    """Begin the stages of a submitted application and return the run entered; None when they have begun."""
    with transaction.atomic():
        application = _lock(application_id)
        ask_for_copies(application)
        if application.state != ApplicationState.IN_REVIEW or application.runs.exists():
            return None
        return _enter_next(application)


def on_resubmitted(application_id: int) -> StageRun | None:
    """Go on where the application was when it was returned; the stage's full period begins again."""
    with transaction.atomic():
        application = _lock(application_id)
        ask_for_copies(application)
        if application.state != ApplicationState.IN_REVIEW:
            return None
        run = application.runs.under_way().select_related("stage").first()
        if run is None:
            return _enter_next(application)
        run.application = application
        if run.stage.acts == Acts.EXPERT:
            match_application(application)  # another team, another list
        if run.state != RunState.PAUSED:
            _set_place(application, run.stage, run.due_at)
            return None
        due = deadline(timezone.now(), run.stage.working_days)
        advance(run, "resume", actor=SYSTEM, changes={"due_at": due})
        _set_place(application, run.stage, due)
        _tell_of_turn(run, key=f"{run.pk}:{due.isoformat()}")
        return run


def on_withdrawn(application_id: int) -> None:
    """Stop the run of a withdrawn application and release its reviewers."""
    with transaction.atomic():
        application = _lock(application_id)
        if application.state != ApplicationState.WITHDRAWN:
            return
        for run in application.runs.under_way().select_related("stage"):
            run.application = application
            changes = {"finished_at": timezone.now(), "note": AutomaticNote.WITHDRAWN.value}
            advance(run, "stop", actor=SYSTEM, changes=changes)
            _release_open(run, WITHDRAWN)
        _set_place(application, None, None)


def on_returned(application_id: int) -> None:
    """Pause the run of an application that was returned outside its stage, by an act of the office."""
    with transaction.atomic():
        application = _lock(application_id)
        if application.state != ApplicationState.RETURNED:
            return
        for run in application.runs.filter(state=RunState.ACTIVE).select_related("stage"):
            run.application = application
            advance(run, "pause", actor=SYSTEM)
            _set_place(application, run.stage, application.due_at)


def on_rejected(application_id: int) -> None:
    """End the run of an application that was rejected outside its stage, and release its reviewers."""
    with transaction.atomic():
        application = _lock(application_id)
        if application.state != ApplicationState.REJECTED:
            return
        for run in application.runs.under_way().select_related("stage"):
            run.application = application
            advance(run, "reject", actor=SYSTEM, changes={"finished_at": timezone.now()})
            _release_open(run, ENOUGH)
        _set_place(application, None, None)


# --- moving along --------------------------------------------------------------------------------------------------


def enter_stage(application: Application, stage: Stage, *, actor: Actor = SYSTEM) -> StageRun:
    """Enter ``stage``, or skip it with a note where it cannot apply, and return the run; twice is the same as once."""
    with transaction.atomic():
        application = _lock(application.pk)
        held = StageRun.objects.filter(application=application, stage=stage).first()
        if held is not None:
            return held
        now = timezone.now()
        run = StageRun.objects.create(
            application=application, stage=stage, entered_at=now, due_at=deadline(now, stage.working_days)
        )
        record("stage_run.enter", run, actor=actor, after={"stage": stage.pk, "due_at": run.due_at})
        why = _why_skipped(application, stage)
        if why:
            advance(run, "skip", actor=SYSTEM, changes={"finished_at": now, "note": why})
            return run
        _set_place(application, stage, run.due_at)
        if stage.acts == Acts.EXPERT:
            match_application(application)
        _tell_of_turn(run, key=str(run.pk))
        if stage.kind != StageKind.NOTICE:  # whether they are on it, they are told when it is published
            _tell_applicant(run)
    return run


def _why_skipped(application: Application, stage: Stage) -> str:
    if not application.goes_through(stage):
        return AutomaticNote.NOT_A_PROJECT.value
    return ""


def _enter_next(application: Application) -> StageRun | None:
    """Enter the first stage that has no run yet, skipping those that do not apply; None when there is none left."""
    seen = set(application.runs.values_list("stage_id", flat=True))
    for stage in application.call.stages.order_by("position"):
        if stage.pk in seen:
            continue
        run = enter_stage(application, stage)
        if run.state != RunState.SKIPPED:
            return run
    _set_place(application, None, None)
    return None


def complete_run(run: StageRun, *, actor: Actor, outcome: str, note: str = "") -> StageRun:
    """Close the stage by hand: ``outcome`` is “passed” or “rejected”; a reason is asked of people.

    A public notice passes by itself, and a decision is only completed by releasing it.
    """
    if outcome not in (RunState.PASSED, RunState.REJECTED):
        raise DomainError(
            _("Choose whether the stage is passed or not."), code="unknown_outcome", field="outcome"
        )
    with transaction.atomic():
        application = _lock(run.application_id)
        held = _lock_run(run.pk, application)
        if held.state == outcome:
            return held
        require(actor, "funding.complete_stage", held)
        _refuse_unless_active(held)
        if held.stage.kind == StageKind.DECISION:
            raise DomainError(_("Decisions are completed by releasing them."), code="decision")
        if not isinstance(actor, type(SYSTEM)) and not note.strip():
            raise DomainError(_("Say why you close this stage by hand."), code="required", field="note")
        if outcome == RunState.PASSED:
            _refuse_early_notice(held)
        _complete(held, actor=actor, outcome=outcome, note=_clean(note))
        return held


def complete_decision(application: Application, *, actor: Actor) -> StageRun | None:
    """End the way of an application whose decision was released; whatever stage it was in is over."""
    with transaction.atomic():
        application = _lock(application.pk)
        run = application.runs.under_way().select_related("stage").first()
        if run is not None:
            run.application = application
            changes = {"finished_at": timezone.now()}
            if run.stage.kind == StageKind.DECISION and run.state == RunState.ACTIVE:
                advance(run, "pass", actor=actor, changes=changes)
            else:
                advance(
                    run,
                    "stop",
                    actor=SYSTEM,
                    changes={**changes, "note": AutomaticNote.DECIDED.value},
                )
            _release_open(run, DECIDED)
        _set_place(application, None, None)
    return run


def set_due(run: StageRun, *, actor: Actor, due_at: datetime, reason: str) -> StageRun:
    """Give the stage, and the open reviews that were due with it, another deadline."""
    require(actor, "funding.assign_reviews", run)
    if due_at <= timezone.now():
        raise DomainError(_("The new deadline lies in the past."), code="past", field="due_at")
    with transaction.atomic():
        application = _lock(run.application_id)
        held = _lock_run(run.pk, application)
        _refuse_unless_active(held)
        if application.notice_until is not None:
            raise DomainError(_("The end of a public notice is fixed once it is published."), code="notice")
        before, held.due_at = held.due_at, due_at
        held.save(update_fields=["due_at"])
        record(
            "stage_run.set_due",
            held,
            actor=actor,
            before={"due_at": before},
            after={"due_at": due_at},
            reason=_clean(reason),
        )
        moved = held.reviews.filter(state__in=OPEN_REVIEWS, due_at__lt=due_at)
        for review in moved.select_for_update(of=("self",)):
            earlier, review.due_at = review.due_at, due_at
            review.save(update_fields=["due_at"])
            record(
                "review.set_due", review, actor=actor, before={"due_at": earlier}, after={"due_at": due_at}
            )
        _set_place(application, held.stage, due_at)
    return held


def _complete(run: StageRun, *, actor: Actor, outcome: str, note: str) -> None:
    """Finish ``run`` (locked with its application) and move the application on or reject it."""
    application = run.application
    name = "pass" if outcome == RunState.PASSED else "reject"
    advance(run, name, actor=actor, changes={"finished_at": timezone.now(), "note": note}, reason=note)
    _release_open(run, ENOUGH)
    if outcome == RunState.PASSED:
        _enter_next(application)
        return
    reject_application(application, actor=actor, reason=note)
    _set_place(_lock(application.pk), None, None)


def settle(run: StageRun, *, actor: Actor, note: str = "") -> bool:
    """Complete ``run`` (locked with its application) if its rule is met; return whether it was."""
    stage = run.stage
    opinions = list(run.reviews.submitted().values_list("opinion", flat=True))
    if Opinion.REJECT in opinions:
        _complete(run, actor=actor, outcome=RunState.REJECTED, note=note)
        return True
    if stage.completion in (Completion.STAFF, Completion.TIME) or len(opinions) < stage.required_count:
        return False
    if stage.completion == Completion.ALL and run.reviews.open().exists():
        return False
    ends = stage.on_negative == OnNegative.REJECT and any(opinion in NEGATIVE for opinion in opinions)
    note = (note or _reasons(run)) if ends else ""
    _complete(run, actor=actor, outcome=RunState.REJECTED if ends else RunState.PASSED, note=note)
    return True


def _reasons(run: StageRun) -> str:
    """Return what those who spoke against the application wrote for the applicant, or that they did."""
    against = run.reviews.submitted().filter(opinion__in=NEGATIVE).values_list("comment_applicant", flat=True)
    written = "\n\n".join(text for text in against if text)
    return written or " / ".join(
        both(lambda: _("The opinions given speak against the application.")).values()
    )


# --- opinions of those who act from a queue ------------------------------------------------------------------------


def act_in_stage(
    run: StageRun,
    *,
    actor: User,
    opinion: str,
    checks: Mapping[int, str] | None = None,
    scores: Mapping[int, Mapping[str, Any]] | None = None,
    comment_committee: str = "",
    comment_applicant: str = "",
    items: Mapping[str, str] | None = None,
    due_at: datetime | None = None,
) -> StageRun:
    """Give one opinion in a stage that is worked from a queue (all but expert review and decision); return the run.

    ``checks`` is {criterion id: "met", "not_met" or "na"}; ``scores`` is {criterion id: {"value",
    "not_applicable", "note"}}. To return, name the questions to open: ``items`` is {question key: what to change},
    ``comment_applicant`` the message, ``due_at`` the deadline. The same person's second click changes nothing;
    another person's later opinion in a stage that is already complete is a ``DomainError`` that says who was
    first.
    """
    with transaction.atomic():
        application = _lock(run.application_id)
        held = _lock_run(run.pk, application)
        refuse_conflicted([application], actor)
        require(actor, "funding.act_in_stage", held)
        mine = held.reviews.filter(reviewer=actor, state=ReviewState.SUBMITTED).first()
        if mine is not None and mine.opinion == opinion:
            return held
        _refuse_unless_active(held)
        if mine is not None:
            raise DomainError(_("You have already given your opinion here."), code="already_done")
        if opinion not in OPINIONS_OF_STAGE[StageKind(held.stage.kind)]:
            raise DomainError(_("Choose one of the opinions."), code="unknown_opinion", field="opinion")
        if opinion == Opinion.RETURN:
            _return(held, actor=actor, items=items or {}, message=_clean(comment_applicant), due_at=due_at)
            return held
        _check_reason(opinion, comment_committee, comment_applicant)
        rows = _rows_of(held.stage, opinion, checks or {}, scores or {})
        review = _write_opinion(
            held, actor, rows, opinion, _clean(comment_committee), _clean(comment_applicant)
        )
        note = review.comment_applicant or review.comment_committee
        settle(held, actor=actor, note=note)
        return held


def conclude_panel(
    run: StageRun, *, actor: User, opinion: str, score: Decimal | None, comment: str
) -> StageRun:
    """Complete a panel stage with what the panel recommends, and return the run; the same again changes nothing.

    The caller has checked that ``actor`` speaks for the panel; the opinion stands under their name. ``score`` is out of
    100. A negative opinion ends the application only where the stage says so.
    """
    with transaction.atomic():
        application = _lock(run.application_id)
        held = _lock_run(run.pk, application)
        mine = held.reviews.filter(reviewer=actor, state=ReviewState.SUBMITTED).first()
        if (
            mine is not None
            and mine.opinion == opinion
            and held.state in (RunState.PASSED, RunState.REJECTED)
        ):
            return held
        _refuse_unless_active(held)
        if held.stage.kind != StageKind.PANEL:
            raise DomainError(_("This stage is not worked by a panel."), code="no_panel")
        if opinion not in OPINIONS_OF_STAGE[StageKind.PANEL]:
            raise DomainError(_("Choose one of the opinions."), code="unknown_opinion", field="opinion")
        _check_reason(opinion, comment, "")
        _write_opinion(held, actor, [], opinion, _clean(comment), "", score=score)
        ends = held.stage.on_negative == OnNegative.REJECT and opinion in NEGATIVE
        note = _reasons(held) if ends else ""
        _complete(held, actor=SYSTEM, outcome=RunState.REJECTED if ends else RunState.PASSED, note=note)
        return held


def _return(
    run: StageRun, *, actor: User, items: Mapping[str, str], message: str, due_at: datetime | None
) -> None:
    due = due_at or deadline(timezone.now(), DAYS_TO_CHANGE)
    if due <= timezone.now():
        raise DomainError(_("The deadline for the changes lies in the past."), code="past", field="due_at")
    advance(run, "pause", actor=actor, reason=message)
    return_application(
        run.application, actor=actor, items=dict(items), message=message, due_at=due, stage=run.stage
    )
    _set_place(_lock(run.application_id), run.stage, due)


def _check_reason(opinion: str, comment_committee: str, comment_applicant: str) -> None:
    if opinion == Opinion.REJECT and not comment_applicant.strip():
        raise DomainError(
            _("Say why: the applicant reads this reason."), code="required", field="comment_applicant"
        )
    if opinion in (Opinion.OBJECT, Opinion.DO_NOT_FUND) and not comment_committee.strip():
        raise DomainError(
            _("Say why: those who decide read this reason."), code="required", field="comment_committee"
        )


def _rows_of(
    stage: Stage, opinion: str, checks: Mapping[int, str], scores: Mapping[int, Mapping[str, Any]]
) -> list[tuple[Criterion, Decimal | None, bool, str]]:
    """Return (criterion, value, not applicable, note) of what was filled in; raises for what is missing or wrong."""
    rows: list[tuple[Criterion, Decimal | None, bool, str]] = []
    problems: list[Problem] = []
    complete = opinion not in (Opinion.REJECT, Opinion.OBJECT)
    for criterion in stage.criteria.all():
        anchor = f"criterion-{criterion.pk}"
        if criterion.kind == CriterionKind.CHECK:
            answer = checks.get(criterion.pk, "")
            if answer == "met":
                rows.append((criterion, Decimal(1), False, ""))
            elif answer == "na" and criterion.allow_na:
                rows.append((criterion, None, True, ""))
            elif answer == "not_met":
                rows.append((criterion, Decimal(0), False, ""))
                if opinion == Opinion.PASS:
                    problems.append(Problem(_not_met(criterion), field=anchor, anchor=anchor))
            elif complete:
                text = format_lazy(gettext_lazy("“{name}” has not been checked."), name=criterion.label)
                problems.append(Problem(text, field=anchor, anchor=anchor))
            continue
        given = scores.get(criterion.pk) or {}
        value, not_applicable, note = parse_score(criterion, given)
        if value is not None or not_applicable:
            rows.append((criterion, value, not_applicable, note))
        elif complete:
            text = format_lazy(gettext_lazy("“{name}” has no score."), name=criterion.label)
            problems.append(Problem(text, field=anchor, anchor=anchor))
    if problems:
        raise DomainError(problems[0].message, code="incomplete", problems=problems)
    return rows


def _not_met(criterion: Criterion) -> Text:
    return format_lazy(
        gettext_lazy("“{name}” is not met: return the application for changes or reject it."),
        name=criterion.label,
    )


def _note_of(given: Mapping[str, Any], anchor: str) -> str:
    if not isinstance(given.get("note"), str | None):
        raise DomainError(_("This is not a text."), code="type", field=anchor)
    note = clean(given.get("note") or "").strip()
    if len(note) > LONGEST_NOTE:
        raise DomainError(
            _("At most %(most)d characters; these are %(count)d. Nothing is lost: shorten it and go on.")
            % {"most": LONGEST_NOTE, "count": len(note)},
            code="too_long",
            field=anchor,
        )
    return note


def parse_score(criterion: Criterion, given: Mapping[str, Any]) -> tuple[Decimal | None, bool, str]:
    """Return (value, not applicable, note) as stored; raises ``DomainError`` for what is no mark of ``criterion``."""
    anchor = f"criterion-{criterion.pk}"
    note = _note_of(given, f"{anchor}-note")
    if given.get("not_applicable"):
        if not criterion.allow_na:
            raise DomainError(
                _("“%(name)s” always applies.") % {"name": criterion.label}, code="not_na", field=anchor
            )
        return None, True, note
    raw = str("" if given.get("value") is None else given["value"]).strip()
    if raw == "":
        return None, False, note
    try:
        value = Decimal(raw[:20])
        in_range = 0 <= value <= criterion.max_score  # a comparison with NaN raises, too
    except ArithmeticError:
        in_range = False
    if not in_range:
        raise DomainError(
            _("“%(name)s”: a number from 0 to %(highest)d, please.")
            % {"name": criterion.label, "highest": criterion.max_score},
            code="score_range",
            field=anchor,
        )
    return value.quantize(Decimal("0.01")), False, note


def _write_opinion(
    run: StageRun,
    actor: User,
    rows: Sequence[tuple[Criterion, Decimal | None, bool, str]],
    opinion: str,
    comment_committee: str,
    comment_applicant: str,
    *,
    score: Decimal | None = None,
) -> Review:
    """Write the opinion of ``actor`` down; its score is that of the marks, or where a panel has none, ``score``."""
    now = timezone.now()
    try:
        with transaction.atomic():
            review = Review.objects.create(
                run=run,
                application=run.application,
                reviewer=actor,
                assigned_by=actor,
                assigned_at=now,
                due_at=run.due_at,
            )
    except IntegrityError as error:
        raise conflict_refused(error) from error
    review.application = run.application
    advance(review, "accept", actor=actor, changes={"accepted_at": now})
    Score.objects.bulk_create(
        Score(review=review, criterion=criterion, value=value, not_applicable=na, note=note)
        for criterion, value, na, note in rows
    )
    advance(
        review,
        "submit",
        actor=actor,
        changes={
            "opinion": opinion,
            "submitted_at": now,
            "updated_at": now,
            "comment_committee": comment_committee,
            "comment_applicant": comment_applicant,
            "score": score_of((criterion, value, na) for criterion, value, na, _note in rows)
            if rows
            else score,
        },
    )
    return review


def score_of(rows: Iterable[tuple[Criterion, Decimal | None, bool]]) -> Decimal | None:
    """Return the weighted score of (criterion, value, not applicable) rows; checks do not count."""
    return weighted_score(
        Mark(value, criterion.weight, criterion.max_score, na)
        for criterion, value, na in rows
        if criterion.kind == CriterionKind.SCORE
    )


def conflict_refused(error: IntegrityError) -> Exception:
    """Return what to raise for a review the database refused."""
    if "conflict of interest" in str(error):
        return DomainError(
            _("There is a conflict of interest: this person belongs to the applicant or is barred here."),
            code="conflict_of_interest",
        )
    return error


@dataclass
class BulkResult:
    """What an act on many did: how many, and for whom not, with the reason."""

    done: int = 0
    refused: list[tuple[str, Text]] = field(default_factory=list)


# --- helpers -------------------------------------------------------------------------------------------------------


WITHDRAWN: Final = {"zh-hans": "申请人已撤回申请。", "en": "The applicant has withdrawn it."}
DECIDED: Final = {"zh-hans": "立项决定已经作出。", "en": "The decision has been made."}
ENOUGH: Final = {
    "zh-hans": "评审意见已经足够，本环节已结束。",
    "en": "Enough opinions are in and the stage is over.",
}


def _clean(text: str) -> str:
    return clean(text).strip()[:LONGEST_COMMENT]


_locked: Final = Prepared[Application](
    lambda pk: (
        Application.objects.select_for_update(of=("self",))
        .select_related("call__lead", "current_stage", "organisation", "project")
        .filter(pk=pk)
        .order_by()
    ),
    pk=-1,
)
_locked_run: Final = Prepared[StageRun](
    lambda pk: (
        StageRun.objects.select_for_update(of=("self",)).select_related("stage").filter(pk=pk).order_by()
    ),
    pk=-1,
)


def _lock(application_id: int) -> Application:
    return _locked.get(pk=application_id)


def _lock_run(run_id: int, application: Application) -> StageRun:
    run = _locked_run.get(pk=run_id)
    run.application = application
    return run


def _refuse_unless_active(run: StageRun) -> None:
    if run.state == RunState.ACTIVE and run.application.state == ApplicationState.IN_REVIEW:
        return
    if run.state == RunState.PAUSED or run.application.state == ApplicationState.RETURNED:
        raise DomainError(
            _("%(number)s is with the applicant for changes.") % {"number": run.application.number},
            code="with_applicant",
        )
    last = run.reviews.submitted().select_related("reviewer").order_by("-submitted_at").first()
    if last is not None and last.submitted_at is not None:
        raise DomainError(
            _("%(person)s has already dealt with this (%(opinion)s, %(time)s). Nothing was changed.")
            % {
                "person": last.reviewer,
                "opinion": last.get_opinion_display(),
                "time": timezone.localtime(last.submitted_at).strftime("%Y-%m-%d %H:%M"),
            },
            code="already_done",
        )
    raise DomainError(_("This stage is already over. Nothing was changed."), code="already_done")


def _refuse_early_notice(run: StageRun) -> None:
    if run.stage.kind == StageKind.NOTICE:
        raise DomainError(
            _(
                "A public notice passes by itself: when it was published, its period is over and every objection is "
                "answered."
            ),
            code="too_early",
        )


def _set_place(application: Application, stage: Stage | None, due_at: datetime | None) -> None:
    """Write down at which stage the application is and until when."""
    if application.current_stage_id == (stage.pk if stage else None) and application.due_at == due_at:
        return
    before = {"current_stage": application.current_stage_id, "due_at": application.due_at}
    application.current_stage, application.due_at, application.updated_at = stage, due_at, timezone.now()
    application.save(update_fields=["current_stage", "due_at", "updated_at"])
    after = {"current_stage": application.current_stage_id, "due_at": due_at}
    record("application.place", application, actor=SYSTEM, before=before, after=after)


def _release_open(run: StageRun, reason: Mapping[str, str]) -> None:
    for review in run.reviews.open().select_related("reviewer"):
        review.application = run.application
        advance(review, "release", actor=SYSTEM, changes={"released_at": timezone.now()})
        tell_reviewer("review.released", review, key=f"{review.pk}:{run.pk}", reason=reason)


def _tell_of_turn(run: StageRun, *, key: str) -> None:
    application = run.application
    people = acting_people(run)
    common: dict[str, Any] = {"applicant": name_of_applicant(application)}
    link = link_of_run(run)
    if run.stage.acts == Acts.LIAISON:
        if not people:
            tell(
                "review.no_liaison",
                application=application,
                recipients=[application.call.lead],
                key=key,
                link=link,
                **common,
            )
            return
        kind = "review.task_liaison"
    else:
        kind = "review.task_staff"
    tell(
        kind,
        application=application,
        recipients=people,
        key=key,
        link=link,
        stage=name_of_stage(run.stage),
        due=day(run.due_at),
        **common,
    )


def _tell_applicant(run: StageRun) -> None:
    if not run.application.runs.exclude(pk=run.pk).exists():
        return  # the receipt has just told them
    tell(
        "review.stage_entered",
        application=run.application,
        recipients=run.application.people(),
        key=str(run.pk),
        link=run.application.get_absolute_url(),
        stage=name_of_stage(run.stage),
        due=day(run.due_at),
    )
