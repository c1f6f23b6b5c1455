"""What reviewers' records say, to whom, and what it costs."""

import json
import zipfile
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, override

from funding.models import Calculation, Review
from funding.panels.services import rate_review
from funding.reviews import services
from funding.reviews.record import CallFigures, Figures, Record, add_up, combined
from funding.reviews.services import records_of
from park_portal.core.privacy.copies import write_copy
from park_portal.core.workflow import SYSTEM
from tests.callers import Caller
from tests.factories.panels import make_meeting, members_of, open_session
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

DAY = timedelta(days=1)


def test_several_calls_add_up():
    rows = [
        CallFigures(
            Figures(invited=3, accepted=2, declined=1, on_time=1, late=1), 3, 6 * DAY, 300, 500, 14, 3
        ),
        CallFigures(Figures(invited=2, accepted=2, on_time=1, never=1), 2, 1 * DAY, 101, 100, 3, 1),
    ]
    found = add_up(rows)
    assert found == Figures(
        5,
        4,
        1,
        0,
        2,
        1,
        1,
        answered_days=1.4,
        words=134,
        characters=200,
        usefulness=4.2,
        usefulness_ratings=4,
    )
    assert (found.due, found.submitted, found.on_time_share) == (4, 3, 0.5)
    assert add_up([]) == Figures()
    assert Figures().on_time_share is None


def test_severities_are_combined_by_inverse_variance():
    found = combined([(6.0, 1.0), (0.0, 2.0)])
    assert (found.value, found.stderr, found.parts) == (
        pytest.approx(4.8),
        pytest.approx(0.8944, abs=1e-4),
        2,
    )
    assert found.tells_apart
    assert not combined([(1.0, 1.0)]).tells_apart
    assert combined([(3.0, 0.0), (2.0, float("inf")), (1.0, float("nan"))]) is None
    assert combined([]) is None


def rate(item, review, *values):
    for member, value in zip(members_of(item.meeting), values, strict=False):
        rate_review(item, review, actor=member, value=value)


@pytest.mark.django_db
class TestRecords:
    def test_each_figure_counts_what_it_says(self):
        person = make_expert()
        now = timezone.now()
        reviews = [make_review(person=person) for _ in range(9)]
        on_time, late, never, writing, declined, recused, released, early, _waiting = reviews
        for review in (on_time, late, never, writing, early):
            accept(review)
        for review in (on_time, late):
            fill_review(review, comment_applicant="")
        Review.objects.filter(pk=late.pk).update(due_at=now - DAY)
        for review in (on_time, late):
            review.refresh_from_db()
            services.submit_review(review, actor=person, pledge=True)
        Review.objects.filter(pk=never.pk).update(due_at=now - DAY)
        services.decline_review(declined, actor=person, reason="Travelling")
        services.recuse(recused, actor=person, kind="coauthor")
        services.release_reviewer(released, actor=SYSTEM)  # never answered: nothing is said of it
        services.release_reviewer(early, actor=SYSTEM)  # before the deadline: no fault
        record = records_of([person])[person.pk].whole
        assert record == Figures(
            invited=8,
            accepted=5,
            declined=1,
            conflicts=1,
            on_time=1,
            late=1,
            never=1,
            answered_days=record.answered_days,
            words=4,
            characters=5,
        )
        assert record.answered_days == 0.0
        assert record.on_time_share == pytest.approx(1 / 3)

    def test_who_is_released_after_the_deadline_never_handed_in(self):
        review = make_review(accepted=True)
        Review.objects.filter(pk=review.pk).update(due_at=timezone.now() - DAY)
        review.refresh_from_db()
        services.release_reviewer(review, actor=SYSTEM)
        assert records_of([review.reviewer_id])[review.reviewer_id].whole.never == 1

    def test_a_suspension_takes_nothing_back_and_blames_nobody(self):
        person = make_expert()
        handed_in = submitted_review(expert_run(make_review_call("expert", "decision")), person=person)
        unanswered, writing, overdue = (make_review(person=person) for _ in range(3))
        accept(writing)
        accept(overdue)
        Review.objects.filter(pk=overdue.pk).update(due_at=timezone.now() - DAY)
        for review in (handed_in, unanswered, writing, overdue):
            services.record_conflict(review.application, person, actor=SYSTEM, kind="family")
        assert set(person.reviews.values_list("state", flat=True)) == {"suspended"}
        whole = records_of([person])[person.pk].whole
        assert (whole.invited, whole.accepted, whole.conflicts) == (3, 3, 0)
        assert (whole.on_time, whole.late, whole.never, whole.due) == (1, 0, 1, 2)
        assert whole.words == records_of([submitted_review(expert_run()).reviewer]).popitem()[1].whole.words

    def test_usefulness_is_what_members_of_panels_said(self):
        call = make_review_call("expert", "panel", "decision", changes={"expert": {"required_count": 2}})
        run = expert_run(call)
        first, second = submitted_review(run), submitted_review(run)
        meeting = open_session(make_meeting(0, call=call))
        item = meeting.items.get()
        rate(item, first, 5, 4, 2)
        rate(item, second, 3)
        found = records_of([first.reviewer, second.reviewer])
        assert [
            (found[one.reviewer_id].whole.usefulness, found[one.reviewer_id].whole.usefulness_ratings)
            for one in (first, second)
        ] == [(3.7, 3), (3.0, 1)]
        assert found[first.reviewer_id].whole.invited == 1  # ratings multiply nothing
        assert found[first.reviewer_id].recent.usefulness == 3.7

    def test_who_is_asked_again_begins_anew(self):
        review = make_review()
        services.decline_review(review, actor=review.reviewer, reason="Travelling")
        Review.objects.filter(pk=review.pk).update(answered_at=timezone.now() + 4 * DAY)
        assert records_of([review.reviewer_id])[review.reviewer_id].whole.answered_days == 4.0
        services.assign_reviewer(review.run, review.reviewer, actor=SYSTEM)
        whole = records_of([review.reviewer_id])[review.reviewer_id].whole
        assert (whole.invited, whole.declined, whole.answered_days) == (1, 0, None)

    @pytest.mark.parametrize(
        ("text", "words", "characters"),
        [
            ("理由充分。", 4, 5),
            ("The model is well-founded, isn't it?", 6, 31),
            ("采用 GPT-4 模型，准确率 92.5%", 9, 18),
            ("", 0, 0),
        ],
    )
    def test_length_counts_characters_and_words_as_word_does(self, text, words, characters):
        review = make_review(accepted=True)
        fill_review(review, comment_applicant=text)
        services.save_review(review, actor=review.reviewer, revision=None, comment_committee="好")
        services.submit_review(review, actor=review.reviewer, pledge=True)
        whole = records_of([review.reviewer])[review.reviewer_id].whole
        assert (whole.words, whole.characters) == (words + 1, characters + 1)

    def test_the_last_calls_are_told_apart_from_all(self):
        person, now = make_expert(), timezone.now()
        for ago in (900, 700, 500, 10):
            review = submitted_review(expert_run(make_review_call("expert", "decision")), person=person)
            Review.objects.filter(pk=review.pk).update(assigned_at=now - ago * DAY)
        missed = Review.objects.order_by("assigned_at").first()
        type(missed).objects.filter(pk=missed.pk).update(due_at=missed.assigned_at)
        record = records_of([person])[person.pk]
        assert (record.whole.invited, record.recent.invited, record.recent_calls) == (4, 3, 3)

    def test_what_is_older_than_the_rule_is_not_looked_at(self):
        review = submitted_review(expert_run())
        Review.objects.filter(pk=review.pk).update(assigned_at=timezone.now() - timedelta(days=366 * 5))
        assert records_of([review.reviewer])[review.reviewer_id] == Record()

    def test_severity_is_the_newest_calibration_on_record_of_each_call(self):
        first, second = (
            submitted_review(expert_run(make_review_call("expert", "decision")), person=person)
            for person in [make_expert()] * 2
        )
        person = first.reviewer
        for review, value, error in ((first, 50.0, 1.0), (first, 6.0, 1.0), (second, 0.0, 2.0)):
            key = f"{review.run.stage_id}/{person.pk}"
            Calculation.objects.create(
                call=review.application.call,
                kind="rating",
                method="calibrated",
                inputs_sha256="0" * 64,
                result={
                    "severity": {key: value, f"{review.run.stage_id}/0": 9.0},
                    "severity_stderr": {key: error},
                },
            )
        severity = records_of([person])[person.pk].severity
        assert (severity.value, severity.parts) == (pytest.approx(4.8), 2)
        assert records_of([make_expert()]).popitem()[1].severity is None

    def test_opinions_given_from_a_queue_are_no_reviews(self, people):
        officer = people("officer")
        run = run_of(make_application(make_review_call("screening", "decision")))
        checks = {criterion.pk: "met" for criterion in run.stage.criteria.all()}
        services.act_in_stage(run, actor=officer, opinion="pass", checks=checks)
        assert officer.reviews.get().state == "submitted"
        assert records_of([officer]) == {officer.pk: Record()}

    def test_it_costs_the_same_for_one_and_for_many(self):
        def cost(people):
            with CaptureQueriesContext(connection) as captured:
                found = records_of(people)
            assert set(found) == {person.pk for person in people}
            return len(captured)

        run = expert_run(make_review_call("expert", "decision"))
        people = [submitted_review(run).reviewer for _ in range(2)]
        people += [make_review().reviewer for _ in range(6)]
        one = cost(people[:1])
        assert cost(people) == one
        assert one <= 4
        assert records_of([]) == {}


@pytest.mark.django_db
class TestDoors:
    """The person and staff see a record; nobody else does, applicants least of all."""

    def test_a_reviewer_reads_their_own_in_plain_words(self, client_of, people):
        review = submitted_review(expert_run(), person=people("reviewer"))
        client = client_of("reviewer")
        client.cookies["django_language"] = "en"
        page = client.get(reverse("reviews:record")).content.decode()
        assert "100% (1 / 1)" in page
        assert "Applicants and other reviewers never do." in page
        assert reverse("my-data-ask") in page
        assert reverse("reviews:record") in client.get(reverse("reviews:list")).content.decode()
        said = Caller(people("reviewer")).get(f"/reviewers/{review.reviewer.reviewer.pk}/record/").json()
        assert (said["whole"]["on_time_share"], said["recent_calls"], said["severity"]) == (1.0, 1, None)

    def test_who_was_never_asked_reads_that(self, client_of):
        client = client_of("reviewer")
        client.cookies["django_language"] = "en"
        assert "Nothing on record yet" in client.get(reverse("reviews:record")).content.decode()

    def test_nobody_else_reads_it(self, client_of, people):
        review = submitted_review(expert_run(), person=people("reviewer"))
        entry, applicant = review.reviewer.reviewer, review.application.created_by
        for someone in (applicant, people("other_reviewer"), people("liaison"), people("stranger")):
            assert Caller(someone).get(f"/reviewers/{entry.pk}/record/").status_code == 404
            assert client_of(someone).get(f"/admin/funding/reviewer/{entry.pk}/record/").status_code in (
                302,
                403,
                404,
            )
        assert client_of(applicant).get(reverse("reviews:record")).status_code == 404

    def test_staff_read_it_on_the_reviewer_in_the_pool_and_when_assigning(self, client_of, people):
        run = expert_run(make_review_call("expert", "decision"))
        review = submitted_review(run, person=people("reviewer"))
        entry = review.reviewer.reviewer
        client = client_of("officer")
        client.cookies["django_language"] = "en"
        page = client.get(f"/admin/funding/reviewer/{entry.pk}/record/").content.decode()
        assert "100% (1 / 1)" in page
        assert "100% (1 / 1)" in client.get("/admin/funding/reviewer/").content.decode()
        assign = client.get(f"/admin/funding/stagerun/assign/?run={run.pk}").content.decode()
        assert f'href="/admin/funding/reviewer/{entry.pk}/record/">1 / 1<' in assign

    def test_the_pool_costs_the_same_for_one_and_for_many(self, client_of):
        client = client_of("officer")

        def cost():
            client.get("/admin/funding/reviewer/")
            with CaptureQueriesContext(connection) as captured:
                assert client.get("/admin/funding/reviewer/").status_code == 200
            return len(captured)

        submitted_review(expert_run(make_review_call("expert", "decision")))
        one = cost()
        for _ in range(4):
            make_review()
        assert cost() == one

    def test_ones_own_copy_of_data_holds_it(self, people, tmp_path):
        submitted_review(expert_run(), person=people("reviewer"))
        write_copy(tmp_path / "copy.zip", people("reviewer"))
        with zipfile.ZipFile(tmp_path / "copy.zip") as archive:
            parts = json.loads(archive.read("data.json"))["parts"]
        (part,) = [one for one in parts if one["table"] == "funding.record"]
        ((row,), columns) = part["rows"], part["columns"]
        figures = {columns[name]: value for name, value in row.items()}
        with override("zh-hans"):
            assert figures[gettext("Handed in on time")] == "1"
        write_copy(tmp_path / "other.zip", people("stranger"))
        with zipfile.ZipFile(tmp_path / "other.zip") as archive:
            assert "funding.record" not in archive.read("data.json").decode()
