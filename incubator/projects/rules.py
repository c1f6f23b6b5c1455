from __future__ import annotations

from typing import Any

import rules

from incubator.organisations.models import Liaison
from incubator.organisations.rules import is_liaison
from incubator.projects.states import ProjectRole
from park_portal.core.accounts.rules import is_officer, makes_records


@rules.predicate
def is_lead_of_project(user: Any, project: Any) -> bool:
    """The principal investigator, by account."""
    if project is None:
        return False
    place = project.member_for(user)
    return project.pi_user_id == user.pk or (place is not None and place.role == ProjectRole.PI)


@rules.predicate
def edits_project(user: Any, project: Any) -> bool:
    """A team member whom the principal investigator lets edit."""
    place = project.member_for(user) if project is not None else None
    return place is not None and place.can_edit


@rules.predicate
def is_liaison_of_project(user: Any, project: Any) -> bool:
    """Liaison of the project's university or faculty today."""
    if project is None or not user.is_authenticated or project.university_id is None:
        return False
    return Liaison.objects.for_place(project.university_id, project.faculty_id).filter(user=user).exists()


rules.add_perm("incubator.register_project", makes_records)
rules.add_perm(
    "incubator.edit_project", is_lead_of_project | edits_project | is_liaison_of_project | is_officer
)
rules.add_perm("incubator.manage_project_team", is_lead_of_project | is_liaison_of_project | is_officer)
rules.add_perm("incubator.move_project", is_lead_of_project | is_liaison_of_project | is_officer)
rules.add_perm("incubator.see_care_list", is_liaison)
rules.add_perm("incubator.import_projects", is_officer)
