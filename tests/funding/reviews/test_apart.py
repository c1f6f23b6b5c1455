"""Reviewers and applicants are kept apart: by the database, whoever writes what, in the same transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import IntegrityError, NotSupportedError, connection, transaction
from django.utils import timezone

from funding.models import Application, Call, Conflict, Review, Reviewer
from funding.reviews import apart, services
from incubator.models import Membership, Organisation, ProjectMember, ResearchProject
from park_portal.core.accounts.models import User
from park_portal.core.errors import DomainError
from park_portal.core.outbox.models import Message
from park_portal.core.policies.services import policy, replace_policy
from park_portal.core.workflow import SYSTEM
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import (
    make_faculty,
    make_liaison,
    make_organisation,
    make_project,
    make_university,
)
from tests.factories.reviews import (
    accept,
    expert_run,
    make_application,
    make_expert,
    make_review,
    make_review_call,
    run_of,
    submitted_review,
)

pytestmark = pytest.mark.django_db


@dataclass
class World:
    """One reviewer who reviews an application of a university's project, and all that may come between them."""

    call: Call
    review: Review
    project: ResearchProject
    university: Organisation
    company: Organisation

    @property
    def person(self) -> User:
        return self.review.reviewer

    @property
    def pi(self) -> User:
        assert self.project.pi_user is not None
        return self.project.pi_user


def world(**call: Any) -> World:
    university, company = make_university(), make_organisation(owner=make_user())
    project = make_project(pi=make_user(), university=university)
    opened = make_review_call("expert", "decision", **call)
    run = run_of(make_application(opened, project=project))
    return World(opened, make_review(run, accepted=True), project, university, company)


def edge(person: User, kind: str, **ends: Any) -> None:
    """Write a tie straight to the table and let it stand."""
    made = Conflict.objects.create(person=person, kind=kind, **ends)
    Conflict.objects.filter(pk=made.pk).update(state="standing")


def rival(world: World, organisation: Organisation) -> Application:
    return make_application(world.call, organisation=organisation)


def company_of_pi(world: World) -> None:
    Membership.objects.create(user=world.person, organisation=world.company, role="viewer")
    Membership.objects.create(user=world.pi, organisation=world.company, role="editor")


def joint_project(world: World) -> None:
    other = make_project(pi=make_user(), university=make_university())
    ProjectMember.objects.create(project=other, user=world.pi, name="甲", role="member")
    ProjectMember.objects.create(project=other, user=world.person, name="乙", role="member")


def on_the_team_by_address(world: World) -> None:
    ProjectMember.objects.create(
        project=world.project, name="张三", email=world.person.email.upper(), role="member"
    )


def address_changed(world: World) -> None:
    ProjectMember.objects.create(project=world.project, name="张三", email="new@example.org", role="member")
    connection.check_constraints()
    User.objects.filter(pk=world.person.pk).update(email="new@example.org")


def share_in_a_rival(world: World) -> None:
    edge(world.person, "shareholder", organisation=world.company)
    rival(world, world.company)


def rival_by_its_investigator(world: World) -> None:
    pi = make_user()
    edge(world.person, "board", organisation=world.company)
    make_application(world.call, project=make_project(pi=pi, university=make_university()))
    Membership.objects.create(user=pi, organisation=world.company, role="viewer")


def own_company_competes(world: World) -> None:
    company = make_organisation(owner=world.person)
    connection.check_constraints()
    rival(world, company)


def own_project_competes(world: World) -> None:
    make_application(world.call, project=make_project(pi=world.person, university=make_university()))


def institution_renamed(world: World) -> None:
    world.person.reviewer.institution = "澄光大学"
    world.person.reviewer.save()
    connection.check_constraints()
    Organisation.objects.filter(pk=world.university.pk).update(normalised_name="澄光大学")


def institution_as_written(world: World) -> None:
    Reviewer.objects.filter(user=world.person).update(institution="远山研究所")
    ResearchProject.objects.filter(pk=world.project.pk).update(institution_text=" 远山研究所 ")


PATHS: dict[str, tuple[Callable[[World], Any], str]] = {
    "recorded": (
        lambda w: edge(w.person, "other", application=w.review.application, note="x"),
        "other",
    ),
    "member of the team": (
        lambda w: ProjectMember.objects.create(project=w.project, user=w.person, name="x", role="member"),
        "member",
    ),
    "becomes the investigator": (
        lambda w: ResearchProject.objects.filter(pk=w.project.pk).update(pi_user=w.person),
        "member",
    ),
    "on the team by address": (on_the_team_by_address, "member"),
    "address changed": (address_changed, "member"),
    "employer on file": (
        lambda w: Reviewer.objects.filter(user=w.person).update(organisation=w.university),
        "employer",
    ),
    "project moves to the employer": (
        lambda w: (
            Reviewer.objects.filter(user=w.person).update(organisation=w.company),
            ResearchProject.objects.filter(pk=w.project.pk).update(university=w.company, faculty=None),
        ),
        "employer",
    ),
    "employer by name": (institution_renamed, "employer"),
    "employer as written": (institution_as_written, "employer"),
    "liaison": (lambda w: make_liaison(w.person, w.university), "employer"),
    "member of the university": (
        lambda w: Membership.objects.create(user=w.person, organisation=w.university, role="viewer"),
        "employer",
    ),
    "company of the investigator": (company_of_pi, "employer"),
    "former employer": (
        lambda w: edge(w.person, "employer", organisation=w.university, expires_on=timezone.localdate()),
        "employer",
    ),
    "employer of the investigator": (
        lambda w: (
            Reviewer.objects.filter(user=w.person).update(organisation=w.company),
            edge(w.pi, "employer", organisation=w.company),
        ),
        "employer",
    ),
    "joint project": (joint_project, "coinvestigator"),
    "tie of the reviewer": (lambda w: edge(w.person, "family", other=w.pi), "family"),
    "tie of the applicant": (lambda w: edge(w.pi, "supervisor", other=w.person), "supervisor"),
    "tie by address": (lambda w: edge(w.pi, "coauthor", other_email=w.person.email.upper()), "coauthor"),
    "tie by address of the team": (
        lambda w: (
            edge(w.person, "coauthor", other_email="zhang@example.org"),
            ProjectMember.objects.create(
                project=w.project, name="张三", email="Zhang@example.org", role="member"
            ),
        ),
        "coauthor",
    ),
    "tie by orcid": (
        lambda w: (
            edge(w.pi, "coauthor", other_orcid="0000-0002-1825-0097"),
            Reviewer.objects.filter(user=w.person).update(orcid="0000-0002-1825-0097"),
        ),
        "coauthor",
    ),
    "tie that comes first": (
        lambda w: (
            edge(w.person, "family", other_email="li@example.org"),
            ProjectMember.objects.create(
                project=w.project, user=make_user(email="li@example.org"), name="李四", role="member"
            ),
        ),
        "family",
    ),
    "share in the applicant": (
        lambda w: edge(w.person, "shareholder", organisation=w.university),
        "shareholder",
    ),
    "share in a rival": (share_in_a_rival, "competitor"),
    "seat in a rival by its investigator": (rival_by_its_investigator, "competitor"),
    "own company competes": (own_company_competes, "competitor"),
    "own project competes": (own_project_competes, "competitor"),
}


@pytest.mark.parametrize("path", PATHS)
def test_a_conflict_found_later_suspends_the_review_and_one_found_before_refuses_it(path):
    act, kind = PATHS[path]
    held = world()
    act(held)
    held.review.refresh_from_db()
    assert (held.review.state, held.review.decline_reason) == ("suspended", kind)
    assert held.review.suspended_at is not None

    run = held.review.run
    with pytest.raises(IntegrityError, match="conflict of interest"), transaction.atomic():
        Review.objects.filter(pk=held.review.pk).update(state="assigned")
    other = expert_run(held.call, project=held.project)
    with pytest.raises(IntegrityError, match="conflict of interest"), transaction.atomic():
        Review.objects.create(
            run=other, application=other.application, reviewer=held.person, due_at=run.due_at
        )
    reasons = services.reasons_of([(held.person.pk, held.review.application_id)])
    assert reasons[held.review.application_id, held.person.pk][0].kind == kind


def triggers_of_database() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(r"SELECT tgname FROM pg_trigger WHERE tgname LIKE 'apart\_%' AND NOT tgisinternal")
        return {name for (name,) in cursor.fetchall()}


def test_the_database_has_the_triggers_of_the_table_and_the_functions_of_the_file():
    wanted = {name for watch in apart.WATCHED for name in watch.names()} | {apart.REVIEW_TRIGGER}
    assert triggers_of_database() == wanted
    installed = import_module("funding.migrations.0009_kept_apart").INSTALLED
    assert installed == apart.FINGERPRINT, (
        "apart.sql has changed: write a migration that installs it, and move this"
    )


# What only the table's own trigger sees.
OF_TABLE = {
    "funding_conflict": "recorded",
    "funding_reviewer": "employer on file",
    "funding_application": "own company competes",
    "incubator_membership": "member of the university",
    "incubator_projectmember": "member of the team",
    "incubator_researchproject": "becomes the investigator",
    "incubator_liaison": "liaison",
    "incubator_organisation": "employer by name",
    "core_user": "address changed",
}


@pytest.mark.parametrize("moment", ["now", "commit"])
@pytest.mark.parametrize("table", sorted(OF_TABLE))
def test_each_trigger_suspends_alone_and_nothing_else_does(table, moment):
    act, _kind = PATHS[OF_TABLE[table]]
    watch = next(one for one in apart.WATCHED if one.table == table)
    now, commit = watch.names()
    held = world()
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {commit if moment == 'now' else now} ON {table}")
    with transaction.atomic():
        act(held)
        if moment == "commit":
            held.review.refresh_from_db()
            assert held.review.state == "accepted", "not before the transaction ends"
            connection.check_constraints()
        held.review.refresh_from_db()
        assert held.review.state == "suspended"
        transaction.set_rollback(True)
    held.review.refresh_from_db()
    assert held.review.state == "accepted"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {now if moment == 'now' else commit} ON {table}")
    act(held)
    connection.check_constraints()
    held.review.refresh_from_db()
    assert held.review.state == "accepted"
    assert services.keep_all_apart() == 1, "the clock finds it"


def test_a_review_that_met_no_check_is_suspended_when_its_transaction_ends():
    held = world()
    person = make_expert()
    edge(person, "family", other=held.pi)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'pgtrigger_review_refuses_conflict%'")
        (name,) = cursor.fetchone()
        connection.check_constraints()
        cursor.execute(f"DROP TRIGGER {name} ON funding_review")
    run = held.review.run
    review = Review.objects.create(run=run, application=run.application, reviewer=person, due_at=run.due_at)
    connection.check_constraints()
    review.refresh_from_db()
    assert (review.state, review.decline_reason) == ("suspended", "family")


# --- what bars nobody


def test_what_is_possible_or_dismissed_or_over_bars_nobody():
    held = world()
    yesterday = timezone.localdate() - timedelta(days=1)
    edge(held.person, "employer", organisation=held.university, expires_on=yesterday)
    Conflict.objects.create(person=held.person, kind="family", other=held.pi)
    dismissed = Conflict.objects.create(person=held.person, kind="coauthor", other=held.pi)
    Conflict.objects.filter(pk=dismissed.pk).update(state="dismissed")
    connection.check_constraints()
    held.review.refresh_from_db()
    assert held.review.state == "accepted"
    assert services.conflicts_for(held.review.application, [held.person]) == {}


def test_an_undecided_application_alone_is_watched():
    held = world()
    officer = make_staff("officer")
    services.complete_run(held.review.run, actor=officer, outcome="rejected", note="不符合")
    Review.objects.filter(pk=held.review.pk, state="released").get()
    done = world()
    person = done.review.reviewer
    review = submitted_review(done.review.run)
    Review.objects.filter(pk=done.review.pk).update(state="declined")
    Application.objects.filter(pk=review.application_id).update(state="rejected")
    edge(review.reviewer, "family", other=done.pi)
    review.refresh_from_db()
    assert (review.state, person.pk == review.reviewer_id) == ("submitted", False)


def test_of_a_university_only_the_same_faculty_where_the_call_says_so():
    university = make_university()
    one, two = make_faculty(university), make_faculty(university)
    near, far, unknown = (
        make_expert(organisation=university, faculty=one),
        make_expert(organisation=university, faculty=two),
        make_expert(organisation=university),
    )
    for scope, barred in (("faculty", {near.pk: "faculty", unknown.pk: "employer"}), ("organisation", None)):
        project = make_project(pi=make_user(), university=university, faculty=one)
        run = expert_run(make_review_call("expert", "decision", conflict_scope=scope), project=project)
        found = services.reasons_of([(p.pk, run.application_id) for p in (near, far, unknown)])
        kinds = {person: reasons[0].kind for (_a, person), reasons in found.items()}
        assert kinds == (barred or dict.fromkeys((near.pk, far.pk, unknown.pk), "employer"))
    review = make_review(
        expert_run(
            make_review_call("expert", "decision", conflict_scope="faculty"),
            project=make_project(pi=make_user(), university=university, faculty=one),
        ),
        far,
    )
    Reviewer.objects.filter(user=far).update(faculty=one)
    review.refresh_from_db()
    assert (review.state, review.decline_reason) == ("suspended", "faculty")


def test_research_that_ended_counts_for_the_years_of_the_rule():
    held = world()
    today = timezone.localdate()
    other = make_project(pi=held.pi, university=make_university())
    ResearchProject.objects.filter(pk=other.pk).update(ends_on=today.replace(year=today.year - 4, day=1))
    ProjectMember.objects.create(project=other, user=held.person, name="乙", role="member")
    held.review.refresh_from_db()
    assert held.review.state == "accepted"
    rule = policy("conflict.employer_years")
    type(rule).objects.filter(pk=rule.pk).update(value=6)
    assert services.keep_all_apart() == 1
    held.review.refresh_from_db()
    assert (held.review.state, held.review.decline_reason) == ("suspended", "coinvestigator")


def test_a_repeatable_read_cannot_look_and_so_is_refused(transactional_db):
    held = world()

    def join() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            Membership.objects.create(user=held.person, organisation=held.university, role="viewer")

    with pytest.raises(NotSupportedError, match="READ COMMITTED"):
        join()
    held.review.refresh_from_db()
    assert held.review.state == "accepted"


# --- what follows a suspension


def recipients(kind: str) -> list[list[int]]:
    rows = Message.objects.filter(key__startswith=f"{kind}:").order_by("pk")
    return [row.payload["recipients"] for row in rows]


def test_the_reviewer_and_the_staff_are_told_once_whoever_wrote_the_conflict():
    officer = make_staff("officer")
    by_service, by_hand = world(), world()
    for _ in range(2):
        services.record_tie(by_service.person, actor=officer, kind="family", other=by_service.pi)
    assert recipients("review.suspended") == [[by_service.person.pk]]
    edge(by_hand.person, "family", other=by_hand.pi)
    assert recipients("review.suspended") == [[by_service.person.pk]]
    assert services.settle_suspensions() == 1
    assert services.settle_suspensions() == 0
    assert recipients("review.suspended") == [[by_service.person.pk], [by_hand.person.pk]]
    assert [officer.pk in people for people in recipients("review.replacement")] == [True, True]


def test_a_conflict_taken_back_lets_the_reviewer_be_asked_again():
    held, officer = world(), make_staff("officer")
    conflict = services.record_tie(held.person, actor=officer, kind="family", other=held.pi)
    with pytest.raises(DomainError) as refused:
        services.assign_reviewer(held.review.run, held.person, actor=officer)
    assert refused.value.code == "conflict_of_interest"
    services.dismiss_conflict(conflict, actor=officer, reason="同名")
    again = services.assign_reviewer(held.review.run, held.person, actor=officer)
    assert (again.pk, again.state) == (held.review.pk, "assigned")
    assert (again.declared_at, again.pledge_id, again.suspended_at, again.decline_reason) == (
        None,
        None,
        None,
        "",
    )
    accept(again)
    services.record_tie(held.person, actor=officer, kind="family", other=held.pi)
    held.review.refresh_from_db()
    assert held.review.state == "suspended"
    assert recipients("review.suspended") == [[held.person.pk]] * 2


def test_a_suspended_review_counts_nowhere():
    run = expert_run()
    review = submitted_review(run, mark=2)
    assert services.summaries_of([run.application_id])[run.application_id].count == 1
    services.record_conflict(run.application, review.reviewer, actor=SYSTEM, kind="family")
    summary = services.summaries_of([run.application_id])[run.application_id]
    assert (summary.count, summary.mean, summary.open) == (0, None, 0)
    assert services.load_of([review.reviewer])[review.reviewer_id].open == 0
    submitted_review(run)
    run.refresh_from_db()
    assert run.state == "active", "two opinions are asked for, and one does not count"


def test_the_last_open_review_of_a_stage_that_waits_for_all_no_longer_holds_it():
    run = expert_run(
        make_review_call("expert", "decision", changes={"expert": {"completion": "all", "required_count": 1}})
    )
    waiting = make_review(run, accepted=True)
    submitted_review(run)
    run.refresh_from_db()
    assert run.state == "active"
    services.record_conflict(run.application, waiting.reviewer, actor=SYSTEM, kind="family")
    run.refresh_from_db()
    assert run.state == "passed"


def test_new_years_of_the_rule_count_from_their_day():
    rule = policy("conflict.employer_years")
    tomorrow = timezone.localdate() + timedelta(days=1)
    replace_policy(rule.key, value=5, effective_from=tomorrow, source="园区", actor=make_staff("lead"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT funding_conflict_years('conflict.employer_years')")
        assert cursor.fetchone() == (3,)
