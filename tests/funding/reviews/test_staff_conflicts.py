"""Staff with a standing conflict of interest: kept from one application, by every door, and told why."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from funding.decisions.services import Proposal, propose_decisions
from funding.models import Conflict, Objection, Review
from funding.panels.reading import Access, access_to, reads_minutes
from funding.panels.services import call_item, open_vote
from funding.reviews import services
from park_portal.core.errors import Forbidden
from park_portal.core.workflow import SYSTEM
from tests.callers import Caller
from tests.factories.core import make_staff
from tests.factories.decisions import under_notice
from tests.factories.panels import session
from tests.factories.plans import make_plan, pairs_of, solved
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


# --- assignments of reviewers


@pytest.fixture
def planned(officer):
    """A plan of which one application is barred to the officer: (plan, its run, the other run, the names of its readers)."""
    call = make_review_call("expert", "decision")
    run, free = expert_run(call), expert_run(call)
    readers = [make_expert(f"读者{number}", institution=f"院{number}") for number in range(4)]
    for person in readers[2:]:
        services.record_conflict(run.application, person, actor=SYSTEM, kind="family")
    for person in readers[:2]:
        services.record_conflict(free.application, person, actor=SYSTEM, kind="family")
    plan = solved(make_plan(call))
    assert pairs_of(plan) == {
        *((run.pk, person.pk) for person in readers[:2]),
        *((free.pk, person.pk) for person in readers[2:]),
    }
    bar(officer, run.application)
    return plan, run, free, [person.name for person in readers[:2]]


def plan_page(plan, name="plan", *args):
    return reverse(f"admin:funding_assignmentplan_{name}", args=[plan.pk, *args])


def test_a_plan_names_nobody_to_them(officer, planned, client_of):
    plan, run, free, names = planned
    client = client_of(officer)
    client.cookies["django_language"] = "en"
    page = client.get(plan_page(plan)).content.decode()
    assert not any(name in page for name in names)
    assert "读者2" in page
    assert "somebody else of the park confirms the assignment" in page
    assert "Confirm and send" not in page
    assert plan_page(plan, "application", run.pk) not in page
    assert plan_page(plan, "application", free.pk) in page
    excluded = client.get(plan_page(plan, "pool") + "?show=excluded").content.decode()
    assert "读者3" not in excluded  # who is left out tells who is left
    assert names[0] in excluded
    sheet = load_workbook(BytesIO(client.get(plan_page(plan, "export")).content)).active
    rows = list(sheet.values)[1:]
    assert sorted({row[2] for row in rows}) == ["conflict of interest", "读者2", "读者3"]
    assert {row[3:6] for row in rows if row[0] == run.application.number} == {("—", "—", "—")}
    other = client_of(make_staff("officer")).get(plan_page(plan)).content.decode()
    assert all(name in other for name in names)


def test_a_plan_is_not_changed_by_them_where_they_are_barred(officer, planned, client_of):
    plan, run, free, _names = planned
    client, caller = client_of(officer), Caller(officer)
    assert client.get(plan_page(plan, "application", run.pk)).status_code == 403
    assert client.post(plan_page(plan, "application", run.pk), {"preview": "1"}).status_code == 403
    assert client.get(plan_page(plan, "application", free.pk)).status_code == 200
    sent = {"people": [], "revision": plan.revision, "preview": True}
    refused = caller.post(f"/assignment-plans/{plan.pk}/applications/{run.pk}/", sent)
    assert (refused.status_code, refused.json()["code"]) == (403, "conflict_of_interest")
    assert caller.post(f"/assignment-plans/{plan.pk}/applications/{free.pk}/", sent).status_code == 200
    shown = caller.get(f"/assignment-plans/{plan.pk}/pairs/").json()["results"]
    assert {row["run"] for row in shown} == {free.pk}
    assert (
        len(Caller(make_staff("officer")).get(f"/assignment-plans/{plan.pk}/pairs/").json()["results"]) == 4
    )


def test_a_plan_is_confirmed_by_somebody_else(officer, planned, client_of):
    plan, run, _free, _names = planned
    with pytest.raises(Forbidden) as refused:
        services.confirm_plan(plan, actor=officer)
    assert [problem.anchor for problem in refused.value.problems] == [f"application-{run.application_id}"]
    page = client_of(officer).post(plan_page(plan), {"do": "confirm", "revision": plan.revision})
    assert page.status_code == 200
    assert not Review.objects.exists()
    assert services.confirm_plan(plan, actor=make_staff("officer")).state == "confirmed"
    assert Review.objects.count() == 4


def test_a_draw_tells_them_keys_without_names(officer, client_of):
    call = make_review_call("expert", "decision")
    run = expert_run(call)
    people = [make_expert(f"抽签{number}", institution=f"院{number}") for number in range(3)]
    plan = solved(make_plan(call, method="draw"))
    bar(officer, run.application)
    client = client_of(officer)
    for name in ("draw", "plan"):
        page = client.get(plan_page(plan, name)).content.decode()
        assert not any(person.name in page for person in people)
    pool = client.get(plan_page(plan, "pool")).content.decode()
    record = Caller(officer).get(f"/assignment-plans/{plan.pk}/draw/").json()
    assert record["names"] == {}
    assert not any(one["key"] in pool for one in record["pool"]["reviewers"])
    assert services.draw_again(record) == record["result"]
    whole = Caller(make_staff("officer")).get(f"/assignment-plans/{plan.pk}/draw/").json()
    assert sorted(name for name, _institution in whole["names"].values()) == sorted(
        person.name for person in people
    )


def test_who_was_asked_stays_unknown_where_reviewers_are_asked(officer, client_of):
    call = make_review_call("expert", "decision")
    run, free = expert_run(call), expert_run(call)
    asked = [services.assign_reviewer(one, make_expert(), actor=SYSTEM) for one in (run, free)]
    bar(officer, run.application)
    client = client_of(officer)
    client.cookies["django_language"] = "en"
    page = client.get(reverse("admin:funding_stagerun_assign"), {"run": [run.pk, free.pk]})
    assert page.context["reviews"] == asked[1:]
    assert page.context["chosen_runs"] == [free]
    assert "You have a conflict of interest here" in page.content.decode()


# --- what was said against it


def test_objections_are_seen_and_answered_by_others(officer, client_of):
    line = under_notice()
    objection = services.record_objection(line, name="何先生", email="he@example.com", text="数据有误。")
    bar(officer, line.application)
    assert list(Objection.objects.visible_to(officer)) == []
    assert client_of(officer).get(f"/admin/funding/objection/{objection.pk}/change/").status_code in (
        302,
        404,
    )
    assert Caller(officer).get(f"/objections/{objection.pk}/").status_code == 404
    for act in (
        lambda: services.resolve_objection(objection, actor=officer, upheld=False, resolution="不成立"),
        lambda: services.take_out(line, actor=officer, reason="撤下"),
    ):
        with pytest.raises(Forbidden) as refused:
            act()
        assert refused.value.code == "conflict_of_interest"
    other = make_staff("officer")
    assert list(Objection.objects.visible_to(other)) == [objection]
    assert (
        services.resolve_objection(objection, actor=other, upheld=False, resolution="不成立").upheld is False
    )


# --- panels


def test_staff_who_look_on_see_the_item_closed(officer, client_of):
    meeting = session()
    item = meeting.items.order_by("position").first()
    call_item(item, actor=SYSTEM)
    page = f"/panels/{meeting.pk}/"
    client = client_of(officer)
    client.cookies["django_language"] = "en"
    assert access_to(item, officer, None).may_read
    bar(officer, item.application)
    assert access_to(item, officer, None) == Access(False, is_barred=True, reason="亲属（园区登记）")
    assert not reads_minutes(meeting, officer, None)
    assert client.get(page).status_code == 200
    assert (
        "conflict of interest" in client.get(f"/admin/funding/meeting/{meeting.pk}/change/").content.decode()
    )
    row = Caller(officer).get(f"/agenda-items/{item.pk}/read/").json()
    assert (row["access"], row["sections"], row["reviews"]) == ("left", [], [])
    assert Caller(make_staff("officer")).get(f"/agenda-items/{item.pk}/read/").json()["access"] == "open"
    with pytest.raises(Forbidden):
        open_vote(item, actor=officer)
    assert reads_minutes(meeting, make_staff("officer"), None)
