from __future__ import annotations

from typing import Any

import rules

from funding.calls.states import CallState
from park_portal.core.accounts.rules import is_lead, is_officer, sees_records


@rules.predicate
def is_draft(user: Any, call: Any) -> bool:
    return call is None or call.state == CallState.DRAFT


rules.add_perm("funding.see_calls", sees_records)
rules.add_perm("funding.build_call", is_officer & is_draft)
rules.add_perm("funding.copy_call", is_officer)
rules.add_perm("funding.publish_call", is_officer)
rules.add_perm("funding.open_call", is_lead)
rules.add_perm("funding.extend_call", is_officer)
rules.add_perm("funding.correct_call", is_lead)
rules.add_perm("funding.close_call", is_lead)
rules.add_perm("funding.cancel_call", is_lead)
rules.add_perm("funding.edit_call_texts", is_officer)
