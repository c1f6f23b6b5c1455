"""Funds hold nothing about people."""

from __future__ import annotations

from park_portal.core.personal import holds

holds(
    "funding.Fund",
    plain="id name name_zh_hans name_en code kind summary summary_zh_hans summary_en size_fen active",
)
