"""Who fills a data room, who shares it, who may know that something is shared. Nobody of the staff reads one."""

from __future__ import annotations

from typing import Any

import rules

from incubator.organisations.rules import is_editor, is_in_use, is_owner
from park_portal.core.accounts.rules import is_auditor, is_lead, makes_records


@rules.predicate
def answers_for(user: Any, asked: Any) -> bool:
    """Owner of the organisation whose data room is asked for."""
    company = asked.organisation if asked is not None else None
    return company is not None and is_in_use(user, company) and is_owner(user, company)


# A viewer of an organisation (an accountant, an adviser) reads its applications, not what it tells investors.
rules.add_perm("funding.see_data_room", is_editor)
rules.add_perm("funding.fill_data_room", is_in_use & is_editor)
rules.add_perm("funding.share_data_room", is_in_use & is_owner)
rules.add_perm("funding.ask_for_data_room", makes_records)
rules.add_perm("funding.answer_data_room_request", answers_for)
# That there are grants, to whom and until when; neither what is granted nor what it is called.
rules.add_perm("funding.see_data_room_grants", is_lead | is_auditor)
