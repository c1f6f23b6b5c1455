"""Attempts on the rules of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from park_portal.core.ledger.models import Transfer
from park_portal.core.ledger.states import Side
from park_portal.core.money import MAX_FEN
from tests.laws.violations import Breach, breaks, does, repeated
from tests.laws.violations.rows import row, update


def transfer(**values: object) -> Breach:
    return lambda: row("core.Transfer", **values)


def like(other: Transfer, **values: object) -> dict[str, object]:
    """The columns of another transfer, with these beside them."""
    same = ("debit", "credit", "amount_fen", "code", "crosses_books", "business_date")
    return {**{name: getattr(other, name) for name in same}, **values}


# --- accounts

breaks("account_once")(repeated("core.Account", "book", "kind", "subject_type", "subject_id"))
breaks("account_code_once")(repeated("core.AccountCode", "kind", "book"))
breaks("account_normal_known")(
    lambda: {"insert": lambda: row("core.Account", normal="middle", may_go_below_zero=True)}
)
breaks("account_in_yuan")(lambda: {"insert": lambda: row("core.Account", currency="USD")})


@breaks("account_begins_empty")
def account_that_begins_full() -> dict[str, Breach]:
    return {
        f"insert: {side}": lambda side=side: row("core.Account", may_go_below_zero=True, **{side: 1})
        for side in (
            *("debits_posted_fen", "credits_posted_fen"),
            *("debits_pending_fen", "credits_pending_fen"),
        )
    }


@breaks("account_moves_by_transfers")
def balance_written_over() -> dict[str, Breach]:
    account = row("core.Account", may_go_below_zero=True)
    return {
        f"update: {side}": lambda side=side: update(account, **{side: 1})
        for side in (
            *("debits_posted_fen", "credits_posted_fen"),
            *("debits_pending_fen", "credits_pending_fen"),
        )
    }


@breaks("account_within_its_limit")
def more_taken_than_there_is() -> dict[str, Breach]:
    brought = row("core.Transfer")
    bank, capital = brought.debit, brought.credit
    spent = row("core.Account", book=bank.book, normal=Side.DEBIT)
    more = {"amount_fen": 101, "code": "test.out"}
    return {
        "insert: from a debit account": transfer(debit=spent, credit=bank, **more),
        "insert: from a credit account": transfer(
            debit=capital, credit=row("core.Account", book=bank.book), **more
        ),
        "insert: held": transfer(debit=spent, credit=bank, step="pending", **more),
    }


# --- transfers


@breaks("transfer_amount_positive")
def amount_that_cannot_be() -> dict[str, Breach]:
    return {
        "insert: nothing": transfer(amount_fen=0),
        "insert: less than nothing": lambda: transfer_in_debt(),
        "insert: more than any fund": transfer(amount_fen=MAX_FEN + 1),
    }


def transfer_in_debt() -> None:
    brought = row("core.Transfer")
    row("core.Transfer", **like(brought, amount_fen=-1))


breaks("transfer_in_yuan")(lambda: {"insert": transfer(currency="USD")})
breaks("transfer_has_key")(lambda: {"insert": transfer(key="")})
breaks("core_transfer_key_key")(repeated("core.Transfer", "key"))
breaks("transfer_step_known")(lambda: {"insert": transfer(step="nowhere")})


@breaks("transfer_between_two")
def to_itself() -> dict[str, Breach]:
    bank = row("core.Transfer").debit
    return {"insert": transfer(debit=bank, credit=bank)}


@breaks("transfer_shape")
def step_that_points_elsewhere() -> dict[str, Breach]:
    posted = row("core.Transfer")
    held = row("core.Transfer", **like(posted, step="pending"))
    other = row("core.User")
    return {
        "insert: direct, of a pending one": transfer(**like(held, pending=held)),
        "insert: pending, and a reversal": transfer(
            **like(
                posted, step="pending", reverses=posted, actor=other, debit=posted.credit, credit=posted.debit
            )
        ),
    }


@breaks("transfer_only_pending_expires")
def expiry_that_cannot_be() -> dict[str, Breach]:
    now = timezone.now()
    return {
        "insert: posted": transfer(expires_at=now + timedelta(days=1)),
        "insert: before it began": transfer(step="pending", expires_at=now - timedelta(days=1)),
    }


@breaks("transfer_not_of_tomorrow")
def of_tomorrow() -> dict[str, Breach]:
    return {"insert": transfer(business_date=timezone.localdate() + timedelta(days=1))}


@breaks("transfer_ends_pending_once")
def ended_twice() -> dict[str, Breach]:
    held = row("core.Transfer", step="pending")
    row("core.Transfer", **like(held, step="void", pending=held))
    return {"insert": transfer(**like(held, step="post", amount_fen=1, pending=held))}


@breaks("transfer_ends_pending")
def end_that_does_not_fit() -> dict[str, Breach]:
    now = timezone.now()
    yesterday = timezone.localdate() - timedelta(days=1)
    posted = row("core.Transfer", amount_fen=1000)
    held = row("core.Transfer", **like(posted, step="pending", amount_fen=100))
    expired = row(
        "core.Transfer",
        **{
            **like(held, step="pending", created_at=now - timedelta(days=2)),
            "business_date": timezone.localdate(now - timedelta(days=2)),
            "expires_at": now - timedelta(days=1),
        },
    )
    another = row("core.Account", book=posted.debit.book, normal=Side.DEBIT)

    def end(of: Transfer, step: str, **values: object) -> Callable[[], object]:
        return transfer(**{**like(of, step=step, pending=of), **values})

    return {
        "insert: of one that is posted": end(posted, "void"),
        "insert: another account": end(held, "post", debit=another),
        "insert: another code": end(held, "post", code="test.other"),
        "insert: over more": end(held, "post", amount_fen=101),
        "insert: a part of it given up": end(held, "void", amount_fen=99),
        "insert: before it": end(held, "post", business_date=yesterday),
        "insert: posted too late": end(expired, "post"),
        "insert: expired without a time": end(held, "expire"),
    }


@breaks("transfer_reversed_once")
def reversed_twice() -> dict[str, Breach]:
    posted, other = row("core.Transfer"), row("core.User")
    back = like(
        posted, step="reversal", reverses=posted, actor=other, debit=posted.credit, credit=posted.debit
    )
    row("core.Transfer", **back)
    row("core.Transfer", **like(posted))
    return {"insert": transfer(**back)}


@breaks("transfer_reverses_posted")
def reversal_that_does_not_fit() -> dict[str, Breach]:
    mine, other = row("core.User"), row("core.User")
    posted = row("core.Transfer", actor=mine, amount_fen=1000)
    held = row("core.Transfer", **like(posted, step="pending"))

    def back(of: Transfer, **values: object) -> Callable[[], object]:
        swapped = {"debit": of.credit, "credit": of.debit, "actor": other}
        return transfer(**{**like(of, step="reversal", reverses=of), **swapped, **values})

    return {
        "insert: of what is pending": back(held),
        "insert: the same way round": back(posted, debit=posted.debit, credit=posted.credit),
        "insert: another amount": back(posted, amount_fen=999),
        "insert: another code": back(posted, code="test.other"),
        "insert: before it": back(posted, business_date=posted.business_date - timedelta(days=1)),
        "insert: by who booked it": back(posted, actor=mine),
        "insert: by nobody": back(posted, actor=None),
    }


@breaks("transfer_of_one_book")
def from_book_to_book() -> dict[str, Breach]:
    one, other = row("core.Transfer"), row("core.Transfer")
    return {
        "insert: without saying so": transfer(debit=one.debit, credit=other.credit),
        "insert: saying so of one": transfer(debit=one.debit, credit=one.credit, crosses_books=True),
    }


@breaks("transfer_in_open_month")
def into_a_closed_month() -> dict[str, Breach]:
    one, other = row("core.Transfer"), row("core.Transfer")
    row("core.ClosedMonth", book=one.debit.book, month=date(2020, 5, 1))
    return {
        "insert: in it": transfer(debit=one.debit, credit=one.credit, business_date=date(2020, 5, 31)),
        "insert: before it": transfer(debit=one.debit, credit=one.credit, business_date=date(2020, 4, 30)),
        "insert: to another book": transfer(
            debit=other.debit, credit=one.credit, crosses_books=True, business_date=date(2020, 5, 1)
        ),
    }


# --- the chain and the months

breaks("core_transferseal_transfer_id_key")(repeated("core.TransferSeal", "transfer_id"))
breaks("core_book_code_key")(repeated("core.Book", "code"))
breaks("closed_month_begins_on_the_first")(
    lambda: {"insert": lambda: row("core.ClosedMonth", month=date(2020, 5, 2))}
)


@breaks("closed_month_is_over")
def month_that_goes_on() -> dict[str, Breach]:
    this = timezone.localdate().replace(day=1)
    return {
        "insert: this month": lambda: row("core.ClosedMonth", month=this),
        "insert: on its last day": lambda: row(
            "core.ClosedMonth", month=this, closed_at=timezone.make_aware(_last_moment(this))
        ),
    }


def _last_moment(month: date) -> datetime:
    following = (month + timedelta(days=32)).replace(day=1)
    return datetime.combine(following, time()) - timedelta(seconds=1)


@breaks("closed_month_in_order")
def month_left_out() -> dict[str, Breach]:
    book = row("core.ClosedMonth", month=date(2020, 5, 1)).book
    return {
        "insert: one later": lambda: row("core.ClosedMonth", book=book, month=date(2020, 7, 1)),
        "insert: one before": lambda: row("core.ClosedMonth", book=book, month=date(2020, 4, 1)),
    }


# --- triggers that refuse nothing


@does("transfer_begins_locked")
def given_its_number_while_accounts_are_held() -> bool:
    """Numbers and transactions are the database's, whatever is sent."""
    brought = row("core.Transfer")
    posted = row("core.Transfer", **like(brought, id=brought.pk + 1_000_000))
    stored = Transfer.objects.order_by("-id").first()
    return stored is not None and stored.key == posted.key and stored.pk == brought.pk + 1 and stored.xid > 0


@does("transfer_signs_itself")
def signed() -> bool:
    posted = row("core.Transfer", digest="x")
    return len(Transfer.objects.get(key=posted.key).digest) == 64


@does("transfer_moves_balances")
def balances_follow() -> bool:
    posted = row("core.Transfer", amount_fen=7)
    posted.debit.refresh_from_db()
    posted.credit.refresh_from_db()
    return posted.debit.balance_fen == posted.credit.balance_fen == 7
