"""Writes and readings of the ledger. Who may book is asked by the rooms whose money it is."""

from park_portal.core.ledger.services.accounts import account_of, make_book, open_accounts
from park_portal.core.ledger.services.closing import close_month, open_since, problems_of_closing
from park_portal.core.ledger.services.journal import journal_of
from park_portal.core.ledger.services.posting import (
    Booking,
    NotEnough,
    book_all,
    expire_held,
    hold_transfer,
    post_held,
    post_transfer,
    posting_of,
    refuse_irreversible,
    reverse_transfer,
    void_held,
)
from park_portal.core.ledger.services.reading import (
    Balance,
    Statement,
    balances_on,
    statement_of,
    sums_by_code,
)
from park_portal.core.ledger.services.sealing import seal_transfers
from park_portal.core.ledger.services.subjects import Subject
from park_portal.core.ledger.services.verifying import verify_ledger

__all__ = [
    "Balance",
    "Booking",
    "NotEnough",
    "Statement",
    "Subject",
    "account_of",
    "balances_on",
    "book_all",
    "close_month",
    "expire_held",
    "hold_transfer",
    "journal_of",
    "make_book",
    "open_accounts",
    "open_since",
    "post_held",
    "post_transfer",
    "posting_of",
    "problems_of_closing",
    "refuse_irreversible",
    "reverse_transfer",
    "seal_transfers",
    "statement_of",
    "sums_by_code",
    "verify_ledger",
    "void_held",
]
