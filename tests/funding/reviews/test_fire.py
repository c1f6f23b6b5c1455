"""Twenty writers at once make assignments and conflicts: no assignment is left across a conflict.

Three seconds in the suite; the whole of it: ``FIRE_SECONDS=10 make test ARGS=tests/funding/reviews/test_fire.py``.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from funding.models import Conflict, Review, Reviewer, StageRun
from funding.reviews import services
from incubator.models import Membership, Organisation, ProjectMember, ResearchProject
from park_portal.core.accounts.models import User
from park_portal.core.errors import DomainError
from park_portal.core.workflow import SYSTEM
from tests.factories.core import make_user
from tests.factories.incubator import make_organisation, make_project, make_university
from tests.factories.reviews import accept, make_application, make_expert, make_review_call, run_of

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = float(os.environ.get("FIRE_SECONDS", "3"))
WRITERS = 20
# What a write may be refused by: it was there already, or it is what this is about.
REFUSALS = {
    "review_once",
    "review_refuses_conflict",
    "review_declared_first",
    "conflict_once",
    "conflict_with_person_once",
    "conflict_with_organisation_once",
    "membership_once",
    "project_member_once",
}
LOST = {"40P01", "40001"}  # a deadlock that PostgreSQL has resolved: one of the two begins again


@dataclass
class Park:
    """What the writers write about."""

    runs: list[StageRun]
    experts: list[User]
    companies: list[Organisation]
    universities: list[Organisation]
    projects: list[ResearchProject]
    leads: list[User] = field(default_factory=list)


def make_park() -> Park:
    call = make_review_call(
        "expert", "decision", changes={"expert": {"required_count": 50, "completion": "staff"}}
    )
    companies = [make_organisation(owner=make_user()) for _ in range(3)]
    universities = [make_university() for _ in range(2)]
    projects = [make_project(pi=make_user(), university=universities[n % 2]) for n in range(3)]
    runs = [run_of(make_application(call, organisation=company)) for company in companies]
    runs += [run_of(make_application(call, project=project)) for project in projects]
    leads = [project.pi_user for project in projects if project.pi_user is not None]
    experts = [make_expert() for _ in range(8)]
    return Park(runs, experts, companies, universities, projects, leads)


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


Act = Callable[[Park, random.Random], Any]


def assign(park: Park, dice: random.Random) -> None:
    services.assign_reviewer(dice.choice(park.runs), dice.choice(park.experts), actor=SYSTEM)


def assign_by_hand(park: Park, dice: random.Random) -> None:
    run = dice.choice(park.runs)
    Review.objects.bulk_create(
        [
            Review(
                run=run,
                application_id=run.application_id,
                reviewer=dice.choice(park.experts),
                due_at=run.due_at,
            )
        ]
    )


def ask_again_by_hand(park: Park, dice: random.Random) -> None:
    sql(
        "UPDATE funding_review SET state = 'assigned' WHERE state = 'suspended' AND reviewer_id = %s",
        dice.choice(park.experts).pk,
    )


def take_on(park: Park, dice: random.Random) -> None:
    review = Review.objects.filter(state="assigned").order_by("?").select_related("reviewer").first()
    if review is not None:
        accept(review)


def step_back(park: Park, dice: random.Random) -> None:
    review = (
        Review.objects.filter(state__in=["assigned", "accepted"])
        .order_by("?")
        .select_related("reviewer")
        .first()
    )
    if review is not None:
        services.decline_review(review, actor=review.reviewer, reason="出差")


def tie(park: Park, dice: random.Random) -> None:
    ends: list[dict[str, Any]] = [
        {"kind": "shareholder", "organisation": dice.choice(park.companies)},
        {"kind": "employer", "organisation": dice.choice(park.universities)},
        {"kind": "family", "other": dice.choice(park.leads)},
        {"kind": "coauthor", "other_email": dice.choice(park.leads).email},
        {"kind": "other", "application": dice.choice(park.runs).application},
    ]
    services.record_tie(dice.choice(park.experts), actor=SYSTEM, **dice.choice(ends))


def tie_by_hand(park: Park, dice: random.Random) -> None:
    with transaction.atomic():
        made = Conflict.objects.create(
            person=dice.choice(park.leads), kind="supervisor", other=dice.choice(park.experts)
        )
        time.sleep(dice.random() / 50)
        Conflict.objects.filter(pk=made.pk).update(state="standing")


def reopen_by_hand(park: Park, dice: random.Random) -> None:
    with transaction.atomic():
        found = Conflict.objects.filter(state="dismissed").order_by("?").values_list("pk", flat=True).first()
        Conflict.objects.filter(pk=found, state="dismissed").update(state="possible")
        Conflict.objects.filter(pk=found, state="possible").update(state="standing")


def dismiss(park: Park, dice: random.Random) -> None:
    for conflict in Conflict.objects.filter(state="standing").order_by("?")[:2]:
        services.dismiss_conflict(conflict, actor=SYSTEM)


def join(park: Park, dice: random.Random) -> None:
    person = dice.choice([*park.experts, *park.leads])
    Membership.objects.create(organisation=dice.choice(park.companies), user=person, role="viewer")


def leave(park: Park, dice: random.Random) -> None:
    Membership.objects.filter(role="viewer").filter(user=dice.choice([*park.experts, *park.leads])).delete()


def join_team(park: Park, dice: random.Random) -> None:
    person = dice.choice(park.experts)
    sql(
        "INSERT INTO incubator_projectmember (project_id, user_id, name, email, role, can_edit, created_at) "
        "VALUES (%s, %s, 'x', '', 'member', false, now())",
        dice.choice(park.projects).pk,
        person.pk,
    )


def leave_team(park: Park, dice: random.Random) -> None:
    ProjectMember.objects.filter(role="member", user=dice.choice(park.experts)).delete()


def change_employer(park: Park, dice: random.Random) -> None:
    place = dice.choice([None, None, *park.universities, *park.companies])
    Reviewer.objects.filter(user=dice.choice(park.experts)).update(organisation=place)


def two_at_once(park: Park, dice: random.Random) -> None:
    """Assign and tie in one transaction, in either order, and take a while over it."""
    person = dice.choice(park.experts)
    run = dice.choice(park.runs)
    with transaction.atomic():
        services.assign_reviewer(run, person, actor=SYSTEM)
        time.sleep(dice.random() / 50)


ACTS: list[Act] = [
    *(assign, assign, assign_by_hand, assign_by_hand, ask_again_by_hand, take_on, two_at_once),
    *(tie, tie_by_hand, reopen_by_hand, join, join_team, change_employer),
    *(dismiss, leave, leave_team, step_back, dismiss, leave, leave_team),
]


def test_no_assignment_is_left_across_a_conflict():
    park = make_park()
    done: Counter[str] = Counter()
    unexpected: list[str] = []
    ends = time.monotonic() + SECONDS

    def write(seed: int) -> None:
        dice = random.Random(seed)
        try:
            while time.monotonic() < ends and not unexpected:
                act = dice.choice(ACTS)
                try:
                    act(park, dice)
                    done[act.__name__] += 1
                except DomainError as error:
                    done[f"refused: {error.code}"] += 1
                except DatabaseError as error:
                    cause: Any = error.__cause__
                    name = cause.diag.constraint_name or ""
                    if cause.pgcode in LOST:
                        done["lost"] += 1
                    elif name in REFUSALS:
                        done[f"refused: {name}"] += 1
                    else:
                        unexpected.append(f"{act.__name__}: {error!r}")
                except Exception as error:
                    unexpected.append(f"{act.__name__}: {error!r}")
        finally:
            connection.close()

    began = timezone.now()
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))

    assert unexpected == []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.id, r.state, funding_conflict(r.reviewer_id, r.application_id) FROM funding_review r "
            "WHERE r.state IN ('assigned', 'accepted', 'submitted') "
            "AND funding_conflict(r.reviewer_id, r.application_id) IS NOT NULL"
        )
        assert cursor.fetchall() == []
    assert services.keep_all_apart() >= 0
    assert Review.objects.filter(state="suspended", suspended_at__gte=began).exists(), dict(done)
    assert {"assign", "assign_by_hand", "tie", "tie_by_hand", "join", "change_employer"} <= done.keys(), done
    # The order of locks keeps deadlocks rare; how rare hangs on how busy the machine is.
    assert done["lost"] <= sum(done.values()) / 10, dict(done)
