"""Contents page: the tables of the ledger."""

from park_portal.core.ledger.models.accounts import Account, AccountCode, Book
from park_portal.core.ledger.models.transfers import ClosedMonth, Transfer, TransferSeal

__all__ = ["Account", "AccountCode", "Book", "ClosedMonth", "Transfer", "TransferSeal"]
