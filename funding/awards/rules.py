from __future__ import annotations

from typing import Any

import rules

from funding.applications.rules import is_editor, is_owner
from park_portal.core.accounts.rules import is_finance, is_fund_manager, is_officer


@rules.predicate
def answers_for_award(user: Any, thing: Any) -> bool:
    """Owner or editor of who holds the award that ``thing`` (an award, or what has one) is of."""
    if thing is None:
        return False
    award = getattr(thing, "award", thing)
    return bool(is_owner(user, award.application) or is_editor(user, award.application))


rules.add_perm("funding.start_award", is_fund_manager)
rules.add_perm("funding.draft_agreement", is_officer | is_fund_manager)
rules.add_perm("funding.keep_agreement_templates", is_fund_manager)
rules.add_perm("funding.issue_agreement", is_fund_manager)
rules.add_perm("funding.note_signature", is_officer | is_fund_manager)
rules.add_perm("funding.submit_milestone", answers_for_award)
rules.add_perm("funding.check_milestone", is_officer)
rules.add_perm("funding.shift_categories", answers_for_award | is_officer | is_fund_manager)
rules.add_perm("funding.propose_amendment", answers_for_award | is_officer | is_fund_manager)
rules.add_perm("funding.decide_amendment", is_fund_manager)
rules.add_perm("funding.suspend_award", is_fund_manager)
rules.add_perm("funding.call_to_acceptance", is_officer)
rules.add_perm("funding.terminate_award", is_fund_manager)
rules.add_perm("funding.close_award", is_finance)
rules.add_perm("funding.claim_back", is_finance)
