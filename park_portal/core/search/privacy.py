"""What records are found by: written anew with the records, it holds of a person what they hold, and no more."""

from __future__ import annotations

from park_portal.core.personal import Basis, Keep, Law, Purpose, holds

holds(
    "core.SearchEntry",
    purpose=Purpose.RUNNING,
    basis=Basis.CONTRACT,
    keep=Keep.WORK,
    kept={Law.ARCHIVES: "title_zh title_en codes vector"},
    plain="id kind object_id updated_at",
)
