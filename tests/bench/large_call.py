"""One large call at its expert stage, with the pool that reads it: written in bulk, in half a minute.

One application goes through the services; the others are copies of its rows, with texts of their own. Triggers and
foreign keys sleep meanwhile, as in `load`, so the database's user must be a superuser, as the local one is.

Reviewers work at institutions of very different size, as they do: of 600, fifty at the largest and one at most. Half of
the applications come from companies, half from these institutions, whose own reviewers must not read them.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Any, Final

import numpy as np
from django.contrib.auth.models import Group
from django.db import connection, models, transaction
from django.utils import timezone

from funding.models import Application, Call, Conflict, Publication, Reviewer, StageRun, Version
from incubator.models import Membership, Organisation, ProjectMember, ResearchProject
from park_portal.core.accounts.models import User
from tests.bench.texts import TOPICS, mixed
from tests.factories.incubator import make_code
from tests.factories.reviews import expert_run, make_review_call

CODE: Final = "LARGE"
PAPERS: Final = 10  # of each reviewer
KINDS: Final = ("academia", "academia", "industry", "investment")
FIRST: Final = 50_000_000  # ids of what is made here start above all others

MADE: Final[tuple[type[models.Model], ...]] = (
    *(User, Organisation, Membership, ResearchProject, ProjectMember),
    *(Application, Version, StageRun, Reviewer, Publication, Conflict),
)


def large_call(applications: int, reviewers: int, *, words: int = 300, code: str = CODE) -> Call:
    """Return the call with this code, made where it lacks: its applications are all with the experts, nobody is asked."""
    found = Call.objects.filter(code=code).first()
    if found is not None:
        return found
    random = np.random.default_rng(1)
    texts = iter(
        mixed(applications + reviewers * (PAPERS + 1), words, _topics(applications, reviewers, random))
    )
    with transaction.atomic(), connection.cursor() as cursor:
        call = make_review_call(
            "expert", "decision", code=code, changes={"expert": {"required_count": 3, "working_days": 30}}
        )
        first = expert_run(call)
        connection.check_constraints()  # what waits for the end, before nothing is looked at any more
        cursor.execute("SET LOCAL session_replication_role = replica")
        institutions = _organisations(max(2, reviewers // 5), "university", "大学")
        people = _pool(reviewers, institutions, texts, random)
        made = _applications(first, applications - 1, institutions, texts, random)
        version = first.application.versions.get()
        version.answers = {**version.answers, "abstract": next(texts)}
        version.save()
        _ties(made, people, random)
        cursor.execute("SET LOCAL session_replication_role = origin")
        for model in MADE:
            _after(cursor, model)
        cursor.execute("ANALYZE")
    return call


def _topics(applications: int, reviewers: int, random: Any) -> list[int]:
    """The subject of each text, reviewers' first: everybody writes of three, and some subjects are in fashion."""
    likely = random.dirichlet(np.full(TOPICS, 2.0))
    known = [random.choice(TOPICS, 3, replace=False) for _one in range(reviewers)]
    of_reviewers = [int(random.choice(own)) for own in known for _text in range(PAPERS + 1)]
    # In the order in which they are taken: each one's own words, then all papers, then the applications.
    words = of_reviewers[:: PAPERS + 1]
    papers = [topic for place, topic in enumerate(of_reviewers) if place % (PAPERS + 1)]
    return [*words, *papers, *(int(one) for one in random.choice(TOPICS, applications, p=likely))]


def officer() -> User:
    """Return who assigns the reviewers of the call."""
    user, new = User.objects.get_or_create(
        email="large-call@park.example", defaults={"name": "Large call", "is_staff": True}
    )
    if new:
        user.groups.add(Group.objects.get(name="officer"))
    return user


def _after(cursor: Any, model: type[models.Model]) -> None:
    cursor.execute(
        f"SELECT setval(pg_get_serial_sequence('{model._meta.db_table}', 'id'), max(id)) FROM {model._meta.db_table}"
    )


def _next(model: type[models.Model]) -> int:
    last = model._base_manager.aggregate(last=models.Max("pk"))["last"] or 0
    return max(FIRST, last + 1)


def _kept(rows: Iterable[models.Model]) -> Any:
    listed = list(rows)
    return type(listed[0])._base_manager.bulk_create(listed, batch_size=1000) if listed else []


def _organisations(count: int, kind: str, name: str) -> list[Organisation]:
    start = _next(Organisation)
    return _kept(
        Organisation(
            pk=start + number,
            name=f"{name}{start + number}",
            name_zh_hans=f"{name}{start + number}",
            normalised_name=f"{name}{start + number}",
            kind=kind,
            uscc=make_code(start + number),
        )
        for number in range(count)
    )


def _people(count: int, name: str) -> list[User]:
    start = _next(User)
    return _kept(
        User(
            pk=start + one,
            email=f"{name}{start + one}@example.com",
            name=f"{name}{start + one}",
            password="!",
        )
        for one in range(count)
    )


def _sizes(count: int) -> np.ndarray[Any, Any]:
    """How likely each institution is: a few large ones, many small."""
    likely = 1 / np.arange(1, count + 1) ** 0.7
    return likely / likely.sum()


def _pool(count: int, institutions: list[Organisation], texts: Any, random: Any) -> list[User]:
    people = _people(count, "专家")
    start = _next(Reviewer)
    places = random.choice(len(institutions), count, p=_sizes(len(institutions)))
    papers = []
    for number, (person, place) in enumerate(zip(people, places, strict=True)):
        reviewer = Reviewer(
            pk=start + number,
            user=person,
            institution=institutions[place].name_zh_hans,
            institution_key=institutions[place].normalised_name,
            organisation=institutions[place],
            statement=next(texts)[:1000],
            keywords=[f"方向{number % 24}", "生物医药"],
            kind=KINDS[number % len(KINDS)],
            capacity=12,
        )
        papers.append(reviewer)
    reviewers = _kept(papers)
    written = _next(Publication)
    _kept(
        Publication(
            pk=written + PAPERS * number + paper,
            reviewer=reviewer,
            title=f"论文 {number}-{paper}",
            abstract=next(texts),
            authors=[reviewer.user.name, f"合作者{number % 97}"],
            year=2015 + paper,
        )
        for number, reviewer in enumerate(reviewers)
        for paper in range(PAPERS)
    )
    return people


def _applications(
    run: StageRun, count: int, institutions: list[Organisation], texts: Any, random: Any
) -> list[Application]:
    """Copies of the first, each with an applicant and a text of its own; their numbers go on from its."""
    first = Application.objects.get(pk=run.application_id)
    version = first.versions.get()
    applicants = _people(count, "申请人")
    companies = _organisations(count - count // 2, "company", "生物公司")
    start = _next(Membership)
    _kept(
        Membership(pk=start + one, organisation=company, user=person, role="owner")
        for one, (company, person) in enumerate(zip(companies, applicants, strict=False))
    )
    heads = applicants[len(companies) :]
    places = random.choice(len(institutions), len(heads), p=_sizes(len(institutions)))
    start = _next(ResearchProject)
    projects = _kept(
        ResearchProject(
            pk=start + one,
            code=f"LC-{start + one}",
            title=f"研究 {one}",
            title_zh_hans=f"研究 {one}",
            principal_investigator=head.name,
            pi_user=head,
            university=institutions[place],
        )
        for one, (head, place) in enumerate(zip(heads, places, strict=True))
    )
    start = _next(ProjectMember)
    _kept(
        ProjectMember(
            pk=start + one,
            project=project,
            user=project.pi_user,
            name=project.principal_investigator,
            role="pi",
        )
        for one, project in enumerate(projects)
    )
    start = _next(Application)
    made, written = [], [next(texts) for _one in range(count)]
    for one in range(count):
        application = copy(first)
        application.pk, application.number = start + one, f"{first.number}-{one + 1:04d}"
        application.title = written[one][:60]
        is_company = one < len(companies)
        application.kind = "organisation" if is_company else "project"
        application.organisation = companies[one] if is_company else None
        application.project = None if is_company else projects[one - len(companies)]
        made.append(application)
    _kept(made)
    versions, runs = [], []
    start_of_versions, start_of_runs = _next(Version), _next(StageRun)
    for one, application in enumerate(made):
        of = copy(version)
        of.pk, of.application = start_of_versions + one, application
        of.answers = {**version.answers, "abstract": written[one]}
        versions.append(of)
        through = copy(run)
        through.pk, through.application = start_of_runs + one, application
        runs.append(through)
    _kept(versions)
    _kept(runs)
    return made


def _ties(made: list[Application], people: list[User], random: Any) -> None:
    """Two reviewers whom each applicant calls unsuitable, and three ties of each reviewer to somebody who applies."""
    start = _next(Conflict)
    listed = [
        Conflict(person_id=people[who].pk, application=application, kind="unsuitable", source="applicant")
        for application in made
        for who in random.choice(len(people), 2, replace=False)
    ]
    sides = [
        (application.organisation_id, application.project.pi_user_id if application.project else None)
        for application in made
    ]
    for person in people:
        for place in random.choice(len(made), 3, replace=False):
            organisation, head = sides[place]
            if organisation is not None:
                listed.append(
                    Conflict(person=person, organisation_id=organisation, kind="employer", source="person")
                )
            else:
                listed.append(Conflict(person=person, other_id=head, kind="coauthor", source="person"))
    for number, one in enumerate(listed):
        one.pk, one.state, one.since = start + number, "standing", timezone.localdate()
    _kept(listed)
