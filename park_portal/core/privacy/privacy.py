"""What is held about the use that people make of their rights."""

from __future__ import annotations

from park_portal.core.personal import Basis, Purpose, holds

holds(
    "core.DataRequest",
    people=("person",),
    purpose=Purpose.RIGHTS,
    basis=Basis.LAW,
    keep="privacy.request_years",
    linked="person answered_by",
    scrubbed="text answer",
    plain="id kind state asked_at due_on answered_at",
    since="asked_at",
)
holds(
    "core.Consent",
    people=("person",),
    purpose=Purpose.RIGHTS,
    basis=Basis.LAW,
    keep="privacy.request_years",
    linked="person",
    plain="id purpose version text given_at withdrawn_at",
    since="given_at",
)
