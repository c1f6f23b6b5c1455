from __future__ import annotations

from typing import Any, NamedTuple

import rules
from django.db import models

from funding.applications.states import EDITABLE
from funding.calls.states import Acts
from incubator.organisations.models import Liaison, Organisation
from incubator.organisations.rules import is_editor as edits_organisation
from incubator.organisations.rules import is_in_use, is_liaison
from incubator.projects.rules import edits_project, is_lead_of_project
from park_portal.core.accounts.models import User
from park_portal.core.accounts.rules import asked_once, is_fund_manager, is_lead, is_officer, sees_records


class Standing(NamedTuple):
    """On which sides of an application a person may stand."""

    applies: bool = False
    reviews: bool = False


@asked_once
def standing_of(user: Any) -> Standing:
    """Return whether the person belongs to anything that may apply, and whether to the pool of reviewers.

    One query for both, since the menu of every page asks; the pool, a room further up, is reached from the person.
    """
    if not user.is_authenticated:
        return Standing()
    applies = models.Exists(user.memberships.all()) | models.Exists(user.project_places.all())
    rows = User.objects.filter(pk=user.pk).values_list(applies, models.Q(reviewer__isnull=False))
    return Standing(*rows.get())


def is_reviewer(user: Any) -> bool:
    """Whether the person is in the pool of reviewers."""
    return standing_of(user).reviews


def may_apply_some_day(user: Any) -> bool:
    """Who belongs to an applicant, or has not come as a liaison or a reviewer: they may yet apply."""
    standing = standing_of(user)
    return standing.applies or not (standing.reviews or asked_once(is_liaison)(user))


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
