"""Books with a bank account and capital, and transfers between them."""

from django.utils import timezone

from funding.funds.accounts import BANK
from park_portal.core.ledger.models import Account, Transfer, TransferSeal
from park_portal.core.ledger.services import seal_transfers
from park_portal.core.ledger.states import Side
from tests.factories import fill, make, makes, number


@makes("core.Book")
def make_book(**values):
    n = number()
    return fill(
        "core.Book", **{"code": f"book-{n}", "name_zh_hans": f"账簿{n}", "name_en": f"Book {n}", **values}
    )


@makes("core.Account")
def make_account(**values):
    values.setdefault("book", None)
    book = values.pop("book") or make("core.Book")
    defaults = {"kind": f"test.kind-{number()}", "normal": Side.CREDIT}
    return Account.objects.create(book=book, **{**defaults, **values})


@makes("core.Transfer")
def make_transfer(**values):
    """A transfer that brings money to a book: from its capital, which may grow for ever, to its bank."""
    if "debit" not in values:
        values["debit"] = make_account(normal=Side.DEBIT)
    if "credit" not in values:
        values["credit"] = make_account(book=values["debit"].book)
    defaults = {
        "amount_fen": 100,
        "code": "test.in",
        "subject_type": "core.book",
        "subject_id": "1",
        "key": f"test-{number()}",
        "business_date": timezone.localdate(),
    }
    return Transfer.objects.create(**{**defaults, **values})


@makes("core.ClosedMonth")
def make_closed_month(**values):
    values.setdefault("month", timezone.localdate().replace(year=2020, month=1, day=1))
    return fill("core.ClosedMonth", **values)


@makes("core.TransferSeal")
def make_seal(**values):
    """The newest link of the chain; with values of its own, one that hangs nowhere."""
    if values:
        return fill("core.TransferSeal", **{"position": 1_000_000 + number(), **values})
    make_transfer()
    while seal_transfers():
        pass
    return TransferSeal.objects.latest("position")


@makes("core.AccountCode")
def make_account_code(**values):
    """The code of a kind in all books; where no kind is named, of bank accounts in a book of its own."""
    if "kind" not in values:
        values = {"kind": BANK.name, "book": make("core.Book"), **values}
    return fill("core.AccountCode", **{"code": "1002", **values})
