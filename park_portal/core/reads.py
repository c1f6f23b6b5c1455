"""Noting who looks at telephone numbers and addresses of other people, in the administration and through the API."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from django.db import models

from park_portal.core.audit.services import record
from park_portal.core.personal import sensitive_columns

READ: Final = "privacy.read"


def note_reading(rows: Sequence[models.Model], *, shown: Collection[str], actor: Any) -> None:
    """Note that ``actor`` was shown the columns ``shown`` of ``rows``, as far as they hold contact data of others.

    Staff only: everyone else sees no contact data but their own people's. Several rows at once are one entry.
    """
    if not rows or not getattr(actor, "is_staff", False):
        return
    columns = sensitive_columns(type(rows[0])) & set(shown)
    if not columns:
        return
    read = [row for row in rows if row != actor and any(getattr(row, name) for name in columns)]
    if len(read) == 1:
        record(READ, read[0], actor=actor, columns=sorted(columns))
    elif read:
        nobody = type(rows[0])(pk=0)
        record(READ, nobody, actor=actor, columns=sorted(columns), rows=[row.pk for row in read])
