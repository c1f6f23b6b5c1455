"""Whoever steps back is replaced by a plan that leaves everyone else where they are; and the random draw."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from funding.models import AssignmentPlan, Calculation, PlannedPair, PlanPool, Review
from funding.reviews import services
from funding.reviews.assignment import ticket
from funding.reviews.services.planning import solving
from park_portal.core.errors import DomainError, IllegalTransition
from park_portal.core.outbox.models import Message
from park_portal.core.workflow import SYSTEM
from tests.factories.core import make_staff
from tests.factories.plans import confirmed, make_plan, pairs_of, ring, solved, work_off_jobs
from tests.factories.reviews import accept, fill_review, make_expert, make_review, make_review_call

pytestmark = pytest.mark.django_db


def child_of(plan):
    return AssignmentPlan.objects.get(parent=plan)


def step_back(review, reason="出差"):
    services.decline_review(review, actor=review.reviewer, reason=reason)


def told(kind):
    return list(Message.objects.filter(key__startswith=f"{kind}:"))


# --- stepping back


def test_decline_proposes_a_replacement_and_leaves_everyone_else():
    plan = confirmed(make_plan(applications=3, experts=5))
    before = pairs_of(plan)
    gone = Review.objects.order_by("pk").first()
    step_back(gone)
    ring()
    work_off_jobs()
    child = child_of(plan)
    assert (child.state, child.stage, [one["review"] for one in child.because]) == (
        "ready",
        plan.stage,
        [gone.pk],
    )
    new = set(child.pairs.filter(origin="solved").values_list("run_id", "person_id"))
    kept = set(child.pairs.filter(origin="kept").values_list("run_id", "person_id"))
    assert kept == before - {(gone.run_id, gone.reviewer_id)}
    assert [run for run, _person in new] == [gone.run_id]
    assert gone.reviewer_id not in {person for _run, person in new}
    assert Review.objects.filter(state="assigned").count() == 5
    (message,) = told("assignment.proposed")
    assert message.payload["link"].endswith(f"/{child.pk}/plan/")
    assert told("review.replacement") == []
    services.confirm_plan(child, actor=make_staff("officer"))
    assert set(Review.objects.filter(state="assigned").values_list("run_id", "reviewer_id")) == kept | new


def test_who_was_not_asked_by_a_plan_is_replaced_by_staff_as_before():
    review = make_review()
    step_back(review)
    ring()
    assert len(told("review.replacement")) == 1
    assert not AssignmentPlan.objects.exists()


def test_many_who_step_back_at_once_are_one_plan():
    plan = confirmed(make_plan(applications=5, experts=8))
    gone = list(Review.objects.order_by("pk")[:5])
    for review in gone:
        step_back(review)
    ring()
    ring()
    assert services.on_stepped_back(gone[0].run_id, gone[0].reviewer_id) is None
    work_off_jobs()
    child = child_of(plan)
    assert {one["review"] for one in child.because} == {review.pk for review in gone}
    assert child.pairs.filter(origin="solved").count() == 5
    assert services.answer(plan.pk) is None
    assert len(told("assignment.proposed")) == 1
    barred = {(review.run_id, review.reviewer_id) for review in gone}
    assert not barred & pairs_of(child)


def test_one_who_steps_back_while_it_is_worked_out_is_replaced_too(monkeypatch):
    plan = confirmed(make_plan(applications=3, experts=6))
    first, second = Review.objects.order_by("pk")[:2]
    step_back(first)
    ring()
    real = solving.find
    calls = []

    def meanwhile(*args, **kwargs):
        calls.append(1)
        if len(calls) == 1:
            step_back(second)
            ring()
        return real(*args, **kwargs)

    monkeypatch.setattr(solving, "find", meanwhile)
    work_off_jobs()
    child = child_of(plan)
    assert (child.state, len(calls), len(child.because)) == ("ready", 2, 2)
    assert child.pairs.filter(origin="solved").count() == 2


def test_one_who_steps_back_after_the_proposal_joins_it():
    plan = confirmed(make_plan(applications=3, experts=6))
    first, second = Review.objects.order_by("pk")[:2]
    for review in (first, second):
        step_back(review)
        ring()
        work_off_jobs()
    child = child_of(plan)
    assert (child.state, len(child.because), child.pairs.filter(origin="solved").count()) == ("ready", 2, 2)
    assert len(told("assignment.proposed")) == 1


def test_conflict_of_interest_leads_to_a_replacement_and_never_to_the_same_person():
    plan = confirmed(make_plan(applications=2, experts=4))
    review = Review.objects.order_by("pk").first()
    services.recuse(review, actor=review.reviewer, kind="coauthor")
    ring()
    work_off_jobs()
    child = child_of(plan)
    assert [one["why"] for one in child.because] == ["recused"]
    assert (review.run_id, review.reviewer_id) not in pairs_of(child)


def test_conflict_found_later_asks_for_a_replacement_at_once():
    plan = confirmed(make_plan(applications=2, experts=4))
    review = Review.objects.order_by("pk").first()
    services.record_tie(
        review.reviewer,
        actor=make_staff("officer"),
        kind="family",
        other=review.application.organisation.memberships.get(role="owner").user,
    )
    assert Review.objects.get(pk=review.pk).state == "suspended"
    ring()
    work_off_jobs()
    child = child_of(plan)
    assert (child.state, [one["why"] for one in child.because]) == ("ready", ["suspended"])
    assert [run for run, _who in child.pairs.filter(origin="solved").values_list("run_id", "person_id")] == [
        review.run_id
    ]
    assert (review.run_id, review.reviewer_id) not in pairs_of(child)
    assert told("review.replacement") == []  # the plan tells staff whom it proposes
    assert len(told("assignment.proposed")) == 1


def test_proposal_that_staff_discard_is_not_made_again():
    plan = confirmed(make_plan(applications=2, experts=4))
    step_back(Review.objects.order_by("pk").first())
    ring()
    work_off_jobs()
    services.discard_plan(child_of(plan), actor=make_staff("officer"))
    assert services.tend_plans() == 0
    assert AssignmentPlan.objects.filter(parent=plan).count() == 1
    step_back(Review.objects.filter(state="assigned").order_by("pk").first())
    assert services.tend_plans() == 1
    newest = AssignmentPlan.objects.filter(parent=plan).first()
    assert len(newest.because) == 1


def test_who_was_replaced_by_hand_is_not_replaced_again():
    plan = confirmed(make_plan(applications=2, experts=4))
    review = Review.objects.order_by("pk").first()
    step_back(review)
    free = make_expert()
    services.assign_reviewer(review.run, free, actor=SYSTEM)
    ring()
    assert services.tend_plans() == 0
    assert not AssignmentPlan.objects.filter(parent=plan).exists()


def test_replacements_are_invited_by_themselves_where_staff_said_so():
    plan = confirmed(make_plan(applications=2, experts=4, invites_replacements=True))
    review = Review.objects.order_by("pk").first()
    step_back(review)
    ring()
    work_off_jobs()
    child = child_of(plan)
    assert (child.state, child.confirmed_by) == ("confirmed", None)
    assert Review.objects.filter(run=review.run, state="assigned").count() == 2
    assert len(told("assignment.replaced")) == 1
    assert told("assignment.proposed") == []
    # Who came in this way and steps back is replaced, too.
    new = Review.objects.get(run=review.run, reviewer=child.pairs.get(origin="solved").person)
    step_back(new)
    ring()
    work_off_jobs()
    assert AssignmentPlan.objects.filter(parent=plan, state="confirmed").count() == 2
    assert Review.objects.filter(run=review.run, state="assigned").count() == 2


def test_overdue_review_is_given_to_somebody_else_by_staff_alone():
    plan = confirmed(make_plan(applications=2, experts=4, invites_replacements=True))
    review = Review.objects.order_by("pk").first()
    Review.objects.filter(pk=review.pk).update(due_at=timezone.now() - timedelta(minutes=1))
    assert services.tend_plans() == 1
    work_off_jobs()
    assert services.tend_plans() == 0
    child = child_of(plan)
    assert (child.state, [one["why"] for one in child.because]) == ("ready", ["overdue"])
    review.refresh_from_db()
    assert review.state == "assigned"
    services.confirm_plan(child, actor=make_staff("officer"))
    review.refresh_from_db()
    assert review.state == "released"
    assert Review.objects.filter(run=review.run, state="assigned").count() == 2


def test_overdue_review_that_came_in_after_all_is_not_released():
    plan = confirmed(make_plan(applications=2, experts=4))
    review = Review.objects.order_by("pk").first()
    accept(review)
    Review.objects.filter(pk=review.pk).update(due_at=timezone.now() - timedelta(minutes=1))
    services.tend_plans()
    work_off_jobs()
    review.refresh_from_db()
    fill_review(review)
    services.submit_review(review, actor=review.reviewer, pledge=True)
    services.confirm_plan(child_of(plan), actor=make_staff("officer"))
    review.refresh_from_db()
    assert review.state == "submitted"


def test_where_nobody_is_left_staff_are_told_why():
    plan = confirmed(make_plan(applications=1, experts=2))
    step_back(Review.objects.order_by("pk").first())
    ring()
    work_off_jobs()
    child = child_of(plan)
    assert child.state == "failed"
    assert child.diagnosis["missing"] == 1
    assert len(told("assignment.failed")) == 1


def test_database_keeps_one_open_replacement_of_a_plan():
    plan = confirmed(make_plan(applications=1, experts=3))
    values = {"call": plan.call, "stage": plan.stage, "parent": plan, "criteria": plan.criteria}
    AssignmentPlan.objects.create(**values)
    with pytest.raises(IntegrityError), transaction.atomic():
        AssignmentPlan.objects.create(**values)


# --- the draw


def drawn(**values):
    return solved(make_plan(method="draw", **{"applications": 4, "experts": 7, "seed": 20260301, **values}))


def test_draw_is_made_after_pool_and_seed_are_published_and_once():
    officer = make_staff("officer")
    plan = make_plan(method="draw", applications=3, experts=6)
    with pytest.raises(DomainError) as refused:
        services.solve_plan(plan, actor=officer)
    assert refused.value.code == "not_published"
    first = services.publish_draw(plan, actor=officer)
    later = make_expert()
    again = services.publish_draw(plan, actor=officer)
    assert (first.published_at, again.published_at) == (first.published_at, first.published_at)
    pool = PlanPool.objects.get(plan=plan)
    assert len(pool.people) == 6
    assert later.pk not in pool.people
    for values in ({"seed": 1}, {"criteria": plan.asked.changed(max_load=3)}):
        with pytest.raises(IllegalTransition):
            services.change_plan(plan, actor=officer, **values)
    for change in (
        lambda: AssignmentPlan.objects.filter(pk=plan.pk).update(seed=1),
        lambda: AssignmentPlan.objects.filter(pk=plan.pk).update(criteria={}),
        lambda: PlanPool.objects.filter(plan=plan).update(people=[later.pk]),
        pool.delete,
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert solved(plan).state == "ready"
    with pytest.raises(IllegalTransition):
        services.solve_plan(plan, actor=officer)
    kept = Calculation.objects.get(kind="draw")
    assert (kept.seed, kept.inputs_sha256) == ("7", pool.digest)


def test_large_pool_is_published_by_a_worker_and_once(monkeypatch):
    monkeypatch.setattr("funding.reviews.services.planning.plans.READ_AT_ONCE", 0)
    plan, officer = make_plan(applications=2, experts=3, method="draw"), make_staff("officer")
    first = services.publish_draw(plan, actor=officer)
    again = services.publish_draw(plan, actor=officer)
    assert (first.published_at, first.is_being_published, again.job) == (None, True, first.job)
    assert not PlanPool.objects.filter(plan=plan).exists()
    work_off_jobs()
    done = AssignmentPlan.objects.get(pk=plan.pk)
    assert (done.published_at is not None, done.is_being_published) == (True, False)
    assert PlanPool.objects.get(plan=plan).shape == (2, 3)


def test_draw_that_is_changed_while_its_pool_is_read_is_not_published(monkeypatch):
    monkeypatch.setattr("funding.reviews.services.planning.plans.READ_AT_ONCE", 0)
    plan = make_plan(applications=2, experts=3, method="draw")
    services.publish_draw(plan, actor=SYSTEM)
    services.change_plan(plan, actor=SYSTEM, seed=99)
    work_off_jobs()
    done = AssignmentPlan.objects.get(pk=plan.pk)
    assert (done.published_at, done.seed, PlanPool.objects.filter(plan=plan).exists()) == (None, 99, False)


def test_draw_takes_the_highest_tickets_of_the_published_seed():
    plan = drawn(applications=2, experts=5, max_load=10)
    pool = PlanPool.objects.get(plan=plan)
    for row, run in enumerate(pool.runs):
        number = pool.terms["runs"][row]
        ranked = sorted(
            zip(pool.people, pool.terms["people"], strict=True),
            key=lambda one: -ticket(plan.seed, number, one[1]),
        )
        assert {person for of, person in pairs_of(plan) if of == run} == {one[0] for one in ranked[:2]}
    assert set(plan.pairs.values_list("origin", flat=True)) == {"drawn"}


def test_another_seed_draws_others():
    call = make_review_call("expert", "decision")
    first = drawn(call=call, experts=12)
    found = {frozenset(pairs_of(drawn(call=call, applications=0, experts=0, seed=n))) for n in range(4)}
    assert len(found | {frozenset(pairs_of(first))}) == 5


def test_draw_is_repeated_from_its_record_alone():
    plan = drawn()
    record = json.loads(json.dumps(services.record_of_draw(plan)))
    make_expert()
    PlannedPair.objects.filter(plan=plan).delete()
    assert services.draw_again(record) == record["result"]
    assert len(record["result"]) == 8
    assert {key for _number, key in record["result"]} <= set(record["names"])
    record["pool"]["reviewers"][0]["most"] += 1
    with pytest.raises(DomainError) as refused:
        services.draw_again(record)
    assert refused.value.code == "pool"


def test_command_prints_the_draw(tmp_path):
    plan = drawn()
    record = services.record_of_draw(plan)
    out = StringIO()
    call_command("draw", "--plan", str(plan.pk), stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0] == f"seed {plan.seed}"
    assert lines[1] == f"pool {record['pool_sha256']}"
    assert [line.split() for line in lines[2:-1]] == record["result"]
    assert lines[-1] == "8 pairs, the same as drawn"
    path = tmp_path / "draw.json"
    path.write_text(json.dumps(record))
    again = StringIO()
    call_command("draw", "--file", str(path), stdout=again)
    assert again.getvalue() == out.getvalue()
    record["result"] = record["result"][1:]
    path.write_text(json.dumps(record))
    with pytest.raises(CommandError, match="not the same"):
        call_command("draw", "--file", str(path), stdout=StringIO())
    with pytest.raises(CommandError):
        call_command("draw", "--plan", "0", stdout=StringIO())


def test_who_steps_back_from_a_draw_is_replaced_by_the_next_ticket():
    plan = drawn(applications=1, experts=4, max_load=10)
    services.confirm_plan(plan, actor=SYSTEM)
    pool = PlanPool.objects.get(plan=plan)
    ranked = sorted(
        zip(pool.people, pool.terms["people"], strict=True),
        key=lambda one: -ticket(plan.seed, pool.terms["runs"][0], one[1]),
    )
    step_back(Review.objects.get(reviewer=ranked[0][0]))
    ring()
    work_off_jobs()
    child = child_of(plan)
    assert (child.method, child.seed) == ("draw", plan.seed)
    assert child.pairs.get(origin="drawn").person_id == ranked[2][0]


def test_best_match_has_no_pool_to_publish():
    plan = make_plan(applications=1, experts=2)
    with pytest.raises(DomainError) as refused:
        services.publish_draw(plan, actor=SYSTEM)
    assert refused.value.code == "no_draw"
    with pytest.raises(DomainError):
        services.record_of_draw(plan)
