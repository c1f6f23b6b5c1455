"""Conflicts of interest: what the portal knows by itself, what people declare, what staff record."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import models, transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from funding.applications.models import Answer, Application
from funding.calls.states import ApplicantKind, Purpose
from funding.reviews.models import Conflict, Review, Reviewer
from funding.reviews.states import OPEN_REVIEWS, ConflictKind
from incubator.organisations.models import Membership
from incubator.organisations.names import normalise_name
from incubator.projects.models import ProjectMember
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import record
from park_portal.core.errors import DomainError, Text
from park_portal.core.text import both
from park_portal.core.workflow import SYSTEM, Actor, advance, require

SHORTEST_NAME = 2  # a single character, found somewhere in a text, names nobody


def conflicts_for(application: Application, people: Iterable[User]) -> dict[int, list[Text]]:
    """Return the reasons why each of ``people`` must not review ``application``; those without one are left out."""
    found: dict[int, list[Text]] = {}
    for (_application, person), reasons in conflicts_of([application], people).items():
        found[person] = reasons
    return found


def conflicts_of(
    applications: Sequence[Application], people: Iterable[User]
) -> dict[tuple[int, int], list[Text]]:
    """Return {(application id, person id): reasons} for every pair that must not meet, in a fixed number of queries.

    Known to the portal: membership in the applicant, place on the team, the same employer (on file or by name, or
    a company shared with the principal investigator), persons named as unsuitable by the applicant, conflicts
    declared or recorded for this application or for an earlier one of the same applicant.
    """
    pool = {person.pk: person for person in people}
    by_pk = {application.pk: application for application in applications}
    found: dict[tuple[int, int], list[Text]] = defaultdict(list)
    if not pool or not by_pk:
        return {}
    _add_recorded(found, by_pk, pool)
    _add_own_people(found, by_pk, pool)
    _add_employers(found, by_pk, pool)
    _add_unsuitable(found, by_pk, pool)
    return dict(found)


Found = dict[tuple[int, int], list[Text]]


def _add_recorded(found: Found, applications: dict[int, Application], pool: dict[int, User]) -> None:
    organisations = {a.organisation_id for a in applications.values() if a.kind == ApplicantKind.ORGANISATION}
    projects = {a.project_id for a in applications.values() if a.kind == ApplicantKind.PROJECT}
    rows = (
        Conflict.objects.filter(person__in=pool)
        .filter(
            models.Q(application__in=applications)
            | models.Q(
                application__kind=ApplicantKind.ORGANISATION, application__organisation__in=organisations
            )
            | models.Q(application__kind=ApplicantKind.PROJECT, application__project__in=projects)
        )
        .select_related("application")
    )
    for row in rows:
        earlier = row.application
        for application in applications.values():
            if application.pk == row.application_id:
                text: Text = row.get_kind_display()
                if row.note:
                    text = format_lazy("{kind}: {note}", kind=text, note=row.note)
                found[application.pk, row.person_id].append(text)
            elif application.kind == earlier.kind and _applicant_id(application) == _applicant_id(earlier):
                found[application.pk, row.person_id].append(
                    format_lazy(
                        _("declared a conflict with this applicant before ({number})"),
                        number=earlier.number or "—",
                    )
                )


def _applicant_id(application: Application) -> int | None:
    return (
        application.organisation_id
        if application.kind == ApplicantKind.ORGANISATION
        else application.project_id
    )


def _add_own_people(found: Found, applications: dict[int, Application], pool: dict[int, User]) -> None:
    members: dict[int | None, set[int]] = defaultdict(set)
    organisations = {a.organisation_id for a in applications.values() if a.organisation_id}
    for organisation, user in Membership.objects.filter(
        organisation__in=organisations, user__in=pool
    ).values_list("organisation_id", "user_id"):
        members[organisation].add(user)
    team: dict[int | None, set[int]] = defaultdict(set)
    projects = {a.project_id for a in applications.values() if a.project_id}
    places = ProjectMember.objects.filter(project__in=projects).values_list(
        "project_id", "user_id", "email", "name"
    )
    by_email = {person.email.lower(): pk for pk, person in pool.items()}
    for project, user, email, _name in places:
        known = user or by_email.get(email.lower())
        if known is not None:
            team[project].add(known)
    for application in applications.values():
        if application.project is not None and application.project.pi_user_id is not None:
            team[application.project_id].add(application.project.pi_user_id)
        for person in members[application.organisation_id] & pool.keys():
            found[application.pk, person].append(_("member of the applying organisation"))
        for person in team[application.project_id] & pool.keys():
            found[application.pk, person].append(_("on the project's team"))


def _add_employers(found: Found, applications: dict[int, Application], pool: dict[int, User]) -> None:
    experts = list(Reviewer.objects.filter(user__in=pool).select_related("organisation"))
    investigators = {
        a.project.pi_user_id for a in applications.values() if a.project and a.project.pi_user_id
    }
    companies: dict[int, set[int]] = defaultdict(set)  # person → organisations they belong to
    for organisation, user in Membership.objects.filter(user__in=[*pool, *investigators]).values_list(
        "organisation_id", "user_id"
    ):
        companies[user].add(organisation)
    for application in applications.values():
        project = application.project
        places = {application.organisation_id, project.university_id if project else None} - {None}
        names = _employer_names(application)
        shared = companies[project.pi_user_id] if project and project.pi_user_id else set()
        for expert in experts:
            written = normalise_name(expert.institution) if expert.institution else ""
            if expert.organisation_id in places or (written and written in names):
                found[application.pk, expert.user_id].append(_("same employer as the applicant"))
            elif companies[expert.user_id] & ({*shared, *places} - {application.organisation_id}):
                found[application.pk, expert.user_id].append(
                    _("belongs to an organisation of the principal investigator")
                )


def _employer_names(application: Application) -> set[str]:
    names: set[str] = set()
    for organisation in (
        application.organisation,
        application.project.university if application.project else None,
    ):
        if organisation is not None:
            names |= {organisation.normalised_name, organisation.normalised_name_en}
    if application.project is not None and application.project.institution_text:
        names.add(normalise_name(application.project.institution_text))
    return names - {""}


def _add_unsuitable(found: Found, applications: dict[int, Application], pool: dict[int, User]) -> None:
    rows = Answer.objects.filter(
        application__in=applications, question__purpose=Purpose.UNSUITABLE
    ).values_list("application_id", "value")
    for application, value in rows:
        text = json.dumps(value, ensure_ascii=False).casefold()
        for pk, person in pool.items():
            name = person.name.casefold()
            if (len(name) >= SHORTEST_NAME and name in text) or person.email.casefold() in text:
                found[application, pk].append(_("named as unsuitable by the applicant"))


def note_known_conflicts(application: Application) -> int:
    """Write down, before experts are assigned, whom of the pool the applicant named as unsuitable; return how many.

    What memberships and employers say, the database looks up by itself; what stands in an answer it cannot.
    """
    pool = {person.pk: person for person in User.objects.filter(reviewer__active=True, is_active=True)}
    found: Found = defaultdict(list)
    _add_unsuitable(found, {application.pk: application}, pool)
    rows = [
        Conflict(person_id=person, application=application, kind=ConflictKind.UNSUITABLE)
        for _pk, person in found
    ]
    Conflict.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def record_conflict(
    application: Application, person: User, *, actor: Actor, kind: str, note: str = ""
) -> Conflict:
    """Write down a conflict that staff know of, and release the person's open reviews of ``application``."""
    require(actor, "funding.record_conflict", application)
    if kind not in ConflictKind.values:
        raise DomainError(_("There is no such kind of conflict."), code="unknown_kind", field="kind")
    with transaction.atomic():
        Application.objects.select_for_update(of=("self",)).get(pk=application.pk)
        conflict, created = Conflict.objects.get_or_create(
            person=person,
            application=application,
            kind=kind,
            defaults={"note": note[:400], "recorded_by_id": actor.pk},
        )
        if created:
            record(
                "conflict.record",
                conflict,
                actor=actor,
                after={"person": person.pk, "kind": kind, "note": note},
            )
        for review in Review.objects.filter(application=application, reviewer=person, state__in=OPEN_REVIEWS):
            reason = " / ".join(both(conflict.get_kind_display).values())
            advance(review, "release", actor=SYSTEM, reason=reason)
    return conflict


def withdraw_conflict(conflict: Conflict, *, actor: Actor) -> None:
    """Take back a conflict that staff recorded by mistake; what a reviewer declared stands."""
    require(actor, "funding.record_conflict", conflict)
    with transaction.atomic():
        held: Any = Conflict.objects.select_for_update().filter(pk=conflict.pk).first()
        if held is None:
            return
        if held.recorded_by_id == held.person_id:
            raise DomainError(
                _("Only the reviewer who declared this conflict could take it back."), code="declared"
            )
        record("conflict.withdraw", held, actor=actor, before={"person": held.person_id, "kind": held.kind})
        held.delete()
