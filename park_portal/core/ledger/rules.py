from __future__ import annotations

import rules

from park_portal.core.accounts.rules import is_finance, sees_records

rules.add_perm("core.see_ledger", sees_records)
rules.add_perm("core.reverse_transfer", is_finance)
rules.add_perm("core.close_month", is_finance)
rules.add_perm("core.export_journal", sees_records)
