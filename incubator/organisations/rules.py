from __future__ import annotations

from typing import Any

import rules

from incubator.organisations.states import OrganisationState, Role
from park_portal.core.accounts.rules import is_officer, makes_records, sees_records


def member_in(*roles: str) -> rules.Predicate:
    """Returns a predicate: the person has one of the roles in the organisation."""

    @rules.predicate(name="member_in:" + "|".join(roles))
    def check(user: Any, organisation: Any) -> bool:
        return organisation is not None and organisation.role_of(user) in roles

    return check


is_owner = member_in(Role.OWNER)
is_editor = member_in(Role.OWNER, Role.EDITOR)
is_member = member_in(*Role.values)


@rules.predicate
def is_in_use(user: Any, organisation: Any) -> bool:
    return organisation is not None and organisation.state == OrganisationState.ACTIVE


@rules.predicate
def is_liaison(user: Any) -> bool:
    """Liaison of any university or faculty today; menus and lists ask ``facts.is_liaison_today``."""
    return bool(user.is_authenticated) and user.liaisons.current().exists()


rules.add_perm("incubator.create_organisation", makes_records)
rules.add_perm("incubator.edit_organisation", is_in_use & (is_editor | is_officer))
rules.add_perm("incubator.see_organisation_members", is_member | sees_records)
rules.add_perm("incubator.manage_organisation_members", is_in_use & (is_owner | is_officer))
rules.add_perm("incubator.leave_organisation", is_member)
rules.add_perm("incubator.join_organisation", rules.is_authenticated & is_in_use & ~is_member)
rules.add_perm("incubator.close_organisation", is_officer)
rules.add_perm("incubator.merge_organisation", is_officer)
rules.add_perm("incubator.import_organisations", is_officer)
rules.add_perm("incubator.appoint_liaison", is_officer)
