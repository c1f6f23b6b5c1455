from __future__ import annotations

import rules

from funding.reviews.rules import has_conflict
from park_portal.core.accounts.rules import is_fund_manager, is_lead, is_officer, sees_records

rules.add_perm("funding.see_ranking", sees_records)
rules.add_perm("funding.propose_decisions", (is_officer | is_fund_manager) & ~has_conflict)
rules.add_perm("funding.write_letters", is_officer)
rules.add_perm("funding.check_letters", is_officer)
rules.add_perm("funding.change_budget", is_lead)
