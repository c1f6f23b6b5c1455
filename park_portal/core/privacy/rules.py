"""Who deals with people's data: the staff leads and the system administrator, and never with their own request."""

from __future__ import annotations

from typing import Any

import rules

from park_portal.core.accounts.rules import has_role
from park_portal.core.accounts.states import StaffRole

is_data_officer = has_role(StaffRole.LEAD, StaffRole.ADMINISTRATOR)


@rules.predicate
def asked_it(user: Any, request: Any) -> bool:
    return request is not None and request.person_id == user.pk


@rules.predicate
def is_of_another(user: Any, request: Any) -> bool:
    return request is None or request.person_id != user.pk


rules.add_perm("core.use_data_rights", rules.is_authenticated)
rules.add_perm("core.withdraw_data_request", asked_it)
rules.add_perm("core.answer_data_request", is_data_officer & is_of_another)
rules.add_perm("core.see_holdings", is_data_officer)
rules.add_perm("core.keep_retention", is_data_officer)
