"""Funds hold nothing about people; who booked what is in the ledger and the audit trail."""

from __future__ import annotations

from park_portal.core.personal import holds

holds(
    "funding.Fund",
    plain="id name name_zh_hans name_en code kind summary summary_zh_hans summary_en size_fen active book",
)
holds(
    "funding.Commitment",
    plain="id fund organisation source amount_fen agreed_on document note created_at",
)
holds("funding.BudgetLine", plain="id fund year track purpose note created_at")
