from __future__ import annotations

from typing import Any

import rules
from django.db import models

from funding.applications.states import EDITABLE
from funding.calls.states import Acts
from incubator.organisations.facts import belongs_to_any, is_liaison_today
from incubator.organisations.models import Liaison, Organisation
from incubator.organisations.rules import is_editor as edits_organisation
from incubator.organisations.rules import is_in_use
from incubator.projects.rules import edits_project, is_lead_of_project
from park_portal.core.accounts.rules import is_fund_manager, is_lead, is_officer, sees_records
from park_portal.core.accounts.standing import fact, rows_of


@fact
def is_reviewer(person: models.OuterRef) -> models.Exists:
    """Whether the person is in the pool of reviewers, a room further up that is reached from the person."""
    return models.Exists(rows_of(person, "reviewer"))


def may_apply_some_day(user: Any) -> bool:
    """Who belongs to an applicant, or has not come as a liaison or a reviewer: they may yet apply."""
    return bool(belongs_to_any(user) or not (is_reviewer(user) or is_liaison_today(user)))


@rules.predicate
def is_member(user: Any, application: Any) -> bool:
    """Anyone of the applicant's side, whatever their role."""
    return application is not None and application.role_of(user) is not None


@rules.predicate
def is_editor(user: Any, application: Any) -> bool:
    return application is not None and application.role_of(user) in ("owner", "editor")


@rules.predicate
def is_owner(user: Any, application: Any) -> bool:
    """Who answers for the application: an owner of the organisation or the project's principal investigator."""
    return application is not None and application.role_of(user) == "owner"


@rules.predicate
def writes_for(user: Any, applicant: Any) -> bool:
    """Owner or editor of the organisation, or who may edit on the research project's team."""
    if isinstance(applicant, Organisation):
        return bool(is_in_use(user, applicant) and edits_organisation(user, applicant))
    return bool(is_lead_of_project(user, applicant) or edits_project(user, applicant))


@rules.predicate
def is_editable(user: Any, application: Any) -> bool:
    return application is not None and application.state in EDITABLE


@rules.predicate
def is_liaison_in_turn(user: Any, application: Any) -> bool:
    """A liaison of the project's university or faculty, while the application is at a stage where liaisons act."""
    return (
        application is not None
        and application.current_stage is not None
        and application.current_stage.acts == Acts.LIAISON
        and is_liaison_of(user, application)
    )


@rules.predicate
def is_fund_manager_in_turn(user: Any, application: Any) -> bool:
    """A fund manager, while the application is at a stage where fund managers act."""
    return (
        application is not None
        and application.current_stage is not None
        and application.current_stage.acts == Acts.FUND_MANAGER
        and bool(is_fund_manager(user))
    )


@rules.predicate
def is_liaison_of(user: Any, application: Any) -> bool:
    project = application.project if application is not None else None
    if project is None:
        return False
    return (
        Liaison.objects.for_place(project.university_id, project.faculty_id).filter(user_id=user.pk).exists()
    )


rules.add_perm("funding.view_application_page", sees_records | is_member | is_liaison_of)
rules.add_perm("funding.start_application", writes_for)
rules.add_perm("funding.edit_application", is_editor & is_editable)
rules.add_perm("funding.submit_application", is_editor)
rules.add_perm("funding.withdraw_application", is_owner | is_officer)
rules.add_perm("funding.return_application", is_officer | is_liaison_in_turn | is_fund_manager_in_turn)
rules.add_perm("funding.reject_application", is_officer | is_liaison_in_turn | is_fund_manager_in_turn)
rules.add_perm("funding.grant_extension", is_officer)
rules.add_perm("funding.export_applications", sees_records)
rules.add_perm("funding.release_decisions", is_lead)
