"""The columns of the table."""

from __future__ import annotations

from typing import Final

STAFF: Final = ("officer", "lead", "fund_manager", "finance", "auditor", "administrator")

# The applicant's three are of one company and of one research project: its principal investigator is the owner. The
# liaison is of that project's faculty, the reviewer has its application assigned. Mentors and investors have an account
# and no rights yet.
ROLES: Final = (
    "anonymous",
    "stranger",
    "viewer",
    "editor",
    "owner",
    "liaison",
    "reviewer",
    "mentor",
    "investor",
    *STAFF,
)
