from __future__ import annotations

import rules

from park_portal.core.accounts.rules import is_finance, is_fund_manager

# Who promises and allots money is not who sees it come in: the fund manager plans, finance notes what the bank says.
rules.add_perm("funding.commit_to_fund", is_fund_manager)
rules.add_perm("funding.allot_budget", is_fund_manager)
rules.add_perm("funding.note_contribution", is_finance)
