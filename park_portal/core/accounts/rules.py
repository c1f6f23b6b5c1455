"""Who a person is, as predicates that the rooms above combine into their own rules."""

from __future__ import annotations

from typing import Any

import rules

from park_portal.core.accounts.states import StaffRole


def has_role(*roles: str) -> rules.Predicate:
    """Return a predicate: the person is staff and has one of ``roles``; superusers have every role."""

    @rules.predicate(name="has_role:" + "|".join(roles))
    def check(user: Any) -> bool:
        return bool(user.is_active and user.is_staff and (user.is_superuser or user.roles & set(roles)))

    return check


@rules.predicate
def is_staff(user: Any) -> bool:
    return bool(user.is_active and user.is_staff)


@rules.predicate
def is_self(user: Any, other: Any) -> bool:
    return other is not None and user.pk == other.pk


is_officer = has_role(StaffRole.OFFICER, StaffRole.LEAD)
is_lead = has_role(StaffRole.LEAD)
is_fund_manager = has_role(StaffRole.FUND_MANAGER, StaffRole.LEAD)
is_finance = has_role(StaffRole.FINANCE)
is_auditor = has_role(StaffRole.AUDITOR)
is_administrator = has_role(StaffRole.ADMINISTRATOR)
# Everyone on the staff whose work is the park's content; the system administrator's is not.
sees_records = has_role(
    StaffRole.OFFICER, StaffRole.LEAD, StaffRole.FUND_MANAGER, StaffRole.FINANCE, StaffRole.AUDITOR
)

# Who would not see what they made, the system administrator, makes none.
makes_records = rules.is_authenticated & (~is_staff | sees_records)

rules.add_perm("core.manage_accounts", is_administrator)
rules.add_perm("core.invite_staff", is_administrator)
rules.add_perm("core.see_system_health", is_administrator)
rules.add_perm("core.see_records", sees_records)
rules.add_perm("core.edit_profile", is_self)
# Not the system administrator, who sees no application.
rules.add_perm("core.view_as", is_officer)
rules.add_perm("core.retry_message", is_lead | is_administrator)
# A rule of its own: Django's model rights, which the admin's forms go by, are never asked about a single row.
rules.add_perm("core.keep_policies", is_lead)
rules.add_perm("core.revoke_invitation", is_officer | is_administrator)
