"""What payments hold about people: who took which step, and to whom money was paid."""

from __future__ import annotations

from park_portal.core.personal import Basis, Keep, Law, Purpose, holds

holds(
    "funding.Disbursement",
    people=("award__project__pi_user",),
    purpose=Purpose.AWARDS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    kept={Law.ACCOUNTING: "payee bank account_number purpose reason"},
    linked="asked_by checked_by approved_by released_by",
    plain=(
        "id award tranche number amount_fen state round batch asked_at checked_at approved_at released_at paid_on "
        "bank_reference"
    ),
    since="asked_at",
    untold="asked_by checked_by approved_by released_by",
)
holds(
    "funding.PaymentBatch",
    purpose=Purpose.AWARDS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="made_by released_by",
    plain="id fund number state created_at released_at",
)
holds(
    "funding.BankStatement",
    purpose=Purpose.AWARDS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="uploaded_by booked_by",
    plain="id fund document since until created_at booked_at",
)
holds(
    "funding.StatementLine",
    purpose=Purpose.AWARDS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    kept={Law.ACCOUNTING: "counterparty text bank_reference"},
    plain="id statement place on amount_fen is_incoming verdict disbursement",
)
