"""Names matched across languages: whom applicants name, who is on their teams, with whom reviewers say they are tied.

What is certain stands at once, whatever else agrees is put to staff as possible (``names.py``). Everything here may run
again: what is there stays as it was decided.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from funding.applications.models import Answer, Application
from funding.calls.models import Call
from funding.calls.states import Acts, Purpose
from funding.reviews.models import Conflict, Publication, Reviewer
from funding.reviews.names import Level, Match, Person, Why, characters, compare, compare_names
from funding.reviews.services.conflicts import write_tie
from funding.reviews.services.ties import WITH_ORGANISATION
from funding.reviews.states import ConflictKind, ConflictSource, ConflictState
from incubator.organisations.models import Membership
from incubator.organisations.names import normalise_name
from incubator.projects.models import ProjectMember
from park_portal.core.accounts.models import User
from park_portal.core.jobs.progress import Progress
from park_portal.core.policies.services import policy
from park_portal.core.workflow import SYSTEM

# Columns of a table of people, and of a table of ties, by the key they have in the standard form.
NAME, INSTITUTION, EMAIL, KIND = "name", "institution", "email", "kind"


@dataclass(frozen=True)
class Named:
    """Somebody whom a text names, and what that would mean."""

    who: Person
    kind: str
    source: str


def match_application(application: Application) -> int:
    """Look for everybody of the pool among those an application names; return how many conflicts it wrote."""
    pool = _pool()
    with transaction.atomic():
        written = 0
        named = [*_listed(application), *_team(application)]
        for reviewer, institutions in pool:
            for one in named:
                match = _match(reviewer, institutions, one.who)
                if match.level is not Level.DIFFERENT:
                    written += _write(application, reviewer.user, one, match)
        written += _texts(application, pool)
        written += _coauthors(application, pool)
        written += _by_name_alone(application, pool)
    return written


def match_call(call: Call) -> int:
    """Match the names of every application of ``call`` that is under way; return how many conflicts were written."""
    return sum(match_application(application) for application in _under_way().filter(call=call))


def match_call_by_id(call: int, progress: Progress) -> None:
    """Do the same as a job, application by application."""
    rows = list(_under_way().filter(call=call))
    for done, application in enumerate(rows, 1):
        match_application(application)
        progress(done, len(rows))


def match_all() -> int:
    """Match the names of every application that experts review; return how many conflicts were written.

    Run by the clock at night: teams, publications and profiles change at many places.
    """
    rows = _under_way().filter(current_stage__acts=Acts.EXPERT)
    return sum(match_application(application) for application in rows)


def _under_way() -> QuerySet[Application]:
    rows = Application.objects.under_way().select_related("organisation", "project__university")
    return rows.order_by("pk")


def _pool() -> list[tuple[Reviewer, tuple[str, ...]]]:
    rows = Reviewer.objects.active().select_related("user", "organisation").order_by("pk")
    return [(row, _institutions_of(row)) for row in rows]


def _institutions_of(reviewer: Reviewer) -> tuple[str, ...]:
    found = [reviewer.institution]
    if reviewer.organisation is not None:
        found += [reviewer.organisation.name_zh_hans, reviewer.organisation.name_en or ""]
    return tuple(dict.fromkeys(name for name in found if name)) or ("",)


def _match(reviewer: Reviewer, institutions: Iterable[str], who: Person) -> Match:
    found = Match(Level.DIFFERENT)
    for institution in institutions:
        one = Person(reviewer.user.name, reviewer.user.email, reviewer.orcid, institution)
        match = compare(one, who)
        if match.level is Level.SAME:
            return match
        found = match
    return found


def _listed(application: Application) -> Iterator[Named]:
    """Yield the people of the applicant's two tables: whom they call unsuitable, and whom they are tied to."""
    rows = Answer.objects.filter(
        application=application, question__purpose__in=(Purpose.UNSUITABLE, Purpose.RELATED)
    ).values_list("question__purpose", "value")
    for purpose, value in rows:
        for row in value if isinstance(value, list) else ():
            text = {key: str(row.get(key) or "").strip() for key in (NAME, INSTITUTION, EMAIL, KIND)}
            if purpose == Purpose.UNSUITABLE:
                kind: str = ConflictKind.UNSUITABLE
            else:
                kind = text[KIND] if text[KIND] in ConflictKind.values else ConflictKind.OTHER
            who = Person(text[NAME], text[EMAIL], "", text[INSTITUTION])
            yield Named(who, kind, ConflictSource.APPLICANT)


def _texts(application: Application, pool: list[tuple[Reviewer, tuple[str, ...]]]) -> int:
    """Look for the pool in a list written as plain text: an address, or name and institution, is certain."""
    rows = Answer.objects.filter(application=application, question__purpose=Purpose.UNSUITABLE)
    values = rows.values_list("value", flat=True)
    text = " ".join(json.dumps(value, ensure_ascii=False) for value in values if isinstance(value, str))
    if not text:
        return 0
    plain, key, written = text.casefold(), normalise_name(text), 0
    for reviewer, institutions in pool:
        name, email = (
            characters(reviewer.user.name) or reviewer.user.name.casefold(),
            reviewer.user.email.casefold(),
        )
        if email not in plain and (len(name) < 2 or name not in plain):
            continue
        keys = [normalise_name(one) for one in institutions]
        if email in plain:
            match = Match(Level.SAME, Why.EMAIL)
        elif characters(reviewer.user.name) and any(one and one in key for one in keys):
            match = Match(Level.SAME, Why.NAME_AND_INSTITUTION)
        else:
            match = Match(Level.NEAR, Why.NAME)
        named = Named(Person(reviewer.user.name), ConflictKind.UNSUITABLE, ConflictSource.APPLICANT)
        written += _write(application, reviewer.user, named, match)
    return written


def _coauthors(application: Application, pool: list[tuple[Reviewer, tuple[str, ...]]]) -> int:
    """Match the printed authors of recent publications with the applicant's side: a name alone, and so only possible."""
    years = int(policy("conflict.employer_years").number)
    since = timezone.localdate().year - years
    reviewers = {reviewer.pk: reviewer for reviewer, _institutions in pool}
    rows = Publication.objects.filter(reviewer__in=reviewers, year__gte=since).order_by("pk")
    side, written = [named.who for named in _team(application)], 0
    for reviewer_id, authors, year in rows.values_list("reviewer", "authors", "year"):
        reviewer = reviewers[reviewer_id]
        assert year is not None
        for author in authors:
            if compare_names(author, reviewer.user.name) is not Why.NOTHING:
                continue  # the reviewer's own name
            for who in side:
                if (why := compare_names(author, who.name)) is not Why.NOTHING:
                    named = Named(Person(author), ConflictKind.COAUTHOR, ConflictSource.PUBLICATIONS)
                    until = date(year + years, 12, 31)
                    match = Match(Level.NEAR, why)
                    written += _write(application, reviewer.user, named, match, expires_on=until)
    return written


def _team(application: Application) -> Iterator[Named]:
    """Yield the people of the applicant's side by the names they have there; the accounts are the database's matter."""
    project, organisation = application.project, application.organisation
    if project is not None:
        members = ProjectMember.objects.filter(project=project).values_list("name", "email")
        for name, email in [*members, (project.principal_investigator, "")]:
            yield Named(
                Person(name, email, "", project.institution), ConflictKind.MEMBER, ConflictSource.REGISTER
            )
    if organisation is not None:
        names = Membership.objects.filter(organisation=organisation).values_list("user__name", "user__email")
        for name, email in names:
            yield Named(
                Person(name, email, "", organisation.name), ConflictKind.MEMBER, ConflictSource.REGISTER
            )


def _by_name_alone(application: Application, pool: list[tuple[Reviewer, tuple[str, ...]]]) -> int:
    """Match ties of reviewers to people they only named with the applicant's side, and the other way round."""
    side = [named.who for named in _team(application)]
    accounts = _accounts(application)
    people = {reviewer.user_id: reviewer for reviewer, _institutions in pool}
    edges = (
        Conflict.objects.standing()
        .exclude(other_name="")
        .filter(Q(person__in=people) | Q(person__in=accounts))
    )
    written = 0
    places = _places(application)
    for edge in edges:
        if edge.person_id in people:
            reviewer = people[edge.person_id]
            if edge.kind in WITH_ORGANISATION:
                if normalise_name(edge.other_name) in places:
                    named = Named(Person(edge.other_name), edge.kind, edge.source)
                    match = Match(Level.SAME, Why.NAME_AND_INSTITUTION)
                    written += _write(application, reviewer.user, named, match, expires_on=edge.expires_on)
                continue
            for who in side:
                if (why := compare_names(edge.other_name, who.name)) is not Why.NOTHING:
                    named = Named(who, edge.kind, edge.source)
                    written += _write(application, reviewer.user, named, Match(Level.NEAR, why))
        if edge.person_id in accounts:
            for reviewer in people.values():
                if (why := compare_names(edge.other_name, reviewer.user.name)) is not Why.NOTHING:
                    named = Named(Person(edge.other_name), edge.kind, edge.source)
                    written += _write(application, reviewer.user, named, Match(Level.NEAR, why))
    return written


def _places(application: Application) -> set[str]:
    """Return what tells the organisations behind an application apart."""
    project, found = application.project, set()
    for one in (application.organisation, project.university if project is not None else None):
        if one is not None:
            found |= {one.normalised_name, one.normalised_name_en}
    if project is not None and project.institution_text:
        found.add(normalise_name(project.institution_text))
    return found - {""}


def _accounts(application: Application) -> set[int]:
    found: set[int] = set()
    if application.organisation_id:
        found |= set(
            Membership.objects.filter(organisation=application.organisation_id).values_list("user", flat=True)
        )
    if application.project_id:
        members = ProjectMember.objects.filter(project=application.project_id, user__isnull=False)
        found |= set(members.values_list("user", flat=True))
        if application.project is not None and application.project.pi_user_id:
            found.add(application.project.pi_user_id)
    return found


def _write(
    application: Application, person: User, named: Named, match: Match, *, expires_on: date | None = None
) -> bool:
    """Write what a match means; what is there stays as it is, but what was possible comes to stand when it is certain."""
    stands = match.level is Level.SAME
    held = Conflict.objects.filter(person=person, application=application, kind=named.kind).first()
    if held is not None and (held.state != ConflictState.POSSIBLE or not stands):
        return False
    if named.kind == ConflictKind.MEMBER and match.why is Why.EMAIL:
        return False  # the database knows
    write_tie(
        person,
        actor=SYSTEM,
        kind=named.kind,
        source=named.source,
        ends={"application": application},
        values={
            "note": f"{match.why.value}:{named.who.name or named.who.email}"[:400],
            "expires_on": expires_on,
        },
        stands=stands,
    )
    return True
