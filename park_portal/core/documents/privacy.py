"""What documents say about who uploaded them, and those that belong to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from park_portal.core.documents.models import Document
from park_portal.core.documents.services import forget_content
from park_portal.core.personal import Basis, Keep, Law, Purpose, holds

if TYPE_CHECKING:
    from park_portal.core.accounts.models import User
    from park_portal.core.personal import Marks


def _forget_own(person: User, marks: Marks) -> None:
    """Forget the files that belong to the account itself and to nothing else."""
    own = Document.objects.filter(subject_type=person._meta.label_lower, subject_id=str(person.pk))
    forget_content(own)


holds(
    "core.Document",
    people=("uploaded_by",),
    purpose=Purpose.CALLS,
    basis=Basis.CONTRACT,
    keep=Keep.PROJECT,
    linked="uploaded_by",
    kept={Law.ARCHIVES: "name"},
    plain="id public_id subject_type subject_id kind mime size sha256 path version replaces created_at removed_at",
    since="created_at",
    deed=_forget_own,
    untold="path sha256",
)
