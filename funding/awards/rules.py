from __future__ import annotations

import rules

from park_portal.core.accounts.rules import is_fund_manager

rules.add_perm("funding.start_award", is_fund_manager)
