"""What reports hold about people."""

from __future__ import annotations

from funding.reports.models import TEXTS
from park_portal.core.personal import Basis, Keep, Law, Purpose, holds

holds(
    "funding.Report",
    people=("submitted_by", "decided_by"),
    purpose=Purpose.AWARDS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    kept={Law.ACCOUNTING: f"{' '.join(TEXTS)} answer"},
    linked="submitted_by decided_by",
    plain="id award kind number period_from period_to due_on state trl_now submitted_at decided_at",
    since="submitted_at",
)
holds(
    "funding.Expense",
    people=("report__submitted_by",),
    purpose=Purpose.AWARDS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    kept={Law.ACCOUNTING: "payee purpose duplicate_note"},
    plain="id report category spent_on amount_fen receipt receipt_sha256 created_at",
    since="created_at",
)
