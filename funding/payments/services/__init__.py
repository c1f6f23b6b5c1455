"""Paying what was awarded. Who may do what is asked here; what is booked is in ``holding``."""

from funding.payments.services.asking import (
    ask_again,
    ask_disbursement,
    cancel_disbursement,
    check_disbursement,
    return_disbursement,
)
from funding.payments.services.batches import (
    file_of,
    files_of,
    make_batch,
    refuse_release,
    release_batch,
)
from funding.payments.services.paying import (
    approve_disbursement,
    bounce_disbursement,
    refuse_in_batch,
    release_disbursement,
    settle_disbursement,
)
from funding.payments.services.statements import (
    Preview,
    book_statement,
    match_rows,
    preview_of,
    take_statement,
    tell_paid,
)

__all__ = [
    "Preview",
    "approve_disbursement",
    "ask_again",
    "ask_disbursement",
    "book_statement",
    "bounce_disbursement",
    "cancel_disbursement",
    "check_disbursement",
    "file_of",
    "files_of",
    "make_batch",
    "match_rows",
    "preview_of",
    "refuse_in_batch",
    "refuse_release",
    "release_batch",
    "release_disbursement",
    "return_disbursement",
    "settle_disbursement",
    "take_statement",
    "tell_paid",
]
