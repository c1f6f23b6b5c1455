"""What the audit trail holds about people."""

from __future__ import annotations

from park_portal.core.personal import Basis, Keep, Law, Purpose, holds

holds(
    "core.Entry",
    people=("actor",),
    purpose=Purpose.PROOF,
    basis=Basis.LAW,
    keep=Keep.TRAIL,
    linked="actor on_behalf_of object_id",
    scrubbed="object_label before after facts",
    kept={Law.NETWORK: "address"},
    plain="id at action object_type door request_id salt",
    since="at",
    untold="salt object_label before after facts request_id",
)
holds("core.Seal", plain="position entry_id digest content")
