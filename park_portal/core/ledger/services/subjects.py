"""What an account or a transfer is for: a record, or its name where the record itself is not at hand."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models

from park_portal.core.ledger.models import Transfer


@dataclass(frozen=True)
class Subject:
    """A record by its type and key."""

    type: str
    pk: str

    @classmethod
    def of(cls, transfer: Transfer) -> Subject:
        """Return what ``transfer`` was for."""
        return cls(transfer.subject_type, transfer.subject_id)


def type_of(subject: models.Model | Subject) -> str:
    """Return the type of a record as it is kept in rows, "app.model"."""
    return subject.type if isinstance(subject, Subject) else subject._meta.label_lower
