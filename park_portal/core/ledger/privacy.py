"""What the ledger holds about people: who booked, and what the memo of a payment says."""

from __future__ import annotations

from park_portal.core.personal import Basis, Keep, Law, Purpose, holds

holds("core.Book", plain="id code name name_zh_hans name_en")
holds("core.AccountCode", plain="id kind book code name")
holds(
    "core.Account",
    purpose=Purpose.AWARDS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    kept={Law.ACCOUNTING: "label"},
    plain=(
        "id book kind subject_type subject_id currency normal may_go_below_zero debits_posted_fen credits_posted_fen "
        "debits_pending_fen credits_pending_fen"
    ),
)
holds(
    "core.Transfer",
    people=("actor",),
    purpose=Purpose.AWARDS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    kept={Law.ACCOUNTING: "memo"},
    linked="actor",
    plain=(
        "id step debit credit amount_fen currency code crosses_books pending reverses subject_type subject_id key "
        "business_date expires_at created_at xid digest"
    ),
    since="created_at",
)
holds("core.TransferSeal", plain="position transfer_id digest")
holds(
    "core.ClosedMonth",
    people=("closed_by",),
    purpose=Purpose.AWARDS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="closed_by",
    plain="id book month closed_at last_transfer",
    since="closed_at",
)
