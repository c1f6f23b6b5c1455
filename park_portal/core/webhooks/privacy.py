"""What is held about the programs that people are told by, and what those were told."""

from __future__ import annotations

from park_portal.core.personal import Basis, Keep, Purpose, holds

holds(
    "core.Webhook",
    people=("user",),
    purpose=Purpose.PROGRAMS,
    basis=Basis.CONTRACT,
    keep=Keep.ACCOUNT,
    deleted="user of_park name url kinds state secret earlier_secret renewed_at created_at failures failing_since",
    plain="id",
    since="created_at",
    untold="secret earlier_secret",
)
holds(
    "core.WebhookEvent",
    people=("webhook__user",),
    purpose=Purpose.PROGRAMS,
    basis=Basis.CONTRACT,
    keep=Keep.WORK,
    linked="webhook",
    scrubbed="body",
    plain="id public_id message kind status created_at made left next_at",
    since="created_at",
)
holds(
    "core.WebhookAttempt",
    people=("event__webhook__user",),
    purpose=Purpose.PROGRAMS,
    basis=Basis.CONTRACT,
    keep=Keep.WORK,
    scrubbed="answer error",
    plain="id event number at status milliseconds",
    since="at",
)
