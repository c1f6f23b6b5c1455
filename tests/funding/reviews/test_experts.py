"""Asking reviewers, their answers, drafts, submission; conflicts of interest; everything twice."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from funding.models import Conflict, Review, Score
from funding.reviews import services
from funding.reviews.services import Load
from park_portal.core.errors import Conflict as Stale
from park_portal.core.errors import DomainError, Forbidden, IllegalTransition
from park_portal.core.outbox.models import Message
from park_portal.core.workflow import SYSTEM
from tests.factories.core import make_staff, make_user, token_of
from tests.factories.incubator import make_organisation, make_project, make_university
from tests.factories.reviews import (
    accept,
    expert_run,
    fill_review,
    make_application,
    make_expert,
    make_review,
    make_review_call,
    run_of,
    submitted_review,
)

pytestmark = pytest.mark.django_db


def recipients(kind: str) -> list[list[int]]:
    return [
        m.payload["recipients"] for m in Message.objects.filter(key__startswith=f"{kind}:").order_by("pk")
    ]


# --- assigning


def test_assigning_twice_asks_once():
    run, person, officer = expert_run(), make_expert(), make_staff("officer")
    first = services.assign_reviewer(run, person, actor=officer)
    assert services.assign_reviewer(run, person, actor=officer) == first
    assert (first.state, first.due_at, first.assigned_by) == ("assigned", run.due_at, officer)
    assert recipients("review.invited") == [[person.pk]]


def test_only_officers_assign_and_only_people_of_the_pool():
    run, person = expert_run(), make_expert()
    for actor in (make_user(), make_staff("finance"), make_staff("fund_manager"), person):
        with pytest.raises(Forbidden):
            services.assign_reviewer(run, person, actor=actor)
    for someone in (make_user(), make_expert(active=False)):
        with pytest.raises(DomainError) as refused:
            services.assign_reviewer(run, someone, actor=make_staff("officer"))
        assert refused.value.code == "not_in_pool"
    assert not Review.objects.exists()


def test_several_applications_and_reviewers_at_once_with_a_list_of_those_refused():
    call = make_review_call("expert", "decision")
    one, two = make_expert("周以宁"), make_expert()
    member = make_organisation(owner=make_user())
    member.memberships.create(user=one, role="viewer")
    runs = [expert_run(call, organisation=member), expert_run(call)]
    result = services.assign_reviewers(runs, [one, two], actor=make_staff("officer"))
    assert result.done == 3
    assert [label for label, _reason in result.refused] == [f"{runs[0].application.number} · 周以宁"]
    again = services.assign_reviewers(runs, [one, two], actor=make_staff("officer"))
    assert (again.done, len(again.refused)) == (0, 4)


def test_load_counts_open_reviews_against_capacity():
    person, idle, outsider = make_expert(capacity=1), make_expert(), make_user()
    make_review(person=person)
    submitted_review(expert_run(), person=idle)
    assert services.load_of([person, idle, outsider]) == {person.pk: Load(1, 1), idle.pk: Load(0, 6)}
    assert services.load_of([person])[person.pk].is_full


def test_one_who_declined_is_asked_again_and_one_with_a_conflict_is_not():
    run = expert_run()
    declined, recused = make_review(run), make_review(run)
    services.decline_review(declined, actor=declined.reviewer, reason="出差")
    services.recuse(recused, actor=recused.reviewer, note="合作者")
    again = services.assign_reviewer(run, declined.reviewer, actor=make_staff("officer"))
    assert (again.pk, again.state, again.decline_reason) == (declined.pk, "assigned", "")
    with pytest.raises(DomainError) as refused:
        services.assign_reviewer(run, recused.reviewer, actor=make_staff("officer"))
    assert refused.value.code == "conflict_of_interest"


def test_replacing_releases_the_first_and_keeps_them_when_the_second_is_refused():
    review, officer = make_review(accepted=True), make_staff("officer")
    with pytest.raises(DomainError):
        services.replace_reviewer(review, make_user(), actor=officer)
    review.refresh_from_db()
    assert review.state == "accepted"
    other = make_expert()
    new = services.replace_reviewer(review, other, actor=officer)
    assert services.replace_reviewer(review, other, actor=officer) == new
    review.refresh_from_db()
    assert (review.state, new.reviewer, new.state) == ("released", other, "assigned")
    assert recipients("review.released") == [[review.reviewer_id]]


# --- conflicts


def test_known_conflicts_are_found_and_refused():
    university = make_university("光华大学")
    pi = make_user("陈思远")
    project = make_project(pi=pi, university=university)
    shared = make_organisation(owner=pi)
    call = make_review_call("expert", "decision")
    colleague = make_expert(organisation=university)
    by_name = make_expert(institution="光华大学")
    partner = make_expert()
    shared.memberships.create(user=partner, role="viewer")
    member = make_expert()
    project.team.create(user=member, name=member.name, role="member")
    named = make_expert("何不宜", institution="远山研究所")
    free = make_expert()
    application = make_application(call, project=project, unsuitable="请回避:何不宜,远山研究所(同行竞争)")
    people = [colleague, by_name, partner, member, named, free]
    found = services.conflicts_for(application, people)
    assert set(found) == {one.pk for one in people} - {free.pk}
    for person in people[:-1]:
        with pytest.raises(DomainError) as refused:
            services.assign_reviewer(run_of(application), person, actor=make_staff("officer"))
        assert refused.value.code == "conflict_of_interest"
    services.assign_reviewer(run_of(application), free, actor=make_staff("officer"))
    assert Conflict.objects.filter(kind="unsuitable").values_list("person", flat=True).get() == named.pk


def test_the_database_refuses_what_gets_past_the_service():
    university = make_university()
    project = make_project(university=university, pi=make_expert())
    run = expert_run(project=project)
    member = make_expert()
    project.team.create(user=member, name=member.name, role="member")
    colleague = make_expert(organisation=university)
    recorded = make_expert()
    services.record_conflict(run.application, recorded, actor=make_staff("officer"), kind="coauthor")
    for person in (member, colleague, recorded, project.pi_user):
        with pytest.raises(IntegrityError, match="conflict of interest"), transaction.atomic():
            Review.objects.create(run=run, application=run.application, reviewer=person, due_at=run.due_at)
    review = make_review(run)
    services.decline_review(review, actor=review.reviewer, reason="x")
    services.record_conflict(run.application, review.reviewer, actor=SYSTEM, kind="other")
    with pytest.raises(IntegrityError, match="conflict of interest"), transaction.atomic():
        Review.objects.filter(pk=review.pk).update(state="assigned")


def test_a_declared_conflict_counts_for_later_applications_of_the_same_applicant():
    organisation = make_organisation(owner=make_user())
    first = expert_run(organisation=organisation)
    review = make_review(first)
    with override("en"):
        services.recuse(review, actor=review.reviewer, kind="shareholder")
    review.refresh_from_db()
    assert (review.decline_reason, review.reason_text) == ("shareholder", "持有股份")
    second = expert_run(organisation=organisation)
    assert list(services.conflicts_for(second.application, [review.reviewer])) == [review.reviewer_id]
    assert services.conflicts_for(expert_run().application, [review.reviewer]) == {}


def test_conflicts_cost_the_same_for_many(django_assert_num_queries):
    from django.db import connection

    call = make_review_call("expert", "decision")
    people = [make_expert() for _ in range(3)]
    runs = [expert_run(call) for _ in range(3)]
    from funding.models import Application

    def applications(number):
        ids = [run.application_id for run in runs[:number]]
        return list(
            Application.objects.filter(pk__in=ids).select_related(
                "organisation", "project__university", "call"
            )
        )

    costs = []
    for number in (1, 3):
        rows = applications(number)
        with CaptureQueriesContext(connection) as captured:
            services.conflicts_of(rows, people[:number])
        costs.append(len(captured))
    assert costs[0] == costs[1] <= 8


def test_staff_record_a_conflict_and_take_back_their_own_only():
    review, officer = make_review(accepted=True), make_staff("officer")
    for _ in range(2):
        services.record_conflict(
            review.application, review.reviewer, actor=officer, kind="employer", note="同事"
        )
    review.refresh_from_db()
    assert (review.state, review.decline_reason) == ("suspended", "employer")
    services.withdraw_conflict(Conflict.objects.get(), actor=officer)
    assert Conflict.objects.get().state == "dismissed"
    other = make_review()
    services.recuse(other, actor=other.reviewer, note="亲属")
    with pytest.raises(DomainError):
        services.withdraw_conflict(Conflict.objects.get(person=other.reviewer), actor=officer)
    with pytest.raises(Forbidden):
        services.record_conflict(review.application, make_expert(), actor=review.reviewer, kind="other")


# --- answering


def test_accepting_declining_and_recusing_twice():
    for act, state in (
        (accept, "accepted"),
        (lambda review: services.decline_review(review, actor=review.reviewer, reason="出差"), "declined"),
        (lambda review: services.recuse(review, actor=review.reviewer, note="合作者"), "recused"),
    ):
        review = make_review()
        for _ in range(2):
            act(review)
        review.refresh_from_db()
        assert review.state == state
    assert len(recipients("review.replacement")) == 2
    assert Conflict.objects.get().note == "合作者"


def test_a_reason_is_asked_for():
    review = make_review()
    with pytest.raises(DomainError) as refused:
        services.decline_review(review, actor=review.reviewer, reason=" \x00 ")
    assert refused.value.field == "reason"
    with pytest.raises(DomainError) as refused:
        services.recuse(review, actor=review.reviewer, note="")
    assert refused.value.field == "note"
    with pytest.raises(DomainError):
        services.recuse(review, actor=review.reviewer, kind="nonsense", note="x")


def test_only_the_reviewer_answers_and_writes():
    review = make_review(accepted=True)
    for someone in (make_expert(), make_staff("officer"), make_staff("lead")):
        for act in (
            lambda who: services.decline_review(review, actor=who, reason="x"),
            lambda who: services.recuse(review, actor=who, note="x"),
            lambda who: services.save_review(review, actor=who, revision=None, opinion="fund"),
            lambda who: services.submit_review(review, actor=who, pledge=True),
        ):
            with pytest.raises(Forbidden):
                act(someone)
        assert someone.is_staff or not Review.objects.visible_to(someone).exists()


def test_a_conflict_that_arose_meanwhile_stops_the_acceptance():
    review = make_review()
    review.application.organisation.memberships.create(user=review.reviewer, role="viewer")
    with pytest.raises(DomainError) as refused:
        services.accept_review(review, actor=review.reviewer)
    assert refused.value.code == "conflict_of_interest"


def test_nothing_is_written_before_accepting_or_after_stepping_back():
    review = make_review()
    with pytest.raises(DomainError):
        services.save_review(review, actor=review.reviewer, revision=None, opinion="fund")
    accept(review)
    services.save_review(review, actor=review.reviewer, revision=None, opinion="fund")
    services.release_reviewer(review, actor=make_staff("officer"), reason="改派")
    with pytest.raises(DomainError) as refused:
        services.save_review(review, actor=review.reviewer, revision=None, opinion="do_not_fund")
    assert refused.value.code == "review_over"
    with pytest.raises(IllegalTransition):
        services.decline_review(review, actor=review.reviewer, reason="x")


# --- drafts


def test_each_field_is_saved_on_its_own_with_a_version_check():
    review = make_review(accepted=True)
    person = review.reviewer
    assert services.save_review(review, actor=person, revision=1, opinion="fund").revision == 2
    assert services.save_review(review, actor=person, revision=2, opinion="fund").revision == 2
    with pytest.raises(Stale) as stale:
        services.save_review(review, actor=person, revision=1, opinion="do_not_fund")
    assert (stale.value.field, stale.value.current.opinion, stale.value.current.revision) == (
        "opinion",
        "fund",
        2,
    )
    review.refresh_from_db()
    assert services.save_review(review, actor=person, revision=1, opinion="fund").revision == 2
    criterion = review.run.stage.criteria.first()
    services.save_review(review, actor=person, revision=2, scores={criterion.pk: {"value": "7.5"}})
    services.save_review(review, actor=person, revision=3, scores={criterion.pk: {"note": "好🧬"}})
    score = Score.objects.get()
    assert (score.value, score.note, review.revision) == (Decimal("7.50"), "好🧬", 4)
    services.save_review(review, actor=person, revision=4, scores={criterion.pk: {"value": ""}})
    score.refresh_from_db()
    assert score.value is None


@pytest.mark.parametrize(
    "fields",
    [
        {"opinion": "pass"},
        {"opinion": "nonsense"},
        {"confidence": "9"},
        {"confidence": "x"},
        {"comment_committee": "字" * 8001},
        {"scores": {"0": {"value": "1"}}},
        {"scores": {"x": {"value": "1"}}},
    ],
)
def test_nonsense_is_refused_and_changes_nothing(fields):
    review = make_review(accepted=True)
    with pytest.raises(DomainError):
        services.save_review(review, actor=review.reviewer, revision=None, **fields)
    review.refresh_from_db()
    assert review.revision == 1


@pytest.mark.parametrize("value", ["11", "-1", "NaN", "sNaN", "Infinity", "1e400", "abc", "٣x", "9" * 40])
def test_a_score_that_is_no_mark_is_refused(value):
    review = make_review(accepted=True)
    criterion = review.run.stage.criteria.first()
    with pytest.raises(DomainError) as refused:
        services.save_review(
            review, actor=review.reviewer, revision=None, scores={criterion.pk: {"value": value}}
        )
    assert refused.value.field == f"criterion-{criterion.pk}"
    with pytest.raises(DomainError):
        services.save_review(
            review, actor=review.reviewer, revision=None, scores={criterion.pk: {"not_applicable": True}}
        )


def test_null_bytes_are_dropped():
    review = make_review(accepted=True)
    services.save_review(review, actor=review.reviewer, revision=None, comment_committee="好\x00的\r\n")
    review.refresh_from_db()
    assert review.comment_committee == "好的\n"


# --- submitting


def test_what_is_missing_is_listed_with_its_place():
    review = make_review(accepted=True)
    with pytest.raises(DomainError) as refused:
        services.submit_review(review, actor=review.reviewer, pledge=False)
    criteria = [f"criterion-{criterion.pk}" for criterion in review.run.stage.criteria.all()]
    assert [problem.anchor for problem in refused.value.problems] == [
        *criteria,
        "opinion",
        "confidence",
        "comment_committee",
        "pledge",
    ]


def test_not_applicable_counts_neither_way_and_the_score_is_fixed_on_submission():
    review = fill_review(make_review(accepted=True), mark=8)
    ethics = review.run.stage.criteria.get(allow_na=True)
    services.save_review(
        review, actor=review.reviewer, revision=None, scores={ethics.pk: {"not_applicable": True}}
    )
    for _ in range(2):
        services.submit_review(review, actor=review.reviewer, pledge=True)
    review.refresh_from_db()
    assert (review.state, review.score) == ("submitted", Decimal("80.00"))
    with pytest.raises(DomainError):
        services.save_review(review, actor=review.reviewer, revision=None, opinion="do_not_fund")
    with pytest.raises(IntegrityError), transaction.atomic():
        Score.objects.filter(review=review).update(value=1)


def test_the_required_number_completes_the_stage_and_releases_the_rest():
    run = expert_run()
    waiting = make_review(run)
    submitted_review(run, 9)
    run.refresh_from_db()
    assert run.state == "active"
    submitted_review(run, 7)
    run.refresh_from_db()
    waiting.refresh_from_db()
    assert (run.state, waiting.state) == ("passed", "released")
    assert run_of(run.application).stage.kind == "decision"
    summary = services.summaries_of([run.application])[run.application_id]
    assert (summary.count, str(summary.mean), str(summary.deviation), summary.lowest, summary.highest) == (
        2,
        "80.00",
        "14.14",
        Decimal(70),
        Decimal(90),
    )
    assert (summary.opinions, summary.open) == ({"fund": 2}, 0)


def test_all_who_were_asked_are_waited_for_where_the_stage_says_so():
    call = make_review_call(
        "expert", "decision", changes={"expert": {"completion": "all", "required_count": 1}}
    )
    run = expert_run(call)
    last = make_review(run, accepted=True)
    submitted_review(run)
    run.refresh_from_db()
    assert run.state == "active"
    services.release_reviewer(last, actor=make_staff("officer"))
    run.refresh_from_db()
    assert run.state == "passed"


def test_a_negative_opinion_ends_the_application_where_the_stage_says_so():
    call = make_review_call("expert", "decision", changes={"expert": {"on_negative": "reject"}})
    run = expert_run(call)
    submitted_review(run, 2, "do_not_fund")
    run.refresh_from_db()
    assert run.state == "active"
    submitted_review(run, 9)
    run.refresh_from_db()
    run.application.refresh_from_db()
    assert (run.state, run.application.state) == ("rejected", "rejected")


def test_reopening_takes_the_score_back():
    call = make_review_call("expert", "decision")
    run = expert_run(call)
    review = submitted_review(run)
    with pytest.raises(DomainError):
        services.reopen_review(review, actor=make_staff("officer"), reason="")
    services.reopen_review(review, actor=make_staff("officer"), reason="打分有误")
    review.refresh_from_db()
    assert (review.state, review.score, review.submitted_at) == ("accepted", None, None)


def test_summaries_take_one_query(django_assert_num_queries):
    runs = [expert_run(), expert_run()]
    submitted_review(runs[0])
    with django_assert_num_queries(1):
        found = services.summaries_of([run.application for run in runs])
    assert [found[run.application_id].count for run in runs] == [1, 0]


# --- reminders


def at(review: Review, days: int):
    from park_portal.core.calendar.services import add_working_days

    return add_working_days(review.due_at.replace(hour=1), days)


def test_reminders_three_and_one_working_days_before_each_once():
    review = make_review()
    assert services.send_reminders(at(review, -4)) == 0
    for days in (-3, -3, -2, -1, -1, 0):
        services.send_reminders(at(review, days))
    assert [
        (m.payload["context"]["days"], m.payload["recipients"])
        for m in Message.objects.filter(key__startswith="review.reminder:").order_by("pk")
    ] == [("3", [review.reviewer_id]), ("1", [review.reviewer_id])]


def test_a_reminder_missed_while_the_portal_was_down_is_sent_once_and_the_nearest_only():
    review = make_review()
    services.send_reminders(at(review, -1))
    assert [
        m.payload["context"]["days"] for m in Message.objects.filter(key__startswith="review.reminder:")
    ] == ["1"]


def test_who_was_asked_late_is_not_reminded_at_once():
    review = make_review()
    Review.objects.filter(pk=review.pk).update(assigned_at=at(review, -2))
    assert services.send_reminders(at(review, -2)) == 0
    assert services.send_reminders(at(review, -1)) == 1


def test_overdue_goes_to_the_lead_with_a_replacement_asked_for():
    review = make_review()
    later = review.due_at + timedelta(hours=9)
    for _ in range(2):
        services.send_reminders(later)
    message = Message.objects.get(key__startswith="review.overdue:")
    assert message.payload["recipients"] == [review.application.call.lead_id]
    assert message.payload["context"]["reviewer"] == review.reviewer.name
    assert f"?run={review.run_id}" in message.payload["link"]
    assert recipients("review.overdue_reviewer") == [[review.reviewer_id]]
    assert recipients("review.stage_overdue") == [[review.application.call.lead_id]]


def test_submitted_declined_and_withdrawn_are_not_reminded():
    run = expert_run()
    submitted_review(run)
    declined = make_review(run)
    services.decline_review(declined, actor=declined.reviewer, reason="x")
    services.send_reminders(run.due_at - timedelta(hours=20))
    assert recipients("review.reminder") == []


def test_liaisons_are_reminded_until_they_have_answered():
    from tests.factories.incubator import make_liaison

    university, liaison = make_university(), make_user()
    make_liaison(liaison, university)
    run = run_of(
        make_application(make_review_call("liaison", "decision"), project=make_project(university=university))
    )
    for _ in range(2):
        services.send_reminders(run.due_at - timedelta(hours=20))
    assert recipients("review.liaison_reminder") in ([[liaison.pk]], [])


# --- the pool


def test_accepting_an_invitation_joins_the_pool_once():
    from funding.models import Reviewer
    from park_portal.core.accounts.services import accept_invitation

    officer = make_staff("officer")
    person = make_user(email="expert@example.com")
    token = token_of(services.invite_reviewer("Expert@example.com", actor=officer))
    for _ in range(2):
        accept_invitation(token, actor=person)
    assert Reviewer.objects.get().user == person
    with pytest.raises(DomainError):
        services.invite_reviewer("expert@example.com", actor=officer)
    with pytest.raises(Forbidden):
        services.invite_reviewer("x@example.com", actor=person)


def test_a_reviewer_changes_their_own_entry_but_not_the_employer_on_file():
    person = make_expert()
    services.update_reviewer(
        person.reviewer, actor=person, institution="新机构", keywords=["AI", "BT"], active=False
    )
    person.reviewer.refresh_from_db()
    assert (person.reviewer.institution, person.reviewer.keywords) == ("新机构", ["AI", "BT"])
    with pytest.raises(Forbidden):
        services.update_reviewer(person.reviewer, actor=person, organisation=make_university())
    with pytest.raises(Forbidden):
        services.update_reviewer(person.reviewer, actor=make_expert(), institution="x")
    with pytest.raises(DomainError):
        services.update_reviewer(person.reviewer, actor=person, keywords=["字" * 61])


def test_the_system_may_assign():
    assert services.assign_reviewer(expert_run(), make_expert(), actor=SYSTEM).assigned_by is None
