"""The way of an application through its stages, by itself and by the acts of people; everything twice."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from funding.applications.services import (
    reject_application,
    return_application,
    save_answer,
    submit_application,
    withdraw_application,
)
from funding.models import Application, Review, StageRun
from funding.reviews import services
from funding.reviews.states import Opinion, RunState
from park_portal.core.calendar.services import deadline
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.outbox.models import Message
from park_portal.core.outbox.registry import HANDLERS
from park_portal.core.workflow import SYSTEM
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import (
    make_faculty,
    make_liaison,
    make_organisation,
    make_project,
    make_university,
)
from tests.factories.reviews import make_application, make_expert, make_review, make_review_call, run_of

pytestmark = pytest.mark.django_db


def stages_of(application: Application) -> list[tuple[str, str]]:
    return list(application.runs.order_by("stage__position").values_list("stage__kind", "state"))


def screen(run: StageRun, opinion: str = "pass", **fields):
    checks = {criterion.pk: "met" for criterion in run.stage.criteria.all()}
    return services.act_in_stage(
        run,
        actor=fields.pop("actor", None) or make_staff("officer"),
        opinion=opinion,
        checks=checks,
        **fields,
    )


def notices(kind: str) -> list[Message]:
    return list(Message.objects.filter(key__startswith=f"{kind}:").order_by("pk"))


def test_submission_enters_the_first_stage_once():
    application = make_application(begin=False)
    message = Message.objects.get(topic="application.submitted")
    for _ in range(2):
        HANDLERS["application.submitted"](message.payload)
    application.refresh_from_db()
    assert stages_of(application) == [("screening", "active")]
    run = run_of(application)
    assert (application.current_stage, application.due_at) == (run.stage, run.due_at)
    assert run.due_at == deadline(run.entered_at, 5)
    assert len(notices("review.task_staff")) == 1
    assert notices("review.stage_entered") == []


def test_a_liaison_stage_without_a_university_is_skipped_with_a_note():
    application = make_application()
    screen(run_of(application))
    assert stages_of(application) == [("screening", "passed"), ("liaison", "skipped"), ("expert", "active")]
    skipped = application.runs.get(stage__kind="liaison")
    assert skipped.note == "auto.not_a_project"
    assert skipped.finished_at is not None
    application.refresh_from_db()
    assert application.current_stage.kind == "expert"
    assert len(notices("review.stage_entered")) == 1


def test_liaisons_of_the_project_are_told_and_those_elsewhere_are_not():
    university = make_university()
    faculty, other = make_faculty(university), make_faculty(university)
    ours, whole, theirs, elsewhere = (make_user() for _ in range(4))
    make_liaison(ours, university, faculty)
    make_liaison(whole, university)
    make_liaison(theirs, university, other)
    make_liaison(elsewhere, make_university())
    project = make_project(university=university, faculty=faculty)
    application = make_application(make_review_call("liaison", "decision"), project=project)
    assert stages_of(application) == [("liaison", "active")]
    assert notices("review.task_liaison")[0].payload["recipients"] == sorted([ours.pk, whole.pk])


def test_without_a_liaison_the_lead_is_told():
    application = make_application(
        make_review_call("liaison", "decision"), project=make_project(university=make_university())
    )
    assert notices("review.no_liaison")[0].payload["recipients"] == [application.call.lead_id]
    assert notices("review.task_liaison") == []


def test_one_liaison_decides_and_the_second_is_told_who_was_first():
    university = make_university()
    first, second = make_user("林晓岚"), make_user()
    make_liaison(first, university)
    make_liaison(second, university)
    application = make_application(
        make_review_call("liaison", "decision"), project=make_project(university=university)
    )
    run = run_of(application)
    services.act_in_stage(run, actor=first, opinion="endorse")
    services.act_in_stage(run, actor=first, opinion="endorse")
    with pytest.raises(DomainError, match="林晓岚") as refused:
        services.act_in_stage(run, actor=second, opinion="object", comment_committee="不同意")
    assert refused.value.code == "already_done"
    assert Review.objects.filter(run=run).count() == 1
    assert stages_of(application) == [("liaison", "passed"), ("decision", "active")]


def test_a_liaison_elsewhere_and_a_stranger_may_not_act():
    university = make_university()
    faculty = make_faculty(university)
    elsewhere = make_user()
    make_liaison(elsewhere, university, make_faculty(university))
    application = make_application(
        make_review_call("liaison", "decision"), project=make_project(university=university, faculty=faculty)
    )
    for person in (elsewhere, make_user(), application.project.pi_user, make_staff("finance")):
        with pytest.raises(Forbidden):
            services.act_in_stage(run_of(application), actor=person, opinion="endorse")
        assert not StageRun.objects.visible_to(elsewhere).exists()


def test_a_liaison_who_is_on_the_team_gives_no_opinion():
    university = make_university()
    project = make_project(university=university)
    liaison = make_user()
    make_liaison(liaison, university)
    project.team.create(user=liaison, name=liaison.name, role="member")
    application = make_application(make_review_call("liaison", "decision"), project=project)
    with pytest.raises(DomainError) as refused:
        services.act_in_stage(run_of(application), actor=liaison, opinion="endorse")
    assert refused.value.code == "conflict_of_interest"
    assert stages_of(application) == [("liaison", "active")]


@pytest.mark.parametrize(
    ("on_negative", "stages", "state"),
    [
        ("continue", [("liaison", "passed"), ("decision", "active")], "in_review"),
        ("reject", [("liaison", "rejected")], "rejected"),
    ],
)
def test_an_objection_goes_on_or_ends_the_application_as_the_stage_says(on_negative, stages, state):
    university = make_university()
    liaison = make_user()
    make_liaison(liaison, university)
    call = make_review_call("liaison", "decision", changes={"liaison": {"on_negative": on_negative}})
    application = make_application(call, project=make_project(university=university))
    services.act_in_stage(
        run_of(application), actor=liaison, opinion="object", comment_committee="权属不清。"
    )
    application.refresh_from_db()
    assert stages_of(application) == stages
    assert application.state == state
    assert services.summaries_of([application])[application.pk].objections == 1


def test_screening_needs_every_check_and_a_check_not_met_does_not_pass():
    application = make_application()
    run = run_of(application)
    officer = make_staff("officer")
    first, second = run.stage.criteria.all()
    with pytest.raises(DomainError) as refused:
        services.act_in_stage(run, actor=officer, opinion="pass", checks={first.pk: "met"})
    assert [problem.anchor for problem in refused.value.problems] == [f"criterion-{second.pk}"]
    with pytest.raises(DomainError):
        services.act_in_stage(
            run, actor=officer, opinion="pass", checks={first.pk: "not_met", second.pk: "na"}
        )
    with pytest.raises(DomainError):  # the first always applies
        services.act_in_stage(run, actor=officer, opinion="pass", checks={first.pk: "na", second.pk: "na"})
    assert not Review.objects.exists()
    services.act_in_stage(run, actor=officer, opinion="pass", checks={first.pk: "met", second.pk: "na"})
    review = Review.objects.get()
    assert (review.state, review.opinion, review.score) == ("submitted", "pass", None)
    assert [(score.value, score.not_applicable) for score in review.scores.order_by("pk")] == [
        (1, False),
        (None, True),
    ]


def test_rejection_needs_a_reason_that_the_applicant_reads_and_ends_everything():
    application = make_application()
    run = run_of(application)
    with pytest.raises(DomainError) as refused:
        screen(run, "reject")
    assert refused.value.field == "comment_applicant"
    screen(run, "reject", comment_applicant="不在申报范围内。")
    application.refresh_from_db()
    assert (application.state, application.current_stage, application.due_at) == ("rejected", None, None)
    assert stages_of(application) == [("screening", "rejected")]
    with pytest.raises(DomainError):
        screen(run, "pass")


def test_return_pauses_and_resubmission_resumes_the_same_stage():
    application = make_application()
    run = run_of(application)
    due = deadline(timezone.now(), 3)
    screen(run, "return", comment_applicant="请补充。", items={"abstract": "再具体一些"}, due_at=due)
    application.refresh_from_db()
    assert (application.state, application.due_at, application.current_stage) == ("returned", due, run.stage)
    assert run_of(application).state == "paused"
    with pytest.raises(DomainError) as refused:
        screen(run)
    assert refused.value.code == "with_applicant"
    owner = application.organisation.memberships.get().user
    save_answer(application, "abstract", "更具体的摘要。", actor=owner, revision=None)
    submit_application(application, actor=owner)
    StageRun.objects.filter(pk=run.pk).update(due_at=timezone.now() - timedelta(days=1))
    message = Message.objects.get(topic="application.resubmitted")
    for _ in range(2):
        HANDLERS["application.resubmitted"](message.payload)
    application.refresh_from_db()
    run.refresh_from_db()
    assert (run.state, application.state) == ("active", "in_review")
    assert run.due_at == application.due_at == deadline(timezone.now(), 5)
    screen(run)
    assert stages_of(application)[0] == ("screening", "passed")


def test_a_return_without_questions_changes_nothing():
    application = make_application()
    with pytest.raises(DomainError):
        screen(run_of(application), "return", comment_applicant="改", items={})
    with pytest.raises(DomainError):
        screen(run_of(application), "return", items={"no-such": ""})
    application.refresh_from_db()
    assert (application.state, run_of(application).state) == ("in_review", "active")


def test_what_the_portal_notes_by_itself_is_read_in_the_readers_language(client_of):
    with override("zh-hans"):
        withdrawn = make_application()
        withdraw_application(withdrawn, actor=SYSTEM, reason="另有资助。")
        for message in Message.objects.filter(topic="application.withdrawn"):
            HANDLERS["application.withdrawn"](message.payload)
    run = withdrawn.runs.get()
    assert (run.state, run.note) == ("stopped", "auto.withdrawn")
    client = client_of("officer")
    for language, words in (("en", "Withdrawn by the applicant."), ("zh-hans", "申请人已撤回。")):
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
        for page in ("change", "work"):
            shown = client.get(reverse(f"admin:funding_stagerun_{page}", args=[run.pk])).content.decode()
            assert (words in shown, "auto." in shown) == (True, False)
    run.note = "auto.withdrawn, as they say"
    assert run.note_text == run.note


def test_withdrawal_stops_the_run_and_releases_reviewers():
    application = make_application(make_review_call("expert", "decision"))
    review = make_review(run_of(application), accepted=True)
    withdraw_application(application, actor=SYSTEM, reason="另有资助。")
    message = Message.objects.get(topic="application.withdrawn")
    for _ in range(2):
        HANDLERS["application.withdrawn"](message.payload)
    application.refresh_from_db()
    review.refresh_from_db()
    assert stages_of(application) == [("expert", "stopped")]
    assert (application.current_stage, application.due_at, review.state) == (None, None, "released")
    assert [message.payload["recipients"] for message in notices("review.released")] == [[review.reviewer_id]]


def test_two_officers_are_needed_where_the_stage_says_two():
    call = make_review_call("screening", "decision", changes={"screening": {"required_count": 2}})
    application = make_application(call)
    run = run_of(application)
    officer = make_staff("officer")
    for _ in range(2):
        screen(run, actor=officer)
    assert stages_of(application) == [("screening", "active")]
    screen(run)
    assert stages_of(application) == [("screening", "passed"), ("decision", "active")]


def test_a_public_notice_passes_by_nobodys_hand():
    application = make_application(make_review_call("notice", "decision"))
    run, officer = run_of(application), make_staff("officer")
    with pytest.raises(DomainError) as refused:
        services.act_in_stage(run, actor=officer, opinion="pass")
    assert refused.value.code == "unknown_opinion"
    with pytest.raises(DomainError) as refused:
        services.complete_run(run, actor=officer, outcome="passed", note="急")
    assert refused.value.code == "too_early"
    assert services.on_stage_due(run.pk, now=run.due_at + timedelta(days=9)) is False
    services.act_in_stage(run, actor=officer, opinion="reject", comment_applicant="材料不实。")
    application.refresh_from_db()
    assert (application.state, stages_of(application)) == ("rejected", [("notice", "rejected")])


def test_closing_by_hand_asks_for_a_reason_and_for_the_right():
    application = make_application(make_review_call("expert", "decision"))
    run = run_of(application)
    review = make_review(run)
    officer = make_staff("officer")
    with pytest.raises(Forbidden):
        services.complete_run(run, actor=make_staff("finance"), outcome="passed", note="x")
    with pytest.raises(DomainError):
        services.complete_run(run, actor=officer, outcome="passed")
    with pytest.raises(DomainError):
        services.complete_run(run, actor=officer, outcome="stopped", note="x")
    for _ in range(2):
        services.complete_run(run, actor=officer, outcome="passed", note="意见已足够。")
    review.refresh_from_db()
    assert review.state == "released"
    assert stages_of(application) == [("expert", "passed"), ("decision", "active")]


def test_the_decision_is_completed_by_releasing_it_only():
    application = make_application(make_review_call("decision"))
    lead = make_staff("lead")
    with pytest.raises(DomainError):
        services.complete_run(run_of(application), actor=lead, outcome="passed", note="x")
    with pytest.raises(DomainError):
        services.act_in_stage(run_of(application), actor=lead, opinion="pass")
    services.complete_decision(application, actor=lead)
    assert services.complete_decision(application, actor=lead) is None
    application.refresh_from_db()
    assert stages_of(application) == [("decision", "passed")]
    assert (application.current_stage, application.due_at) == (None, None)


def test_a_panel_scores_and_a_fund_manager_does_due_diligence():
    application = make_application(make_review_call("panel", "diligence", "decision"))
    run = run_of(application)
    officer, manager = make_staff("officer"), make_staff("fund_manager")
    novelty, feasibility, ethics = run.stage.criteria.all()
    scores = {novelty.pk: {"value": "8"}, feasibility.pk: {"value": "5"}}
    with pytest.raises(DomainError) as refused:
        services.act_in_stage(run, actor=officer, opinion="fund", scores=scores)
    assert [problem.anchor for problem in refused.value.problems] == [f"criterion-{ethics.pk}"]
    scores[ethics.pk] = {"not_applicable": True}
    services.act_in_stage(run, actor=officer, opinion="fund", scores=scores)
    summary = services.summaries_of([application])[application.pk]
    assert (str(summary.panel.mean), summary.scores.count, summary.opinions) == ("70.00", 0, {"fund": 1})
    with pytest.raises(Forbidden):
        services.act_in_stage(run_of(application), actor=officer, opinion="pass")
    services.act_in_stage(
        run_of(application), actor=manager, opinion="reject", comment_applicant="账目不清。"
    )
    application.refresh_from_db()
    assert (application.state, stages_of(application)) == (
        "rejected",
        [("panel", "passed"), ("diligence", "rejected")],
    )


def test_another_deadline_moves_application_and_open_reviews():
    application = make_application(make_review_call("expert", "decision"))
    run = run_of(application)
    review = make_review(run)
    later = run.due_at + timedelta(days=7)
    services.set_due(run, actor=make_staff("officer"), due_at=later, reason="春节")
    application.refresh_from_db()
    review.refresh_from_db()
    assert (application.due_at, review.due_at, run_of(application).due_at) == (later, later, later)
    with pytest.raises(DomainError):
        services.set_due(run, actor=make_staff("officer"), due_at=timezone.now(), reason="")
    with pytest.raises(Forbidden):
        services.set_due(run, actor=make_user(), due_at=later, reason="")


def test_every_opinion_that_a_stage_offers_is_known():
    assert {str(opinion) for opinion in Opinion} >= {"pass", "endorse", "return", "reject", "object"}
    assert RunState.SKIPPED in RunState


def test_nobody_of_the_applicant_sees_runs_or_reviews():
    application = make_application(make_review_call("expert", "decision"))
    make_review(run_of(application))
    owner = application.organisation.memberships.get().user
    assert not StageRun.objects.visible_to(owner).exists()
    assert not Review.objects.visible_to(owner).exists()
    assert make_organisation is not None
    assert make_expert is not None


def test_return_by_an_act_of_the_office_pauses_the_stage_until_the_changes_are_in():
    application = make_application(make_review_call("screening", "expert", "decision"))
    run = run_of(application)
    due = timezone.now() + timedelta(days=9)
    return_application(application, actor=make_staff("officer"), items={"abstract": "请补充数据"}, due_at=due)

    for _delivery in range(2):
        services.on_returned(application.pk)

    run.refresh_from_db()
    application.refresh_from_db()
    assert run.state == RunState.PAUSED
    assert (application.current_stage_id, application.due_at) == (run.stage_id, due)


def test_return_that_is_over_when_it_is_heard_of_pauses_nothing():
    application = make_application()
    services.on_returned(application.pk)
    assert run_of(application).state == RunState.ACTIVE


def test_rejection_by_an_act_of_the_office_ends_the_stage_and_releases_its_reviewers():
    application = make_application(make_review_call("expert", "decision"))
    run = run_of(application)
    open_review, other = make_review(run), make_review(run, accepted=True)
    reject_application(application, actor=make_staff("officer"), reason="不符合申报条件")

    for _delivery in range(2):
        services.on_rejected(application.pk)

    run.refresh_from_db()
    application.refresh_from_db()
    assert (run.state, run.finished_at is not None) == (RunState.REJECTED, True)
    assert set(run.reviews.values_list("pk", "state")) == {
        (open_review.pk, "released"),
        (other.pk, "released"),
    }
    assert (application.current_stage, application.due_at) == (None, None)


def test_rejection_of_an_application_still_in_review_ends_nothing():
    application = make_application()
    services.on_rejected(application.pk)
    assert run_of(application).state == RunState.ACTIVE
