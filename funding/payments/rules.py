from __future__ import annotations

from typing import Any

import rules

from funding.applications.rules import is_editor, is_owner
from park_portal.core.accounts.rules import is_auditor, is_finance, is_fund_manager, is_officer


@rules.predicate
def answers_for_award(user: Any, thing: Any) -> bool:
    """Owner or editor of who holds the award that ``thing`` (an award, or what has one) is of."""
    if thing is None:
        return False
    award = getattr(thing, "award", thing)
    return bool(is_owner(user, award.application) or is_editor(user, award.application))


rules.add_perm("funding.ask_disbursement", answers_for_award | is_officer)
rules.add_perm("funding.check_disbursement", is_officer)
rules.add_perm("funding.return_disbursement", is_officer | is_finance)
rules.add_perm("funding.approve_disbursement", is_finance)
rules.add_perm("funding.release_disbursement", is_finance)
rules.add_perm("funding.settle_disbursement", is_finance)
rules.add_perm("funding.cancel_disbursement", answers_for_award | is_officer)
# Batches and statements, for who works with them or looks them over.
rules.add_perm("funding.see_bank_files", is_officer | is_fund_manager | is_finance | is_auditor)
rules.add_perm("funding.make_payment_batch", is_finance)
rules.add_perm("funding.read_bank_statement", is_finance)
