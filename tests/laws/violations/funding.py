"""Attempts on the rules of calls and funds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from funding.calls.models import LONGEST, Call
from funding.models import Application, Review
from tests.factories import number
from tests.laws.violations import Breach, breaks, changed, repeated
from tests.laws.violations.rows import delete, row, update

CALL, APPLICATION, REVIEW = "funding.Call", "funding.Application", "funding.Review"


# --- calls

breaks("fund_size_positive")(changed("funding.Fund", size_fen=-1))
breaks("call_closes_after_opening")(changed(CALL, closes_at=lambda call: call.opens_at))
breaks("call_amounts_in_order")(changed(CALL, min_amount_fen=2, max_amount_fen=1))
breaks("call_has_applicants")(changed(CALL, applicants=[]))
breaks("call_question_once")(repeated("funding.CallQuestion", "call", "question"))
breaks("call_purpose_once")(repeated("funding.CallQuestion", "call", purpose="title"))
breaks("stage_position_once")(repeated("funding.Stage", "call", "position"))
breaks("call_text_once")(repeated("funding.CallText", "call", "kind"))


@breaks("call_times_possible")
def times_out_of_reach() -> dict[str, Breach]:
    call, early = row(CALL), datetime(1999, 12, 31, tzinfo=UTC)
    late = call.opens_at + LONGEST + timedelta(seconds=1)
    return {
        "update: too early": lambda: update(call, opens_at=early, closes_at=early + timedelta(days=1)),
        "update: too long": lambda: update(call, closes_at=late),
    }


@breaks("call_amounts_positive")
def amounts_below_zero() -> dict[str, Breach]:
    call = row(CALL)
    return {
        f"update: {field}": lambda field=field: update(call, **{field: -1})
        for field in ("budget_fen", "min_amount_fen")
    }


def publish(call: Call) -> Call:
    update(call, state="published")
    return call


@breaks("call_terms_fixed")
def other_terms() -> dict[str, Breach]:
    call = publish(row(CALL, min_amount_fen=5, max_amount_fen=9, last_number=1))
    values = {
        "code": f"OTHER{number()}",
        "fund": row("funding.Fund"),
        "outcome": "prize",
        "track": "ai",
        "applicants": ["project"],
        "min_amount_fen": 6,
        "max_amount_fen": 8,
        "closes_at": call.closes_at - timedelta(seconds=1),
    }
    return {
        f"update: {field}": lambda field=field, value=value: update(call, **{field: value})
        for field, value in values.items()
    }


def _fixed(name: str, label: str, path: str = "call", **needed: Any) -> None:
    """What belongs to a published call neither comes, nor changes, nor goes, nor is brought from another call."""

    @breaks(name)
    def prepare() -> dict[str, Breach]:
        def own(call: Call) -> dict[str, Any]:
            if path == "call":
                return {"call": call, **{key: row(of, call=call) for key, of in needed.items()}}
            return {path: row(needed[path], call=call)}

        call, other = row(CALL), row(CALL)
        mine, foreign = own(call), row(label, **own(other))
        obj = row(label, **mine)
        publish(call)
        return {
            "insert": lambda: row(label, **mine),
            "update": lambda: update(obj, position=number()),
            "update: from another call": lambda: update(foreign, **{path: mine[path]}),
            "delete": lambda: delete(obj),
        }


_fixed("section_fixed", "funding.Section")
_fixed("call_question_fixed", "funding.CallQuestion", section="funding.Section")
_fixed("eligibility_rule_fixed", "funding.EligibilityRule")
_fixed("stage_fixed", "funding.Stage")
_fixed("criterion_fixed", "funding.Criterion", "stage", stage="funding.Stage")


@breaks("question_identity_fixed")
def other_question() -> dict[str, Breach]:
    question = row("funding.Question")
    return {
        "update: key": lambda: update(question, key=f"other_{number()}"),
        "update: kind": lambda: update(question, kind="number"),
    }


# --- applications

breaks("application_has_applicant")(changed(APPLICATION, organisation=None))
breaks("application_in_review_is_submitted")(changed(APPLICATION, state="in_review"))
breaks("application_amount_positive")(changed(APPLICATION, amount_fen=-1))
breaks("application_one_draft_of_organisation")(repeated(APPLICATION, "call", "organisation"))
breaks("application_one_draft_of_project")(
    repeated(APPLICATION, "call", "project", kind="project", project=lambda: row("incubator.ResearchProject"))
)
breaks("funding_application_number_key")(
    repeated(APPLICATION, "number", number="AIBT-1", submitted_at=timezone.now())
)
breaks("answer_once")(repeated("funding.Answer", "application", "question"))
breaks("version_once")(repeated("funding.Version", "application", "number"))
breaks("return_open_once")(repeated("funding.Return", "application"))
breaks("return_item_once")(repeated("funding.ReturnItem", "returned", "question"))


@breaks("application_numbered_when_submitted")
def numbered_by_half() -> dict[str, Breach]:
    application = row(APPLICATION)
    return {
        "update: a number and no time": lambda: update(application, number="AIBT-1"),
        "update: a time and no number": lambda: update(application, submitted_at=timezone.now()),
    }


@breaks("application_identity_fixed")
def other_application() -> dict[str, Breach]:
    application = row(APPLICATION, project=row("incubator.ResearchProject"))
    values = {
        "call": row(CALL),
        "kind": "project",
        "created_by": row("core.User"),
        "created_at": timezone.now(),
    }
    return {
        f"update: {field}": lambda field=field, value=value: update(application, **{field: value})
        for field, value in values.items()
    }


def submit(application: Application) -> Application:
    update(application, state="in_review", number=f"AIBT-{number()}", submitted_at=timezone.now())
    return application


def _only_while_editable(name: str, label: str, **changes: Any) -> None:
    @breaks(name)
    def prepare() -> dict[str, Breach]:
        obj = row(label)
        submit(obj.application)
        return {
            "insert": lambda: row(label, application=obj.application),
            "update": lambda: update(obj, **changes),
        }


_only_while_editable("answer_only_while_editable", "funding.Answer", value="other")
_only_while_editable(
    "answer_file_only_while_editable", "funding.AnswerFile", removed_at=datetime(2026, 1, 1, tzinfo=UTC)
)


# --- reviews

breaks("stage_run_one_at_a_time")(repeated("funding.StageRun", "application"))
breaks("review_once")(repeated(REVIEW, "run", "reviewer"))
breaks("score_once")(repeated("funding.Score", "review", "criterion"))
breaks("score_not_negative")(changed("funding.Score", value=-1))
breaks("conflict_once")(repeated("funding.Conflict", "person", "application", "kind"))


@breaks("stage_run_once")
def stage_run_twice() -> dict[str, Breach]:
    run = row("funding.StageRun")
    update(run, state="passed")
    return {"insert": lambda: row("funding.StageRun", application=run.application, stage=run.stage)}


@breaks("review_submitted_has_opinion")
def submitted_by_half() -> dict[str, Breach]:
    review = row(REVIEW)
    update(review, state="accepted")
    return {
        "update: no opinion": lambda: update(review, state="submitted", submitted_at=timezone.now()),
        "update: no time": lambda: update(review, state="submitted", opinion="fund"),
    }


@breaks("review_score_in_range")
def score_off_the_scale() -> dict[str, Breach]:
    review = row(REVIEW)
    return {f"update: {score}": lambda score=score: update(review, score=score) for score in (-1, 101)}


@breaks("review_identity_fixed")
def other_review() -> dict[str, Breach]:
    review, other = row(REVIEW), row(REVIEW)
    return {
        f"update: {field}": lambda field=field: update(review, **{field: getattr(other, field)})
        for field in ("run", "application", "reviewer")
    }


@breaks("review_refuses_conflict")
def reviewed_by_one_of_their_own() -> dict[str, Breach]:
    person = row("core.User")
    started = row("funding.StageRun", stage=row("funding.Stage", acts="officer"))
    company, project = row("incubator.Organisation"), row("incubator.ResearchProject")

    def asked(application: Application, **run: Any) -> Breach:
        values = {"run": row("funding.StageRun", application=application, **run), "application": application}
        return lambda: row(REVIEW, reviewer=person, **values)

    recorded, again = row(APPLICATION), row(APPLICATION)
    row("funding.Conflict", person=person, application=recorded)
    row("incubator.Membership", user=person, organisation=company)
    row("incubator.ProjectMember", user=person, project=project, role="member")
    led = row("incubator.ResearchProject")
    update(led, pi_user=person)
    employer, university = row("incubator.Organisation"), row("incubator.Organisation", kind="university")
    row("funding.Reviewer", user=person, organisation=employer)
    colleague = row("core.User")
    row("funding.Reviewer", user=colleague, organisation=university)
    expert = row("funding.Stage", acts="expert")
    from_university = row(
        APPLICATION, kind="project", project=row("incubator.ResearchProject", university=university)
    )
    run_of_university = row("funding.StageRun", application=from_university, stage=expert)
    declined = row(REVIEW, reviewer=person, application=again, run=started)
    update(declined, state="declined")
    row("funding.Conflict", person=person, application=again)
    return {
        "insert: conflict on record": asked(recorded),
        "insert: member of the company": asked(row(APPLICATION, organisation=company)),
        "insert: on the team": asked(row(APPLICATION, kind="project", project=project)),
        "insert: leads the project": asked(row(APPLICATION, kind="project", project=led)),
        "insert: employed there": asked(row(APPLICATION, organisation=employer), stage=expert),
        "insert: of the same university": lambda: row(
            REVIEW, reviewer=colleague, run=run_of_university, application=from_university
        ),
        "update: asked again": lambda: update(declined, state="assigned"),
    }


def submit_review(review: Review) -> Review:
    update(review, state="accepted")
    update(review, state="submitted", opinion="fund", submitted_at=timezone.now())
    return review


@breaks("review_submitted_fixed")
def other_opinion() -> dict[str, Breach]:
    review = submit_review(row(REVIEW))
    values = {"opinion": "reject", "score": 1, "comment_committee": "x", "comment_applicant": "x"}
    return {
        f"update: {field}": lambda field=field, value=value: update(review, **{field: value})
        for field, value in values.items()
    }


@breaks("score_or_not_applicable")
def score_and_not_applicable() -> dict[str, Breach]:
    criterion = row("funding.Criterion", allow_na=True)
    return {"insert": lambda: row("funding.Score", criterion=criterion, value=1, not_applicable=True)}


@breaks("score_within_criterion")
def score_beyond_the_criterion() -> dict[str, Breach]:
    criterion = row("funding.Criterion", max_score=10, allow_na=False)
    score, given = row("funding.Score", criterion=criterion), row("funding.Score", criterion=criterion)
    submit_review(given.review)
    other = row("funding.Criterion")
    return {
        "insert: too high": lambda: row("funding.Score", criterion=criterion, value=11),
        "insert: not applicable": lambda: row("funding.Score", criterion=criterion, not_applicable=True),
        "insert: after submission": lambda: row("funding.Score", review=given.review, criterion=other),
        "update: too high": lambda: update(score, value=11),
        "update: after submission": lambda: update(given, value=1),
    }


# --- decisions and awards

breaks("decision_pending_once")(repeated("funding.Decision", "application"))
breaks("letter_template_once")(repeated("funding.LetterTemplate", "call", "verdict", call=None))
breaks("award_amount_positive")(changed("funding.Award", amount_fen=0))
breaks("award_has_holder")(changed("funding.Award", organisation=None))


@breaks("decision_amount_when_approved")
def amount_without_approval() -> dict[str, Breach]:
    decision = row("funding.Decision")
    return {
        "update: declined with an amount": lambda: update(decision, amount_fen=1),
        "update: approved with none": lambda: update(decision, verdict="approve"),
        "update: approved with nothing": lambda: update(decision, verdict="approve", amount_fen=0),
    }


@breaks("decision_released_has_time")
def released_by_half() -> dict[str, Breach]:
    decision = row("funding.Decision")
    return {
        "update: released at no time": lambda: update(decision, state="released"),
        "update: a time and pending": lambda: update(decision, released_at=timezone.now()),
    }


@breaks("decision_released_fixed")
def other_decision() -> dict[str, Breach]:
    decision = row("funding.Decision")
    update(decision, state="released", released_at=timezone.now())
    return {"update": lambda: update(decision, note="x"), "delete": lambda: delete(decision)}


@breaks("letter_released_fixed")
def other_letter() -> dict[str, Breach]:
    letter = row("funding.Letter")
    update(letter, state="checked")
    update(letter, state="released")
    return {"update": lambda: update(letter, subject={"en": "x"}), "delete": lambda: delete(letter)}
