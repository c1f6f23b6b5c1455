"""The calendar holds nothing about people."""

from __future__ import annotations

from park_portal.core.personal import holds

holds("core.SpecialDay", plain="id date working name name_zh_hans name_en source")
