from __future__ import annotations

from typing import Any

import rules

from park_portal.core.imports.registry import IMPORT_KINDS


@rules.predicate
def may_import(user: Any, batch: Any) -> bool:
    """Whoever may import this kind of rows may also check, apply and undo any batch of it."""
    kind = IMPORT_KINDS.get(batch.kind) if batch is not None else None
    return kind is not None and user.has_perm(kind.rule)


rules.add_perm("core.run_import", may_import)
