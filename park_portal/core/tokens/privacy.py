"""What is held about the programs of people."""

from __future__ import annotations

from park_portal.core.personal import Basis, Keep, Purpose, holds

holds(
    "core.ApiToken",
    people=("user",),
    purpose=Purpose.PROGRAMS,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    deleted="user name start digest scopes created_at expires_at revoked_at last_used_at last_used_from",
    plain="id",
    since="created_at",
    untold="digest",
)
