"""What decisions and letters hold about those they are about."""

from __future__ import annotations

from park_portal.core.personal import Basis, Keep, Law, Purpose, holds

holds(
    "funding.Decision",
    people=("decided_by",),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="decided_by",
    kept={Law.ARCHIVES: "amount_reason conditions comment_applicant note"},
    plain="id application verdict amount_fen reserve_place state decided_at released_at",
    since="decided_at",
)
holds(
    "funding.Placement",
    people=("placed_by",),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="placed_by",
    kept={Law.ARCHIVES: "reason"},
    plain="id call application place placed_at",
    since="placed_at",
)
holds(
    "funding.Letter",
    people=("checked_by",),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="checked_by",
    kept={Law.ARCHIVES: "subject body"},
    plain="id decision state document checked_at released_at",
    since="checked_at",
)
holds(
    "funding.LetterTemplate",
    plain="id call verdict subject subject_zh_hans subject_en body body_zh_hans body_en",
)
