"""Kinds of accounts and codes as a room declares them, for the tests of the ledger alone."""

from dataclasses import dataclass

from park_portal.core.audit.services import SYSTEM
from park_portal.core.ledger.models import Account, Book
from park_portal.core.ledger.registry import account_kind, transfer_code
from park_portal.core.ledger.services import account_of, post_transfer
from park_portal.core.ledger.states import Side
from tests.factories import make, number

BANK = account_kind("test.bank", "银行", Side.DEBIT)
CAPITAL = account_kind("test.capital", "资本", Side.CREDIT)
GRANT = account_kind("test.grant", "资助", Side.CREDIT)
DEBT = account_kind("test.debt", "欠款", Side.CREDIT, may_go_below_zero=True)

COME_IN = transfer_code("test.come_in", "money comes in")
GRANTED = transfer_code("test.granted", "granted")
PAID = transfer_code("test.paid", "paid")
MOVED = transfer_code("test.moved", "moved to another fund", crosses=True)


@dataclass
class Fund:
    """One book with what is needed to try things: its bank, its capital, and one grant."""

    book: Book
    bank: Account
    capital: Account
    grant: Account

    @classmethod
    def with_capital(cls, amount_fen: int = 0, **values):
        book = make("core.Book", **values)
        fund = cls(
            book, account_of(book, BANK), account_of(book, CAPITAL), account_of(book, GRANT, book, label="G1")
        )
        if amount_fen:
            fund.come_in(amount_fen)
        return fund

    def come_in(self, amount_fen: int, **values):
        return self.post(self.bank, self.capital, amount_fen, COME_IN, **values)

    def granted(self, amount_fen: int, **values):
        return self.post(self.capital, self.grant, amount_fen, GRANTED, **values)

    def paid(self, amount_fen: int, **values):
        return self.post(self.grant, self.bank, amount_fen, PAID, **values)

    def post(self, debit, credit, amount_fen, code, **values):
        values = {"key": f"test-{number()}", "about": self.book, "actor": SYSTEM, **values}
        return post_transfer(debit=debit, credit=credit, amount_fen=amount_fen, code=code, **values)

    def free(self) -> dict[str, int]:
        """What may still be taken from each account, in fen."""
        rows = {row.pk: row for row in Account.objects.filter(book=self.book)}
        return {name: rows[getattr(self, name).pk].free_fen for name in ("bank", "capital", "grant")}
