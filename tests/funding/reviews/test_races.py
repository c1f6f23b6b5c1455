"""Two people at the same moment, each on a connection of their own."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from funding.models import Review, StageRun
from funding.reviews import services
from park_portal.core.errors import DomainError
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import make_liaison, make_project, make_university
from tests.factories.reviews import (
    expert_run,
    fill_review,
    make_application,
    make_expert,
    make_review,
    make_review_call,
    run_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts):
    """Returns what each act returned, or the DomainError it raised."""
    barrier = Barrier(len(acts))

    def play(act):
        try:
            barrier.wait(10)
            return act()
        except DomainError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(play, acts))


def test_two_liaisons_at_once_give_one_opinion():
    university = make_university()
    people = [make_user(), make_user()]
    for person in people:
        make_liaison(person, university)
    application = make_application(
        make_review_call("liaison", "decision"), project=make_project(university=university)
    )
    run = run_of(application)
    results = at_once(
        lambda: services.act_in_stage(run, actor=people[0], opinion="endorse"),
        lambda: services.act_in_stage(
            StageRun.objects.get(pk=run.pk), actor=people[1], opinion="object", comment_committee="不"
        ),
    )
    assert sorted(type(result).__name__ for result in results) == ["DomainError", "StageRun"]
    assert Review.objects.filter(run=run).count() == 1
    assert application.runs.count() == 2


def test_two_officers_at_once_pass_an_application_once():
    application = make_application(make_review_call("screening", "decision"))
    run = run_of(application)
    checks = {criterion.pk: "met" for criterion in run.stage.criteria.all()}
    officers = [make_staff("officer"), make_staff("officer")]
    results = at_once(
        *(
            lambda who=officer: services.act_in_stage(
                StageRun.objects.get(pk=run.pk), actor=who, opinion="pass", checks=checks
            )
            for officer in officers
        )
    )
    assert sorted(type(result).__name__ for result in results) == ["DomainError", "StageRun"]
    assert list(application.runs.order_by("pk").values_list("stage__kind", "state")) == [
        ("screening", "passed"),
        ("decision", "active"),
    ]


def test_two_workers_at_once_begin_an_application_once():
    application = make_application(begin=False)
    at_once(*(lambda: services.on_submitted(application.pk) for _ in range(3)))
    assert application.runs.count() == 1


def test_two_officers_at_once_ask_a_reviewer_once():
    run, person = expert_run(), make_expert()
    officers = [make_staff("officer"), make_staff("officer")]
    results = at_once(
        *(lambda who=officer: services.assign_reviewer(run, person, actor=who) for officer in officers)
    )
    assert {result.pk for result in results} == {Review.objects.get().pk}


def test_the_last_two_reviewers_at_once_complete_the_stage_once():
    run = expert_run()
    reviews = [fill_review(make_review(run, accepted=True)) for _ in range(2)]
    at_once(
        *(
            lambda one=review: services.submit_review(
                Review.objects.get(pk=one.pk), actor=one.reviewer, pledge=True
            )
            for review in reviews
        )
    )
    run.refresh_from_db()
    assert run.state == "passed"
    assert Review.objects.filter(run=run, state="submitted").count() == 2
    assert run.application.runs.count() == 2


def test_two_tabs_of_a_reviewer_do_not_overwrite_each_other():
    review = make_review(accepted=True)
    person = review.reviewer
    results = at_once(
        lambda: services.save_review(
            Review.objects.get(pk=review.pk), actor=person, revision=1, comment_committee="甲"
        ),
        lambda: services.save_review(
            Review.objects.get(pk=review.pk), actor=person, revision=1, comment_committee="乙"
        ),
    )
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "Review"]
    review.refresh_from_db()
    kept = next(result for result in results if isinstance(result, Review))
    assert (review.comment_committee, review.revision) == (kept.comment_committee, 2)
