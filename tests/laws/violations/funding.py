"""Attempts on the rules of calls and funds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.utils import timezone

from funding.calls.models import LONGEST, Call
from funding.models import Application, Review
from tests.factories import make, number
from tests.laws.violations import (
    Breach,
    breaks,
    changed,
    funding_awards,  # noqa: F401 - registers its attempts
    funding_datarooms,  # noqa: F401 - registers its attempts
    funding_deals,  # noqa: F401 - registers its attempts
    funding_panels,  # noqa: F401 - registers its attempts
    funding_payments,  # noqa: F401 - likewise
    funding_reports,  # noqa: F401 - registers its attempts
    repeated,
)
from tests.laws.violations.generated import below_zero
from tests.laws.violations.rows import approval, delete, release, row, update

CALL, APPLICATION, REVIEW = "funding.Call", "funding.Application", "funding.Review"
CONFLICT = "funding.Conflict"


# --- calls

breaks("fund_size_positive")(changed("funding.Fund", size_fen=-1))
breaks("call_closes_after_opening")(changed(CALL, closes_at=lambda call: call.opens_at))
breaks("call_amounts_in_order")(changed(CALL, min_amount_fen=2, max_amount_fen=1))
breaks("call_largest_amount_not_negative")(changed(CALL, max_amount_fen=-1))
breaks("call_has_applicants")(changed(CALL, applicants=[]))
breaks("call_applicants_known")(changed(CALL, applicants=["project", "x"]))
breaks("stage_waits_for_an_opinion")(changed("funding.Stage", required_count=0))
breaks("funding_stage_required_count_check", behind=("stage_waits_for_an_opinion",))(
    below_zero("funding.Stage", "required_count")
)
for rubric in ("weight", "max_score"):
    breaks(f"funding_criterion_{rubric}_check", behind=("rubric_weights_above_zero",))(
        below_zero("funding.Criterion", rubric)
    )
breaks("clean_copy_or_reason")(changed("funding.CleanCopy", problem="locked"))
breaks("clean_copy_problem_known")(changed("funding.CleanCopy", document=None, problem="nowhere"))
breaks("clean_copy_is_another")(changed("funding.CleanCopy", document=lambda copy: copy.original))
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


@breaks("rubric_weights_above_zero")
def rubric_that_counts_nothing() -> dict[str, Breach]:
    criterion = row("funding.Criterion")
    return {
        f"update: {field}": lambda field=field: update(criterion, **{field: 0})
        for field in ("weight", "max_score")
    }


@breaks("call_question_of_its_call")
def question_of_two_calls() -> dict[str, Breach]:
    question, other = row("funding.CallQuestion"), row("funding.CallQuestion")
    return {
        "insert": lambda: row("funding.CallQuestion", call=question.call, section=other.section),
        "update: call": lambda: update(question, call=other.call),
        "update: section": lambda: update(question, section=other.section),
        "update: condition": lambda: update(question, condition_on=other),
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
            "update: from another call": lambda: update(foreign, **mine),
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

breaks("application_has_applicant")(lambda: {"insert": lambda: row(APPLICATION, organisation=None)})
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
        "project": row("incubator.ResearchProject"),
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
            "delete": lambda: delete(obj),
        }


_only_while_editable("answer_only_while_editable", "funding.Answer", value="other")
_only_while_editable(
    "answer_file_only_while_editable", "funding.AnswerFile", removed_at=datetime(2026, 1, 1, tzinfo=UTC)
)


def _moved(name: str, label: str, **made: Any) -> None:
    """What belongs to an organisation goes to no other, but to the one that it was merged into."""

    @breaks(name)
    def prepare() -> dict[str, Breach]:
        obj, other = row(label, **made), row("incubator.Organisation")
        return {"update": lambda: update(obj, organisation=other)}


_moved("application_moves_only_by_merge", APPLICATION)
_moved("award_moves_only_by_merge", "funding.Award")


@breaks("application_stage_of_its_call")
def at_a_stage_of_another_call() -> dict[str, Breach]:
    application, stage = row(APPLICATION), row("funding.Stage")
    return {
        "insert": lambda: row(APPLICATION, current_stage=stage),
        "update": lambda: update(application, current_stage=stage),
    }


@breaks("application_submitted_fixed")
def submitted_otherwise() -> dict[str, Breach]:
    application = submit(row(APPLICATION, amount_fen=1))
    return {
        "update: time": lambda: update(application, submitted_at=timezone.now() - timedelta(days=1)),
        "update: amount": lambda: update(application, amount_fen=2),
    }


@breaks("application_is_kept")
def deleted_application() -> dict[str, Breach]:
    application = submit(row(APPLICATION))
    return {"delete": lambda: delete(application)}


@breaks("application_decided_by_release")
def decided_by_nobody() -> dict[str, Breach]:
    pending, otherwise = submit(row(APPLICATION)), submit(row(APPLICATION))
    approval(pending)
    release(row("funding.Decision", application=otherwise, verdict="reserve"))
    return {
        "update: not released": lambda: update(pending, state="approved"),
        "update: approved, though reserved": lambda: update(otherwise, state="approved"),
        "update: declined, though reserved": lambda: update(otherwise, state="declined"),
        "update: reserved by nobody": lambda: update(pending, state="reserved"),
    }


def _of_another(name: str, label: str, **apart: Callable[[], Any]) -> None:
    """A row whose parents, those named here and those it is given, do not belong together."""

    @breaks(name)
    def prepare() -> dict[str, Breach]:
        values = {field: value() for field, value in apart.items()}
        return {"insert": lambda: row(label, **values)}


def _rows(label: str) -> Callable[[], Any]:
    return lambda: row(label)


_of_another("answer_of_its_call", "funding.Answer", question=_rows("funding.CallQuestion"))
_of_another("answer_file_of_its_call", "funding.AnswerFile", question=_rows("funding.CallQuestion"))
_of_another("return_item_of_its_call", "funding.ReturnItem", question=_rows("funding.CallQuestion"))
_of_another(
    "stage_run_of_its_call", "funding.StageRun", application=_rows(APPLICATION), stage=_rows("funding.Stage")
)
_of_another("calculation_stage_of_its_call", "funding.Calculation", stage=_rows("funding.Stage"))
_of_another("review_of_its_run", REVIEW, application=_rows(APPLICATION))
_of_another("score_of_its_stage", "funding.Score", review=_rows(REVIEW), criterion=_rows("funding.Criterion"))


@breaks("return_of_its_application")
def return_of_another() -> dict[str, Breach]:
    application, version, stage = row(APPLICATION), row("funding.Version"), row("funding.Stage")
    return {
        "insert: version": lambda: row("funding.Return", application=application, version=version),
        "insert: stage": lambda: row("funding.Return", application=application, stage=stage),
    }


# --- reviews

breaks("stage_run_one_at_a_time")(repeated("funding.StageRun", "application"))
breaks("review_once")(repeated(REVIEW, "run", "reviewer"))
breaks("reviewer_orcid_once")(repeated("funding.Reviewer", "orcid", orcid="0000-0002-1825-0097"))
breaks("reviewer_orcid_form")(changed("funding.Reviewer", orcid="0000000218250097"))
breaks("publication_title_once")(repeated("funding.Publication", "reviewer", "title"))
breaks("publication_doi_once")(repeated("funding.Publication", "reviewer", "doi", doi="10.1000/x"))
breaks("publication_year_in_range")(changed("funding.Publication", year=1899))
breaks("publication_has_title")(changed("funding.Publication", title=""))
breaks("score_once")(repeated("funding.Score", "review", "criterion"))
breaks("score_not_negative")(changed("funding.Score", value=-1))
breaks("call_conflict_scope_known")(changed(CALL, conflict_scope="x"))
breaks("conflict_once")(repeated(CONFLICT, "person", "application", "kind"))
breaks("conflict_with_person_once")(
    repeated(CONFLICT, "person", "other", "kind", other=lambda: row("core.User"))
)


@breaks("conflict_not_with_oneself")
def conflict_with_oneself() -> dict[str, Breach]:
    person = row("core.User")
    return {"insert": lambda: row(CONFLICT, person=person, other=person)}


breaks("conflict_dates_in_order")(changed(CONFLICT, since=date(2026, 1, 2), expires_on=date(2026, 1, 1)))


@breaks("conflict_with_organisation_once")
def tied_to_an_organisation_twice() -> dict[str, Breach]:
    held = row(CONFLICT, organisation=row("incubator.Organisation"), since=date(2026, 1, 1))
    undated = row(CONFLICT, organisation=held.organisation)
    same = {"person": held.person, "organisation": held.organisation, "kind": held.kind}
    return {
        "insert: since the same day": lambda: row(CONFLICT, **same, since=held.since),
        "insert: both without a day": lambda: row(CONFLICT, **{**same, "person": undated.person}),
    }


@breaks("conflict_has_one_end")
def tied_to_two_or_none() -> dict[str, Breach]:
    held, company = row(CONFLICT), row("incubator.Organisation")
    return {
        "insert: to nothing": lambda: row(CONFLICT, application=None),
        "insert: to two": lambda: row(CONFLICT, application=held.application, organisation=company),
        "update: to one more by name": lambda: update(held, other_name="张三"),
    }


for column in ("kind", "source"):
    breaks(f"conflict_{column}_known")(
        lambda column=column: {"insert": lambda: row(CONFLICT, **{column: "x"})}
    )


@breaks("conflict_identity_fixed")
def other_conflict() -> dict[str, Breach]:
    held, other, person = row(CONFLICT), row(CONFLICT), row("core.User")
    tie = row(CONFLICT, other=person)
    return {
        **{
            f"update: {field}": lambda field=field: update(held, **{field: getattr(other, field)})
            for field in ("person", "application")
        },
        "update: kind": lambda: update(held, kind="family"),
        "update: source": lambda: update(held, source="person"),
        "update: recorded_by": lambda: update(held, recorded_by=person),
        "update: other": lambda: update(tie, other=row("core.User")),
    }


@breaks("conflict_moves_only_by_merge")
def tie_moved() -> dict[str, Breach]:
    held, other = row(CONFLICT, organisation=row("incubator.Organisation")), row("incubator.Organisation")
    return {"update": lambda: update(held, organisation=other)}


@breaks("conflict_faculty_of_its_university")
def tie_with_the_faculty_of_another() -> dict[str, Breach]:
    held = row(CONFLICT, organisation=row("incubator.Organisation", kind="university"))
    return {
        "insert": lambda: row(
            CONFLICT,
            organisation=row("incubator.Organisation", kind="university"),
            faculty=row("incubator.Faculty"),
        ),
        "update": lambda: update(held, faculty=row("incubator.Faculty")),
    }


@breaks("reviewer_faculty_of_its_university")
def reviewer_of_the_faculty_of_another() -> dict[str, Breach]:
    university = row("incubator.Organisation", kind="university")
    reviewer = row("funding.Reviewer", user=row("core.User"), organisation=university)
    return {
        "insert": lambda: row(
            "funding.Reviewer",
            user=row("core.User"),
            organisation=university,
            faculty=row("incubator.Faculty"),
        ),
        "update": lambda: update(reviewer, faculty=row("incubator.Faculty")),
    }


@breaks("review_declared_first")
def accepted_without_a_word() -> dict[str, Breach]:
    expert = row("funding.Stage", acts="expert")
    review = row(REVIEW, run=row("funding.StageRun", stage=expert))
    pledge = row("funding.Pledge", version=number())
    return {
        "update: nothing said": lambda: update(review, state="accepted"),
        "update: not declared": lambda: update(review, state="accepted", pledge=pledge),
        "update: not pledged": lambda: update(review, state="accepted", declared_at=timezone.now()),
    }


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
    company, project = row("incubator.Organisation"), row("incubator.ResearchProject")

    def asked(application: Application, acts: str = "") -> Breach:
        run: dict[str, Any] = {}
        if acts:
            run["stage"] = row("funding.Stage", acts=acts, call=application.call)
        values = {"run": row("funding.StageRun", application=application, **run), "application": application}
        return lambda: row(REVIEW, reviewer=person, **values)

    recorded, again = row(APPLICATION), row(APPLICATION)
    stands(row(CONFLICT, person=person, application=recorded))
    row("incubator.Membership", user=person, organisation=company)
    row("incubator.ProjectMember", user=person, project=project, role="member")
    led = row("incubator.ResearchProject")
    update(led, pi_user=person)
    employer, university = row("incubator.Organisation"), row("incubator.Organisation", kind="university")
    row("funding.Reviewer", user=person, organisation=employer)
    colleague = row("core.User")
    row("funding.Reviewer", user=colleague, organisation=university)
    from_university = row(
        APPLICATION, kind="project", project=row("incubator.ResearchProject", university=university)
    )
    expert = row("funding.Stage", acts="expert", call=from_university.call)
    run_of_university = row("funding.StageRun", application=from_university, stage=expert)
    started = row("funding.Stage", acts="officer", call=again.call)
    declined = row(REVIEW, reviewer=person, run=row("funding.StageRun", application=again, stage=started))
    update(declined, state="declined")
    stands(row(CONFLICT, person=person, application=again))
    return {
        "insert: conflict on record": asked(recorded),
        "insert: member of the company": asked(row(APPLICATION, organisation=company)),
        "insert: on the team": asked(row(APPLICATION, kind="project", project=project)),
        "insert: leads the project": asked(row(APPLICATION, kind="project", project=led)),
        "insert: employed there": asked(row(APPLICATION, organisation=employer), "expert"),
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
    values = {
        "opinion": "reject",
        "confidence": 1,
        "score": 1,
        "submitted_at": timezone.now() - timedelta(days=1),
        "comment_committee": "x",
        "comment_applicant": "x",
    }
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
    other = row("funding.Criterion", stage=given.review.run.stage)
    return {
        "insert: too high": lambda: row("funding.Score", criterion=criterion, value=11),
        "insert: not applicable": lambda: row("funding.Score", criterion=criterion, not_applicable=True),
        "insert: after submission": lambda: row("funding.Score", review=given.review, criterion=other),
        "update: too high": lambda: update(score, value=11),
        "update: after submission": lambda: update(given, value=1),
    }


def stands(conflict: Any) -> Any:
    update(conflict, state="standing")
    return conflict


@breaks("conflict_declared_is_kept")
def conflict_taken_back() -> dict[str, Breach]:
    person = row("core.User")
    declared = stands(row(CONFLICT, person=person, recorded_by=person))
    return {
        "delete": lambda: delete(declared),
        "update: taken back": lambda: update(declared, state="dismissed"),
        "update: run out": lambda: update(declared, expires_on=date(2026, 1, 1)),
    }


@breaks("objection_resolved_fixed")
def objection_found_otherwise() -> dict[str, Breach]:
    objection = row("funding.Objection", upheld=True)
    return {"update": lambda: update(objection, upheld=False)}


LINE = "funding.NoticeLine"

breaks("public_notice_ends_after_it_began")(
    lambda: {"insert": lambda: row("funding.PublicNotice", ends_at=timezone.now() - timedelta(days=1))}
)
breaks("public_notice_lasts_a_day")(lambda: {"insert": lambda: row("funding.PublicNotice", working_days=0)})
breaks("notice_line_amount_positive")(lambda: {"insert": lambda: row(LINE, amount_fen=0)})


def _out() -> Any:
    line = row(LINE)
    update(line, state="out", ended_at=timezone.now())
    return line


@breaks("notice_line_once")
def twice_in_one_notice() -> dict[str, Breach]:
    line = _out()
    return {"insert": lambda: row(LINE, notice=line.notice, application=line.application)}


@breaks("notice_line_one_stands")
def two_notices_of_one() -> dict[str, Breach]:
    line = row(LINE)
    return {"insert": lambda: row(LINE, application=line.application)}


@breaks("notice_line_ended_has_time")
def ended_at_no_time() -> dict[str, Breach]:
    line = row(LINE)
    return {
        "update: out at no time": lambda: update(line, state="out"),
        "update: a time and up": lambda: update(line, ended_at=timezone.now()),
    }


@breaks("notice_line_of_its_call")
def line_of_another_call() -> dict[str, Breach]:
    return {"insert": lambda: row(LINE, notice=row("funding.PublicNotice"), application=row(APPLICATION))}


@breaks("notice_line_passes_in_time")
def line_that_passes_early() -> dict[str, Breach]:
    early, objected, upheld = row(LINE), row(LINE), row(LINE)
    row("funding.Objection", line=objected)
    row("funding.Objection", line=upheld, upheld=True)
    end = timezone.now() + timedelta(days=9)
    return {
        "update: too early": lambda: update(early, state="passed", ended_at=timezone.now()),
        "update: objected to": lambda: update(objected, state="passed", ended_at=end),
        "update: upheld": lambda: update(upheld, state="passed", ended_at=end),
    }


@breaks("public_notice_document_fixed")
def another_paper() -> dict[str, Breach]:
    notice = row("funding.PublicNotice", document=row("core.Document"))
    other = row("core.Document")
    return {"update": lambda: update(notice, document=other)}


@breaks("objection_while_posted")
def objection_out_of_time() -> dict[str, Breach]:
    line, out = row(LINE), _out()
    return {
        "insert: too late": lambda: row(
            "funding.Objection", line=line, received_at=timezone.now() + timedelta(days=9)
        ),
        "insert: taken out": lambda: row("funding.Objection", line=out),
    }


@breaks("objection_of_its_line")
def objection_to_another() -> dict[str, Breach]:
    line, run = row(LINE), row("funding.StageRun")
    return {"insert": lambda: row("funding.Objection", line=line, run=run)}


# --- decisions and awards

breaks("decision_place_of_a_reserve")(changed("funding.Decision", {"verdict": "decline"}, reserve_place=1))
breaks("placement_from_one")(lambda: {"insert": lambda: row("funding.Placement", place=0)})
breaks("placement_has_reason")(lambda: {"insert": lambda: row("funding.Placement", reason="")})
breaks("placement_place_once")(repeated("funding.Placement", "call", "place"))
breaks("placement_of_its_call")(
    lambda: {"insert": lambda: row("funding.Placement", call=row(CALL), application=row(APPLICATION))}
)


@breaks("decision_after_its_notice")
def granted_unseen() -> dict[str, Breach]:
    """Never published, still up, taken out, more than was published."""
    applications = [row(APPLICATION) for _number in range(4)]
    never, up, out, less = [approval(application) for application in applications]
    row(LINE, application=applications[1])
    taken = row(LINE, application=applications[2])
    update(taken, state="out", ended_at=timezone.now())
    passed = row(LINE, application=applications[3], amount_fen=4)
    update(passed, state="passed", ended_at=timezone.now() + timedelta(days=9))
    for application in applications:
        row("funding.Stage", call=application.call, kind="notice")
    return {
        f"update: {what}": lambda one=one: release(one)
        for what, one in {"never": never, "up": up, "out": out, "less": less}.items()
    }


@breaks("decision_within_the_budget")
def more_than_there_is() -> dict[str, Breach]:
    call = row(CALL, budget_fen=9)
    release(approval(row(APPLICATION, call=call)))
    second = approval(row(APPLICATION, call=call))
    return {"update": lambda: release(second)}


@breaks("call_budget_covers_what_was_granted")
def budget_below_what_was_granted() -> dict[str, Breach]:
    call = row(CALL, budget_fen=9)
    release(approval(row(APPLICATION, call=call)))
    return {"update": lambda: update(call, budget_fen=4)}


breaks("decision_pending_once")(repeated("funding.Decision", "application"))
breaks("letter_template_once")(repeated("funding.LetterTemplate", "call", "verdict", call=None))
breaks("award_amount_positive", behind=("award_of_a_released_approval",))(
    lambda: {"insert": lambda: row("funding.Award", amount_fen=0)}
)


@breaks("award_has_holder")
def award_of_nobody() -> dict[str, Breach]:
    application = row(APPLICATION)
    release(approval(application))
    return {"insert": lambda: row("funding.Award", application=application, organisation=None, amount_fen=5)}


@breaks("award_of_its_application")
def award_from_elsewhere() -> dict[str, Breach]:
    application = row(APPLICATION)
    release(approval(application))
    others = {
        "fund": row("funding.Fund"),
        "organisation": row("incubator.Organisation"),
        "project": row("incubator.ResearchProject"),
    }
    return {
        f"insert: {field}": lambda field=field, value=value: row(
            "funding.Award", application=application, amount_fen=5, **{field: value}
        )
        for field, value in others.items()
    }


@breaks("award_budget_line_of_its_fund")
def award_paid_by_another_fund() -> dict[str, Breach]:
    award, line = row("funding.Award"), row("funding.BudgetLine")
    return {
        "insert": lambda: row("funding.Award", budget_line=line),
        "update": lambda: update(award, budget_line=line),
    }


@breaks("award_budget_line_fixed")
def award_paid_from_elsewhere() -> dict[str, Breach]:
    award = make("funding.Award")
    other = row("funding.BudgetLine", fund=award.fund)
    return {
        "update: another": lambda: update(award, budget_line=other),
        "update: none": lambda: update(award, budget_line=None),
    }


@breaks("call_budget_line_of_its_fund")
def call_paid_by_another_fund() -> dict[str, Breach]:
    call, line = row("funding.Call"), row("funding.BudgetLine")
    mine = row("funding.BudgetLine", fund=call.fund)
    paid = row("funding.Call", fund=line.fund, budget_line=line)
    return {
        "insert": lambda: row("funding.Call", budget_line=line),
        "update: the line": lambda: update(call, budget_line=line),
        "update: the fund": lambda: update(paid, fund=mine.fund),
    }


@breaks("fund_book_fixed")
def fund_with_another_book() -> dict[str, Breach]:
    fund, book = make("funding.BudgetLine").fund, row("core.Book")
    return {
        "update: another": lambda: update(fund, book=book),
        "update: none": lambda: update(fund, book=None),
    }


breaks("funding_fund_book_id_key")(repeated("funding.Fund", "book", book=lambda: row("core.Book")))
breaks("budget_line_once")(repeated("funding.BudgetLine", "fund", "year", "track", "purpose"))
breaks("budget_line_year_possible")(lambda: {"insert": lambda: row("funding.BudgetLine", year=2019)})
for choice in ("track", "purpose"):
    breaks(f"budget_line_{choice}_known")(
        lambda choice=choice: {"insert": lambda: row("funding.BudgetLine", **{choice: "else"})}
    )
breaks("commitment_source_known")(lambda: {"insert": lambda: row("funding.Commitment", source="else")})


@breaks("budget_line_identity_fixed")
def budget_line_for_something_else() -> dict[str, Breach]:
    line = row("funding.BudgetLine", year=2030)
    values = {"fund": row("funding.Fund"), "year": 2031, "track": "bt", "purpose": "platform"}
    return {
        f"update: {name}": lambda name=name, value=value: update(line, **{name: value})
        for name, value in values.items()
    }


breaks("commitment_amount_positive")(lambda: {"insert": lambda: row("funding.Commitment", amount_fen=0)})
_moved("commitment_moves_only_by_merge", "funding.Commitment")


@breaks("award_of_a_released_approval")
def award_that_nobody_granted() -> dict[str, Breach]:
    pending, released, declined = row(APPLICATION), row(APPLICATION), row(APPLICATION)
    approval(pending)
    release(approval(released))
    release(row("funding.Decision", application=declined))
    return {
        "insert: not released": lambda: row("funding.Award", application=pending, amount_fen=5),
        "insert: another amount": lambda: row("funding.Award", application=released, amount_fen=6),
        "insert: declined": lambda: row("funding.Award", application=declined, amount_fen=5),
    }


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


@breaks("decision_in_a_letter_fixed")
def decided_otherwise_than_written() -> dict[str, Breach]:
    decision = approval(row(APPLICATION))
    row("funding.Letter", decision=decision)
    return {
        "update: verdict": lambda: update(decision, verdict="decline", amount_fen=None),
        "update: amount": lambda: update(decision, amount_fen=6),
        "update: conditions": lambda: update(decision, conditions="x"),
        "update: comment": lambda: update(decision, comment_applicant="x"),
        "update: reason": lambda: update(decision, amount_reason="x"),
    }


@breaks("letter_released_fixed")
def other_letter() -> dict[str, Breach]:
    letter = row("funding.Letter")
    update(letter, state="checked")
    update(letter, state="released")
    return {"update": lambda: update(letter, subject={"en": "x"}), "delete": lambda: delete(letter)}


@breaks("letter_checked_fixed")
def letter_other_than_checked() -> dict[str, Breach]:
    letter = row("funding.Letter")
    update(letter, state="checked")
    values = {"subject": {"en": "x"}, "body": {"en": "x"}, "document": row("core.Document")}
    return {
        f"update: {field}": lambda field=field, value=value: update(letter, **{field: value})
        for field, value in values.items()
    }


@breaks("letter_waits_for_its_decision")
def letter_before_its_decision() -> dict[str, Breach]:
    letter = row("funding.Letter", decision=row("funding.Decision"))
    update(letter, state="checked")
    return {"update": lambda: update(letter, state="released")}


# --- assignments of reviewers

PLAN, PAIR = "funding.AssignmentPlan", "funding.PlannedPair"

breaks("planned_pair_once")(repeated(PAIR, "plan", "run", "person"))
breaks("planned_pair_match_in_range")(changed(PAIR, affinity=2))
breaks("plan_published_is_a_draw")(changed(PLAN, published_at=timezone.now()))
_of_another("planned_pair_of_its_stage", PAIR, plan=_rows(PLAN), run=_rows("funding.StageRun"))


@breaks("plan_method_known")
def plan_by_no_method() -> dict[str, Breach]:
    return {"insert": lambda: row(PLAN, method="x")}


@breaks("plan_one_replacement_at_a_time")
def two_replacements() -> dict[str, Breach]:
    plan = row(PLAN)
    row(PLAN, parent=plan)
    return {"insert": lambda: row(PLAN, parent=plan)}


@breaks("plan_confirmed_has_a_moment")
def confirmed_at_no_time() -> dict[str, Breach]:
    plan = row(PLAN)
    for state in ("solving", "ready", "confirming"):
        update(plan, state=state)
    return {"update": lambda: update(plan, state="confirmed")}


@breaks("plan_of_its_call")
def plan_of_two_calls() -> dict[str, Breach]:
    plan, other = row(PLAN), row("funding.Stage")
    return {
        "insert: another call": lambda: row(PLAN, stage=other, call=plan.call),
        "insert: replacements in another stage": lambda: row(PLAN, parent=plan, stage=other, call=other.call),
    }


@breaks("plan_published_fixed")
def other_seed() -> dict[str, Breach]:
    plan = row(PLAN, method="draw", published_at=timezone.now())
    later = timezone.now() + timedelta(days=1)
    return {
        "update: seed": lambda: update(plan, seed=plan.seed + 1),
        "update: criteria": lambda: update(plan, criteria={"max_load": 1}),
        "update: published_at": lambda: update(plan, published_at=later),
    }


@breaks("plan_pool_published_fixed")
def other_pool() -> dict[str, Breach]:
    plan = row(PLAN, method="draw", published_at=timezone.now())
    pool = row("funding.PlanPool", plan=plan)
    return {"update": lambda: update(pool, people=[1]), "delete": lambda: delete(pool)}


@breaks("planned_pair_of_open_plan")
def pair_of_a_plan_that_is_over() -> dict[str, Breach]:
    pair = row(PAIR)
    run = row("funding.StageRun", stage=pair.plan.stage)
    update(pair.plan, state="discarded")
    return {
        "insert": lambda: row(PAIR, plan=pair.plan, run=run),
        "update": lambda: update(pair, affinity=0),
        "delete": lambda: delete(pair),
    }
