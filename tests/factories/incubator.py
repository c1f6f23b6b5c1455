"""Organisations and research projects for tests."""

from __future__ import annotations

import itertools
from typing import Any

from incubator.models import Faculty, Liaison, Membership, Organisation, ProjectMember, ResearchProject
from park_portal.core.accounts.models import User

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_numbers = itertools.count(1)


def make_code(number: int | None = None) -> str:
    """Returns a valid Unified Social Credit Code, another one for each number."""
    number = next(_numbers) if number is None else number
    body = f"91310118{number:09d}"
    total = sum(ALPHABET.index(char) * 3**place for place, char in enumerate(body))
    return body + ALPHABET[(31 - total % 31) % 31]


def make_organisation(
    name: str = "",
    *,
    owner: User | None = None,
    editor: User | None = None,
    viewer: User | None = None,
    **fields: Any,
) -> Organisation:
    """Returns an organisation in use; the people named become members."""
    number = next(_numbers)
    organisation = Organisation.objects.create(
        name_zh_hans=name or f"上海第{number}号生物科技有限公司",
        uscc=fields.pop("uscc", make_code(number)),
        **fields,
    )
    for role, user in (("owner", owner), ("editor", editor), ("viewer", viewer)):
        if user is not None:
            Membership.objects.create(organisation=organisation, user=user, role=role)
    return organisation


def make_university(name: str = "", **fields: Any) -> Organisation:
    """Returns a university."""
    return make_organisation(name or f"第{next(_numbers)}大学", kind="university", **fields)


def make_faculty(university: Organisation | None = None, name: str = "", **fields: Any) -> Faculty:
    """Returns a faculty of the university, or of a new one."""
    return Faculty.objects.create(
        organisation=university or make_university(), name_zh_hans=name or f"第{next(_numbers)}学院", **fields
    )


def make_liaison(
    user: User, university: Organisation, faculty: Faculty | None = None, **fields: Any
) -> Liaison:
    """Returns an appointment in force for the faculty, or for the whole university."""
    return Liaison.objects.create(user=user, organisation=university, faculty=faculty, **fields)


def make_project(
    title: str = "", *, pi: User | None = None, university: Organisation | None = None, **fields: Any
) -> ResearchProject:
    """Returns a registered research project; `pi` leads it with an account."""
    number = next(_numbers)
    project = ResearchProject.objects.create(
        code=f"RP-2000-{number:04d}",
        title_zh_hans=title or f"第{number}号蛋白质结构预测研究",
        principal_investigator=pi.name if pi else "陈思远",
        pi_user=pi,
        university=university,
        **fields,
    )
    ProjectMember.objects.create(
        project=project, user=pi, name=project.principal_investigator, role="pi", can_edit=True
    )
    return project


def make_project_member(project: ResearchProject, user: User, **fields: Any) -> ProjectMember:
    """Returns the person's place on the team."""
    return ProjectMember.objects.create(
        project=project, user=user, name=user.name, email=user.email, **fields
    )
