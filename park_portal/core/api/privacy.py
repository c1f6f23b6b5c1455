"""What the API remembers of requests."""

from __future__ import annotations

from park_portal.core.personal import Basis, Keep, Purpose, holds

holds(
    "core.IdempotentAnswer",
    people=("user",),
    purpose=Purpose.PROGRAMS,
    basis=Basis.CONTRACT,
    keep=Keep.WORK,
    deleted="user key fingerprint status body created_at",
    plain="id",
    since="created_at",
    untold="fingerprint",
)
