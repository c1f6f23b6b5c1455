from __future__ import annotations

import rules

from funding.awards.rules import answers_for_award
from park_portal.core.accounts.rules import is_officer

rules.add_perm("funding.write_report", answers_for_award)
rules.add_perm("funding.decide_report", is_officer)
