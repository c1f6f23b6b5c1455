"""Who else reads the files of an application: its reviewers, those of the answers shown to them."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from funding.reviews.reading import may_read_file
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import readable


@readable("funding.application")
def reads_by_review(user: Any, document: Document) -> bool | str:
    """An accepted reviewer reads the files that stand in the answers shown to them, and no others."""
    return document.kind.startswith("answer:") and may_read_file(
        user,
        document.subject_id,
        str(document.public_id),
        ending=PurePath(document.name).suffix,
    )
