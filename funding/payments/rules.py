from __future__ import annotations

import rules

from funding.awards.rules import answers_for_award
from park_portal.core.accounts.rules import is_auditor, is_finance, is_fund_manager, is_officer

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
