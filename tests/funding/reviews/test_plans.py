"""Assigning reviewers by a plan: working it out, changing it by hand, confirming it; everything twice."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.translation import override

from funding.models import AssignmentPlan, Calculation, PlannedPair, Review
from funding.reviews import assignment, services
from funding.reviews.criteria import PlanCriteria, PoolFilter, criteria_of
from funding.reviews.services.planning import confirming, inputs, solving
from park_portal.core.audit.models import Entry
from park_portal.core.errors import Conflict, DomainError, Forbidden, IllegalTransition
from park_portal.core.jobs.models import Job
from park_portal.core.outbox.models import Message
from park_portal.core.workflow import SYSTEM
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import make_organisation
from tests.factories.plans import confirmed, make_plan, pairs_of, solved, work_off_jobs
from tests.factories.reviews import expert_run, make_expert, make_review, make_review_call, submitted_review

pytestmark = pytest.mark.django_db


def loads(plan):
    rows = PlannedPair.objects.filter(plan=plan).values_list("person_id", flat=True)
    found = {}
    for person in rows:
        found[person] = found.get(person, 0) + 1
    return found


def test_criteria_are_read_back_as_they_were_kept():
    criteria = PlanCriteria(
        per_application=5,
        mix={"industry": 1},
        pool=PoolFilter(keywords=("类器官",), on_time=80),
        max_shared=2,
    )
    assert criteria_of(criteria.as_json()) == criteria
    assert criteria_of({"max_load": 4, "gone": 1}) == PlanCriteria(max_load=4)


# --- working it out


def test_a_plan_gives_every_application_its_reviewers_and_invites_nobody():
    officer = make_staff("officer")
    plan = solved(make_plan(applications=4, experts=5, actor=officer, max_load=2), actor=officer)
    assert (plan.state, plan.figures["pairs"], plan.figures["short"]) == ("ready", 8, 0)
    assert max(loads(plan).values()) == 2
    assert {run for run, _person in pairs_of(plan)} == set(plan.stage.runs.values_list("pk", flat=True))
    assert plan.figures["total"] <= plan.figures["bound"] + 1e-4
    assert plan.figures["worst"] <= plan.figures["worst_bound"] + 1e-4
    assert not Review.objects.exists()
    assert not Message.objects.filter(key__startswith="review.invited").exists()


def test_working_out_is_asked_for_once_and_kept_as_a_calculation():
    officer = make_staff("officer")
    plan = make_plan(applications=2, experts=3, actor=officer)
    first = services.solve_plan(plan, actor=officer)
    again = services.solve_plan(plan, actor=officer)
    assert (first.state, again.job) == ("solving", first.job)
    assert Job.objects.filter(kind="reviews.assignment").count() == 1
    (job,) = work_off_jobs()
    assert (job.state, job.percent) == ("done", 100)
    kept = Calculation.objects.get(kind="assignment")
    assert (kept.call, kept.stage, kept.seed, kept.made_by) == (plan.call, plan.stage, "7", officer)
    assert len(kept.result["chosen"]) == 4
    assert kept.parameters["plan"] == plan.pk


def test_the_same_plan_twice_gives_the_same_pairs():
    call = make_review_call("expert", "decision")
    one = solved(make_plan(call, applications=5, experts=7))
    two = solved(make_plan(call))
    assert pairs_of(one) == pairs_of(two)


def test_conflicts_are_left_out_and_who_is_asked_already_stays():
    call = make_review_call("expert", "decision")
    company = make_organisation(owner=make_user())
    run, other = expert_run(call, organisation=company), expert_run(call)
    member, asked, done, gone, free = (make_expert(f"专家{n}", institution=f"院{n}") for n in range(5))
    company.memberships.create(user=member, role="viewer")
    make_review(run, asked)
    submitted_review(other, person=done)
    declined = make_review(run, gone)
    services.decline_review(declined, actor=gone, reason="忙")
    plan = solved(make_plan(call))
    pairs = pairs_of(plan)
    assert {(run.pk, asked.pk), (other.pk, done.pk)} <= pairs
    assert {(run.pk, member.pk), (run.pk, gone.pk)} & pairs == set()
    assert len(pairs) == 4
    origins = dict(plan.pairs.values_list("person_id", "origin").filter(origin="kept"))
    assert origins == {asked.pk: "kept", done.pk: "kept"}
    assert (plan.figures["conflicts"], plan.figures["stepped_back"]) == (1, 1)
    assert set(loads(plan)) <= {member.pk, asked.pk, done.pk, gone.pk, free.pk}


def test_nobody_is_given_more_than_they_take_on_at_a_time():
    call = make_review_call("expert", "decision")
    busy, tired = make_expert(capacity=2, institution="甲"), make_expert(capacity=1, institution="乙")
    make_review(expert_run(), busy)  # of another call
    for number in range(3):
        make_expert(institution=f"丙{number}")
    plan = solved(make_plan(call, applications=4, max_load=12))
    assert loads(plan).get(busy.pk, 0) <= 1
    assert loads(plan).get(tired.pk, 0) <= 1


def test_one_reviewer_of_an_institution_reads_an_application():
    for _ in range(3):
        make_expert(institution="同一研究院")
    make_expert(institution="另一研究院")
    plan = solved(make_plan(applications=2))
    for run in plan.stage.runs.all():
        where = [pair.person.reviewer.institution for pair in plan.pairs.filter(run=run)]
        assert sorted(where) == ["另一研究院", "同一研究院"]


def test_filter_of_the_pool():
    far, near, late, full = (make_expert(f"专家{n}", institution=f"院{n}") for n in range(4))
    near.reviewer.keywords = ["类器官", "药筛"]
    near.reviewer.save()
    late.reviewer.keywords = ["类器官"]
    late.reviewer.save()
    review = submitted_review(expert_run(), person=late)
    Review.objects.filter(pk=review.pk).update(due_at=review.submitted_at - timedelta(days=1))
    full.reviewer.capacity = 0
    full.reviewer.save()

    def found(**wanted):
        return {one.user for one in inputs.pool_of(PlanCriteria(pool=PoolFilter(**wanted)))}

    assert found() == {far, near, late}
    assert found(with_room=False) == {far, near, late, full}
    assert found(keywords=("类器官",)) == {near, late}
    assert found(keywords=("类器官",), on_time=50) == {near}
    assert found(institutions=("院0",)) == {far}


# --- where there is none


def test_what_is_impossible_says_who_lacks_how_many_reviewers():
    plan = solved(make_plan(applications=4, experts=3, max_load=1))
    assert plan.state == "failed"
    assert (plan.diagnosis["code"], plan.diagnosis["missing"]) == ("reviewers", 5)
    (knot,) = plan.diagnosis["knots"]
    assert set(knot["runs"]) == set(plan.stage.runs.values_list("pk", flat=True))
    assert len(knot["people"]) == 3
    assert "max_load" in plan.diagnosis["loosen"]
    assert not plan.pairs.exists()
    services.change_plan(plan, actor=SYSTEM, criteria=plan.asked.changed(max_load=3))
    assert solved(plan).state == "ready"


@pytest.mark.parametrize(
    ("applications", "experts", "code"), [(0, 3, "no_applications"), (2, 1, "small_pool")]
)
def test_nothing_to_assign_is_said_plainly(applications, experts, code):
    plan = solved(make_plan(applications=applications, experts=experts))
    assert (plan.state, plan.diagnosis["code"]) == ("failed", code)


def test_what_breaks_leaves_nobody_waiting(monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(assignment, "assign", broken)
    plan = make_plan(applications=2, experts=3)
    services.solve_plan(plan, actor=SYSTEM)
    (job,) = work_off_jobs()
    plan.refresh_from_db()
    assert (job.state, plan.state, plan.diagnosis["code"]) == ("failed", "failed", "broken")
    monkeypatch.undo()
    assert solved(plan).state == "ready"


def test_what_takes_too_long_is_given_up_aloud(monkeypatch):
    def slow(*args, **kwargs):
        raise assignment.OutOfTime(240, "total")

    monkeypatch.setattr(assignment, "assign", slow)
    plan = solved(make_plan(applications=2, experts=3))
    assert (plan.state, plan.diagnosis["code"], plan.diagnosis["seconds"]) == ("failed", "out_of_time", 240)


def test_stopping_calls_the_worker_back():
    officer = make_staff("officer")
    plan = services.solve_plan(make_plan(applications=2, experts=3), actor=officer)
    for _ in range(2):
        assert services.stop_solving(plan, actor=officer).state == "draft"
    plan.refresh_from_db()
    assert (plan.state, plan.job.state) == ("draft", "cancelled")
    assert work_off_jobs() == []
    assert solved(plan, actor=officer).state == "ready"


def test_result_of_a_plan_that_was_changed_meanwhile_is_dropped(monkeypatch):
    plan = make_plan(applications=2, experts=3)
    services.solve_plan(plan, actor=SYSTEM)
    real = solving.find

    def meanwhile(*args, **kwargs):
        services.stop_solving(plan, actor=SYSTEM)
        return real(*args, **kwargs)

    monkeypatch.setattr(solving, "find", meanwhile)
    work_off_jobs()
    plan.refresh_from_db()
    assert (plan.state, plan.pairs.count(), plan.figures) == ("draft", 0, {})


def test_plan_whose_worker_died_can_be_begun_again():
    plan = services.solve_plan(make_plan(applications=2, experts=3), actor=SYSTEM)
    assert services.tend_plans() == 0
    Job.objects.filter(pk=plan.job_id).delete()
    assert services.tend_plans() == 1
    plan.refresh_from_db()
    assert (plan.state, plan.diagnosis["code"]) == ("failed", "interrupted")
    assert solved(plan).state == "ready"


# --- criteria


def test_only_officers_and_the_lead_plan():
    plan = make_plan(applications=2, experts=3)
    for actor in (make_user(), make_staff("finance"), make_staff("fund_manager"), make_expert()):
        for act in (services.solve_plan, services.discard_plan, services.confirm_plan, services.publish_draw):
            with pytest.raises(Forbidden):
                act(plan, actor=actor)
        with pytest.raises(Forbidden):
            services.change_plan(plan, actor=actor, due_at=None)
        with pytest.raises(Forbidden):
            services.create_plan(plan.stage, actor=actor)
    plan.refresh_from_db()
    assert (plan.state, AssignmentPlan.objects.count()) == ("draft", 1)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"per_application": 0}, "per_application"),
        ({"max_load": 0}, "max_load"),
        ({"min_load": 13}, "min_load"),
        ({"floor": "number"}, "floor_value"),
        ({"floor": "x"}, "floor_value"),
        ({"minimum": 1.5}, "minimum"),
        ({"mix": {"industry": 3}}, "mix"),
        ({"together": 101}, "together"),
        ({"max_shared": 0}, "max_shared"),
    ],
)
def test_criteria_that_make_no_sense_are_refused_by_name(values, field):
    with pytest.raises(DomainError) as refused:
        make_plan(**values)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert not AssignmentPlan.objects.exists()


def test_other_criteria_ask_for_working_it_out_again():
    plan = solved(make_plan(applications=2, experts=4))
    changed = services.change_plan(plan, actor=SYSTEM, criteria=plan.asked.changed(per_application=3))
    assert (changed.state, changed.asked.per_application) == ("draft", 3)
    again = services.change_plan(changed, actor=SYSTEM, criteria=changed.asked)
    assert again.revision == changed.revision
    assert solved(plan).figures["pairs"] == 6


def test_two_officers_on_one_plan_the_second_is_told():
    plan = solved(make_plan(applications=2, experts=4))
    seen = plan.revision
    services.change_plan(plan, actor=make_staff("officer"), revision=seen, invites_replacements=True)
    for act in (services.confirm_plan, services.solve_plan):
        with pytest.raises(Conflict):
            act(plan, actor=make_staff("officer"), revision=seen)
    with pytest.raises(Conflict):
        services.change_plan(plan, actor=make_staff("officer"), revision=seen, due_at=None)
    plan.refresh_from_db()
    assert (plan.state, plan.invites_replacements, Review.objects.count()) == ("ready", True, 0)


def test_plan_stays_on_record_when_it_is_discarded():
    plan = solved(make_plan(applications=2, experts=4))
    for _ in range(2):
        assert services.discard_plan(plan, actor=SYSTEM).state == "discarded"
    for refused in (plan.delete, plan.pairs.all().delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            refused()
    with pytest.raises(IllegalTransition):
        services.solve_plan(plan, actor=SYSTEM)


# --- by hand


def test_change_by_hand_shows_its_effect_and_keeps_it():
    plan = solved(make_plan(applications=2, experts=4, max_load=2))
    run = plan.stage.runs.order_by("pk").first()
    mine = {pair.person for pair in plan.pairs.filter(run=run)}
    others = [one.user for one in inputs.pool_of(PlanCriteria()) if one.user not in mine]
    kept, taken = sorted(mine, key=lambda one: one.pk)[0], others[0]
    shown, total = services.effect_of(plan, run, [kept.pk, taken.pk], actor=SYSTEM), plan.figures["total"]
    assert plan.pairs.filter(run=run).count() == 2
    done = services.change_pairs(
        plan, run, [kept, taken], actor=make_staff("officer"), revision=plan.revision
    )
    assert done == shown
    assert done.added == (taken.pk,)
    assert done.total_change == round(done.after.total - done.before.total, 4)
    assert done.before.total == total
    stored = AssignmentPlan.objects.get(pk=plan.pk)
    assert stored.figures["total"] == done.after.total
    assert dict(plan.pairs.filter(run=run).values_list("person_id", "origin")) == {
        kept.pk: "solved",
        taken.pk: "hand",
    }
    services.solve_plan(stored, actor=SYSTEM)
    work_off_jobs()
    assert plan.pairs.filter(run=run, person=taken, origin="hand").exists()
    assert Entry.objects.filter(action="assignment_plan.edit").count() == 1


def test_change_by_hand_warns_of_loads_and_of_too_few():
    plan = solved(make_plan(applications=3, experts=3, max_load=2))
    run = plan.stage.runs.order_by("pk").first()
    everyone = [one.user_id for one in inputs.pool_of(PlanCriteria())]
    few = services.effect_of(plan, run, [], actor=SYSTEM)
    assert (few.after.short, few.after.worst, len(few.warnings)) == (1, 0.0, 1)
    many = services.effect_of(plan, run, everyone, actor=SYSTEM)
    assert len(many.warnings) == 1
    assert many.after.most == 3


def test_change_by_hand_warns_of_one_institution_and_of_the_mix():
    call = make_review_call("expert", "decision")
    run = expert_run(call)
    first, second = (make_expert(name, institution="东海大学", kind="academia") for name in ("甲", "乙"))
    other = make_expert("丙", institution="北岸资本", kind="investment")
    plan = solved(make_plan(call, per_application=2, mix={"investment": 1}))
    assert not services.effect_of(plan, run, [first.pk, other.pk], actor=SYSTEM).warnings
    with override("en"):
        said = [
            str(one) for one in services.effect_of(plan, run, [first.pk, second.pk], actor=SYSTEM).warnings
        ]
    assert said == [
        "Of one institution: 甲 · 乙. The criteria allow one of each.",
        "Investment: 0 instead of at least 1.",
    ]


def test_change_by_hand_never_crosses_a_conflict_nor_another_officer():
    call = make_review_call("expert", "decision")
    company = make_organisation(owner=make_user())
    run = expert_run(call, organisation=company)
    member, outsider = make_expert(institution="甲"), make_expert(active=False)
    company.memberships.create(user=member, role="viewer")
    plan = solved(make_plan(call, experts=3))
    before = pairs_of(plan)
    for person, code in ((member, "conflict_of_interest"), (outsider, "not_in_pool")):
        with pytest.raises(DomainError) as refused:
            services.change_pairs(plan, run, [person], actor=SYSTEM, revision=plan.revision)
        assert refused.value.code == code
    with pytest.raises(Conflict):
        services.change_pairs(plan, run, [], actor=SYSTEM, revision=plan.revision - 1)
    with pytest.raises(DomainError):
        services.change_pairs(plan, expert_run(), [], actor=SYSTEM, revision=plan.revision)
    assert pairs_of(plan) == before


# --- confirming


def test_confirming_invites_everyone_once():
    officer = make_staff("officer")
    due = timezone.now() + timedelta(days=30)
    plan = solved(make_plan(applications=2, experts=3, due_at=due))
    for _ in range(2):
        done = services.confirm_plan(plan, actor=officer, revision=plan.revision)
        assert done.state == "confirmed"
    plan.refresh_from_db()
    assert (plan.confirmed_by, plan.diagnosis) == (officer, {})
    rows = Review.objects.order_by("pk")
    assert set(rows.values_list("run_id", "reviewer_id")) == pairs_of(plan)
    assert set(rows.values_list("state", "due_at", "assigned_by")) == {("assigned", due, officer.pk)}
    assert Message.objects.filter(key__startswith="review.invited").count() == 4
    assert Entry.objects.filter(action="review.assign").count() == 4


def test_pair_that_has_become_impossible_is_named_and_nobody_is_invited():
    call = make_review_call("expert", "decision")
    runs = [expert_run(call), expert_run(call)]
    plan = solved(make_plan(call, experts=3))
    run, person = plan.pairs.order_by("pk").first().run, plan.pairs.order_by("pk").first().person
    services.record_conflict(run.application, person, actor=SYSTEM, kind="coauthor")
    with pytest.raises(DomainError) as refused:
        services.confirm_plan(plan, actor=SYSTEM)
    assert refused.value.code == "impossible"
    (problem,) = refused.value.problems
    assert str(problem.message).startswith(f"{run.application.number} · {person.name}")
    plan.refresh_from_db()
    assert (plan.state, Review.objects.count()) == ("ready", 0)
    away = plan.pairs.filter(run=runs[1] if run == runs[0] else runs[0]).first().person
    away.reviewer.active = False
    away.reviewer.save()
    with pytest.raises(DomainError) as refused:
        services.confirm_plan(plan, actor=SYSTEM)
    assert len(refused.value.problems) >= 2


def test_many_invitations_are_written_by_a_worker(monkeypatch):
    monkeypatch.setattr(confirming, "AT_ONCE", 1)
    officer = make_staff("officer")
    plan = solved(make_plan(applications=2, experts=3))
    for _ in range(2):
        assert services.confirm_plan(plan, actor=officer).state == "confirming"
    assert Review.objects.count() == 0
    (job,) = work_off_jobs()
    plan.refresh_from_db()
    assert (job.state, plan.state, plan.confirmed_by, Review.objects.count()) == (
        "done",
        "confirmed",
        officer,
        4,
    )


def test_worker_that_finds_a_pair_impossible_puts_the_plan_back(monkeypatch):
    monkeypatch.setattr(confirming, "AT_ONCE", 1)
    plan = solved(make_plan(applications=2, experts=3))
    pair = plan.pairs.order_by("pk").last()
    services.confirm_plan(plan, actor=make_staff("officer"))
    services.record_conflict(pair.run.application, pair.person, actor=SYSTEM, kind="coauthor")
    (job,) = work_off_jobs()
    plan.refresh_from_db()
    assert (job.state, plan.state, plan.diagnosis["code"]) == ("failed", "ready", "impossible")
    assert pair.person.name in plan.diagnosis["problems"][0]
    assert Review.objects.count() == 0
    assert Message.objects.filter(key__startswith="review.invited").count() == 0


def test_who_was_asked_by_hand_meanwhile_is_not_asked_again():
    plan = solved(make_plan(applications=1, experts=2))
    pair = plan.pairs.order_by("pk").first()
    services.assign_reviewer(pair.run, pair.person, actor=SYSTEM)
    services.confirm_plan(plan, actor=SYSTEM)
    assert Review.objects.count() == 2
    assert Message.objects.filter(key__startswith="review.invited").count() == 2


def test_confirmed_plan_is_fixed():
    plan = confirmed(make_plan(applications=1, experts=2))
    pair = plan.pairs.first()
    for refused in (
        pair.delete,
        lambda: PlannedPair.objects.filter(pk=pair.pk).update(affinity=0),
        plan.pool.delete,
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            refused()
