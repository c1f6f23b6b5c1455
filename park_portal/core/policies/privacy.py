"""Dated rules hold nothing about people."""

from __future__ import annotations

from park_portal.core.personal import holds

holds(
    "core.PolicyValue",
    plain="id key label label_zh_hans label_en value unit source confidence effective_from effective_to edited",
)
