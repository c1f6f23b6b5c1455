"""Who else reads the files of an application: its reviewers, those of the answers shown to them."""

from __future__ import annotations

from typing import Any

from funding.reviews.reading import may_read_file
from funding.reviews.services.copies import COPY
from park_portal.core.accounts.rules import sees_records
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import readable


@readable("funding.application")
def reads_by_review(user: Any, document: Document) -> bool:
    """An accepted reviewer reads the files that stand in the answers shown to them, and no others.

    Those are the files themselves or, in a double-blind stage, their copies; staff look at the copies, too.
    """
    is_copy = document.kind.startswith(COPY)
    if is_copy and user.is_authenticated and sees_records(user):
        return True
    return (is_copy or document.kind.startswith("answer:")) and may_read_file(
        user, document.subject_id, str(document.public_id)
    )
