"""Staff with a standing conflict of interest: kept from one application, by every door, and told why."""

from __future__ import annotations

import pytest
from django.urls import reverse

from funding.decisions.services import Proposal, propose_decisions
from funding.models import Conflict, Review
from funding.reviews import services
from park_portal.core.errors import Forbidden
from park_portal.core.workflow import SYSTEM
from tests.callers import Caller
from tests.factories.core import make_staff
from tests.factories.reviews import (
    expert_run,
    make_application,
    make_expert,
    make_review_call,
    run_of,
    submitted_review,
)

pytestmark = pytest.mark.django_db


def bar(person, application, kind="family"):
    return services.record_conflict(application, person, actor=SYSTEM, kind=kind)


@pytest.fixture
def officer():
    return make_staff("officer")


def test_nothing_is_asked_or_taken_back(officer):
    call = make_review_call("expert", "decision")
    run, free = expert_run(call), expert_run(call)
    review = submitted_review(run)
    expected = services.assign_reviewer(run, make_expert(), actor=officer)
    bar(officer, run.application)
    with pytest.raises(Forbidden) as refused:
        services.assign_reviewer(run, make_expert(), actor=officer)
    assert refused.value.code == "conflict_of_interest"
    assert [problem.anchor for problem in refused.value.problems] == [f"application-{run.application_id}"]
    for act in (
        lambda: services.release_reviewer(expected, actor=officer),
        lambda: services.reopen_review(review, actor=officer, reason="Again"),
        lambda: services.complete_run(run, actor=officer, outcome="passed", note="Enough"),
        lambda: services.set_due(run, actor=officer, due_at=expected.due_at, reason="Later"),
    ):
        with pytest.raises(Forbidden):
            act()
    assert services.assign_reviewer(free, make_expert(), actor=officer).state == "assigned"
    assert services.release_reviewer(expected, actor=make_staff("officer")).state == "released"


def test_nothing_is_screened(officer):
    run = run_of(make_application(make_review_call("screening", "decision")))
    bar(officer, run.application)
    with pytest.raises(Forbidden) as refused:
        services.act_in_stage(run, actor=officer, opinion="pass", checks={})
    assert refused.value.code == "conflict_of_interest"
    assert not run.reviews.exists()


def test_nothing_is_decided(officer):
    call = make_review_call("decision")
    application, other = make_application(call), make_application(call)
    bar(officer, application)
    both = [Proposal(one, "approve", amount_fen=100) for one in (application, other)]
    with pytest.raises(Forbidden) as refused:
        propose_decisions(both, actor=officer)
    assert [problem.anchor for problem in refused.value.problems] == [f"application-{application.pk}"]
    assert len(propose_decisions(both[1:], actor=officer)) == 1
    assert len(propose_decisions(both[:1], actor=make_staff("officer"))) == 1


def test_who_reviews_stays_unknown_and_the_page_says_why(officer, client_of):
    run = expert_run(make_review_call("expert", "decision"))
    review, other = submitted_review(run), submitted_review(expert_run(run.application.call))
    name = review.reviewer.name
    client = client_of(officer)
    client.cookies["django_language"] = "en"
    work = reverse("admin:funding_stagerun_work", args=[run.pk])
    assert name in client.get(work).content.decode()
    bar(officer, run.application)
    page = client.get(work).content.decode()
    assert name not in page
    assert "You do not see who reviews this application" in page
    assert list(Review.objects.visible_to(officer)) == [other]
    assert client.get(f"/admin/funding/review/{review.pk}/change/").status_code in (302, 404)
    assert Caller(officer).get(f"/reviews/{review.pk}/").status_code == 404
    assert Review.objects.visible_to(make_staff("officer")).count() == 2


def test_the_same_employer_does_not_keep_staff_away(officer):
    run = expert_run(make_review_call("expert", "decision"))
    review = submitted_review(run)
    organisation = run.application.organisation
    assert organisation is not None
    services.record_tie(officer, actor=SYSTEM, kind="employer", organisation=organisation)
    assert list(Review.objects.visible_to(officer)) == [review]
    assert services.assign_reviewer(run, make_expert(), actor=officer).state == "assigned"


def test_nobody_dismisses_what_others_recorded_about_them(officer):
    run = expert_run(make_review_call("expert", "decision"))
    conflict = bar(officer, run.application)
    with pytest.raises(Forbidden):
        services.dismiss_conflict(conflict, actor=officer)
    assert Conflict.objects.get().state == "standing"
    assert services.dismiss_conflict(conflict, actor=make_staff("officer")).state == "dismissed"
    assert services.assign_reviewer(run, make_expert(), actor=officer).state == "assigned"
