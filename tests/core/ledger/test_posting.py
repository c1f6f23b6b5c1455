"""Booking: what moves, what is held, what is refused, and that nothing is booked twice or by halves."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from park_portal.core.audit.services import SYSTEM
from park_portal.core.errors import Conflict, DomainError, Forbidden
from park_portal.core.ledger.models import Account, Transfer
from park_portal.core.ledger.services import (
    Booking,
    NotEnough,
    account_of,
    book_all,
    expire_held,
    hold_transfer,
    post_held,
    post_transfer,
    reverse_transfer,
    void_held,
)
from park_portal.core.money import MAX_FEN
from tests.core.ledger.kinds import COME_IN, DEBT, GRANT, GRANTED, MOVED, PAID, Fund
from tests.factories.core import make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def fund():
    return Fund.with_capital(1000_00)


def hold(fund, amount_fen=400_00, **values):
    values = {"key": "hold-1", "about": fund.book, "actor": SYSTEM, **values}
    return hold_transfer(debit=fund.capital, credit=fund.grant, amount_fen=amount_fen, code=GRANTED, **values)


def test_transfer_moves_money_and_says_everything_of_itself(fund):
    actor = make_staff("finance")
    posted = fund.granted(250_00, key="grant-1", actor=actor, memo="R&D", on=timezone.localdate())
    assert fund.free() == {"bank": 1000_00, "capital": 750_00, "grant": 250_00}
    stored = Transfer.objects.with_standing().get(pk=posted.pk)
    assert (stored.step, stored.amount_fen, stored.code, stored.memo) == (
        "direct",
        250_00,
        "test.granted",
        "R&D",
    )
    assert (stored.debit, stored.credit, stored.actor, stored.key) == (
        fund.capital,
        fund.grant,
        actor,
        "grant-1",
    )
    assert (stored.subject_type, stored.subject_id) == ("core.book", str(fund.book.pk))
    assert (stored.standing, stored.digest, stored.xid) == ("posted", posted.digest, posted.xid)
    assert list(Transfer.objects.about(fund.book).values_list("key", flat=True))[:1] == ["grant-1"]


def test_same_key_moves_nothing_again(fund):
    first = fund.granted(250_00, key="grant-1")
    again = fund.granted(250_00, key="grant-1", memo="sent twice")
    assert (again.pk, again.memo, again.created_at) == (first.pk, "", first.created_at)
    assert fund.free()["grant"] == 250_00


@pytest.mark.parametrize(
    "other",
    [
        {"amount_fen": 250_01},
        {"code": PAID},
        {"on": date(2026, 1, 1)},
    ],
)
def test_used_key_with_other_content_is_refused(fund, other):
    values = {"amount_fen": 250_00, "code": GRANTED, "key": "grant-1", "about": fund.book, "actor": SYSTEM}
    post_transfer(debit=fund.capital, credit=fund.grant, **values)
    with pytest.raises(Conflict) as refused:
        post_transfer(debit=fund.capital, credit=fund.grant, **{**values, **other})
    assert refused.value.code == "key_used"
    assert "grant-1" in str(refused.value.problems[0].message)
    assert fund.free()["grant"] == 250_00


def test_replay_after_the_money_is_gone_still_returns_what_was_booked(fund):
    first = fund.granted(1000_00, key="all")
    assert fund.granted(1000_00, key="all").pk == first.pk


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (0, "more than nothing"),
        (-1, "more than nothing"),
        (1.5, "whole number of fen"),
        (Decimal("100.5"), "whole number of fen"),
        (True, "whole number of fen"),
        ("100", "whole number of fen"),
        (MAX_FEN + 1, "larger than any fund"),
    ],
)
def test_amount_that_cannot_be_is_refused_before_anything_moves(fund, settings, amount, said):
    from django.utils import translation

    with translation.override("en"), pytest.raises(DomainError) as refused:
        fund.granted(amount)
    assert said in str(refused.value)
    assert fund.free()["grant"] == 0


def test_other_currency_own_account_future_day_and_missing_key_are_refused(fund):
    good = Booking(fund.capital, fund.grant, 1, GRANTED, "k", fund.book)
    for wrong in (
        {"currency": "USD"},
        {"credit": fund.capital},
        {"on": timezone.localdate() + timedelta(days=1)},
        {"key": ""},
        {"key": "k" * 101},
        {"memo": "m" * 301},
    ):
        with pytest.raises(DomainError):
            book_all([Booking(**{**good.__dict__, **wrong})], actor=SYSTEM)
    assert Transfer.objects.filter(debit=fund.capital).count() == 0


def test_account_never_goes_below_zero_and_the_refusal_says_by_how_much(fund):
    with pytest.raises(NotEnough) as refused:
        fund.granted(1000_01)
    assert "¥1,000.00" in str(refused.value)
    assert "¥1,000.01" in str(refused.value)
    assert fund.free() == {"bank": 1000_00, "capital": 1000_00, "grant": 0}


def test_account_that_may_go_below_zero_does(fund):
    debt = account_of(fund.book, DEBT)
    fund.post(debt, fund.capital, 5, COME_IN)
    debt.refresh_from_db()
    assert (debt.balance_fen, debt.free_fen) == (-5, -5)


def test_what_is_held_is_not_free_for_others(fund):
    held = hold(fund)
    assert fund.free() == {"bank": 1000_00, "capital": 600_00, "grant": 0}
    account = Account.objects.get(pk=fund.grant.pk)
    assert (account.balance_fen, account.expected_fen, account.held_fen) == (0, 400_00, 0)
    with pytest.raises(NotEnough):
        fund.granted(600_01)
    fund.granted(600_00)
    post_held(held, actor=SYSTEM)
    assert fund.free() == {"bank": 1000_00, "capital": 0, "grant": 1000_00}
    assert list(Transfer.objects.waiting()) == []


def test_pending_transfer_is_posted_over_less_and_the_rest_is_free_again(fund):
    post_held(hold(fund), actor=SYSTEM, amount_fen=100_00)
    assert fund.free() == {"bank": 1000_00, "capital": 900_00, "grant": 100_00}


def test_pending_transfer_is_not_posted_over_more(fund):
    with pytest.raises(DomainError):
        post_held(hold(fund), actor=SYSTEM, amount_fen=400_01)
    assert fund.free()["capital"] == 600_00


@pytest.mark.parametrize(("first", "second"), [(post_held, void_held), (void_held, post_held)])
def test_pending_transfer_ends_once(fund, first, second):
    held = hold(fund)
    first(held, actor=SYSTEM)
    again = first(held, actor=SYSTEM)  # the second click
    with pytest.raises(DomainError) as refused:
        second(held, actor=SYSTEM)
    assert refused.value.code == "transfer_ends_pending_once"
    assert again.pk == Transfer.objects.get(pending=held).pk
    standing = Transfer.objects.with_standing().get(pk=held.pk).standing
    assert standing == {post_held: "posted", void_held: "voided"}[first]


def test_pending_transfer_expires_and_cannot_be_posted_then(fund):
    now = timezone.now()
    held = hold(fund, expires_at=now + timedelta(hours=1))
    later = hold(fund, 100_00, key="hold-2", expires_at=now + timedelta(hours=3))
    assert expire_held(now=now) == 0
    import time_machine

    with time_machine.travel(now + timedelta(hours=2)):
        with pytest.raises(DomainError):
            post_held(held, actor=SYSTEM)
        assert expire_held() == 1
        assert expire_held() == 0
    assert Transfer.objects.with_standing().get(pk=held.pk).standing == "expired"
    assert list(Transfer.objects.waiting()) == [later]
    assert fund.free()["capital"] == 900_00


def test_reversal_takes_back_once_and_by_somebody_else(fund):
    booker, other, officer = make_staff("finance"), make_staff("finance"), make_staff("officer")
    posted = fund.granted(250_00, actor=booker)
    with pytest.raises(Forbidden):
        reverse_transfer(posted, actor=officer, reason="wrong account")
    with pytest.raises(DomainError) as refused:
        reverse_transfer(posted, actor=booker, reason="wrong account")
    assert refused.value.code == "transfer_reverses_posted"
    back = reverse_transfer(posted, actor=other, reason="wrong account")
    assert (back.reverses_id, back.amount_fen, back.memo) == (posted.pk, 250_00, "wrong account")
    assert (back.debit, back.credit) == (posted.credit, posted.debit)
    assert fund.free() == {"bank": 1000_00, "capital": 1000_00, "grant": 0}
    assert reverse_transfer(posted, actor=other, reason="wrong account").pk == back.pk
    assert Transfer.objects.with_standing().get(pk=posted.pk).standing == "reversed"


def test_reversal_of_what_was_spent_meanwhile_is_refused(fund):
    posted = fund.granted(250_00, actor=make_staff("finance"))
    fund.paid(1)
    with pytest.raises(NotEnough):
        reverse_transfer(posted, actor=make_staff("finance"), reason="too late")


def test_books_do_not_mix_but_by_a_transfer_that_says_so(fund):
    other = Fund.with_capital(10_00)
    with pytest.raises(DomainError):
        fund.post(other.grant, fund.bank, 1, PAID)
    with pytest.raises(DomainError):
        fund.post(fund.grant, fund.bank, 1, MOVED)
    moved = fund.post(other.bank, fund.bank, 1, MOVED)
    assert moved.crosses_books
    assert (fund.free()["bank"], other.free()["bank"]) == (1000_00 - 1, 10_01)


# --- many at once


def payments(fund, amounts, *, first=1):
    grants = [account_of(fund.book, GRANT, row) for row in [fund.book]]
    return [
        Booking(fund.capital, grants[0], amount, GRANTED, f"line-{place}", fund.book)
        for place, amount in enumerate(amounts, start=first)
    ]


def test_batch_is_booked_whole_in_its_order(fund):
    booked = book_all(payments(fund, [1, 2, 3]), actor=SYSTEM)
    assert [row.amount_fen for row in booked] == [1, 2, 3]
    assert [row.pk for row in booked] == sorted(row.pk for row in booked)
    assert fund.free()["grant"] == 6


def test_batch_with_one_wrong_line_books_nothing_and_names_the_line(fund):
    with pytest.raises(DomainError) as refused:
        book_all(payments(fund, [1, -2, 3, 0]), actor=SYSTEM)
    assert [problem.anchor for problem in refused.value.problems] == ["2", "4"]
    assert "2" in str(refused.value)
    with pytest.raises(DomainError) as twice:
        book_all([*payments(fund, [1]), *payments(fund, [1])], actor=SYSTEM)
    assert [problem.anchor for problem in twice.value.problems] == ["2"]
    assert fund.free()["grant"] == 0


def test_batch_that_is_too_much_books_nothing(fund):
    with pytest.raises(NotEnough):
        book_all(payments(fund, [600_00, 400_01]), actor=SYSTEM)
    assert fund.free()["grant"] == 0


def test_batch_may_bring_what_it_takes_away(fund):
    book_all(
        [
            Booking(fund.grant, fund.bank, 1000_00, PAID, "out", fund.book),
            Booking(fund.capital, fund.grant, 1000_00, GRANTED, "in", fund.book),
        ],
        actor=SYSTEM,
    )
    assert fund.free() == {"bank": 0, "capital": 0, "grant": 0}


def test_batch_sent_again_books_only_what_is_new(fund):
    first = book_all(payments(fund, [1, 2]), actor=SYSTEM)
    again = book_all(payments(fund, [1, 2, 3]), actor=SYSTEM)
    assert [row.pk for row in again[:2]] == [row.pk for row in first]
    assert fund.free()["grant"] == 6
    with pytest.raises(Conflict) as refused:
        book_all(payments(fund, [1, 5, 3, 4]), actor=SYSTEM)
    assert [problem.anchor for problem in refused.value.problems] == ["2"]
    assert fund.free()["grant"] == 6


# --- past the services


def test_rows_cannot_be_changed_or_deleted_by_anybody(fund):
    posted = fund.granted(5)
    for statement in (
        "UPDATE core_transfer SET amount_fen = 6 WHERE id = %s",
        "DELETE FROM core_transfer WHERE id = %s",
        "UPDATE core_account SET credits_posted_fen = 9 WHERE id = %s",
    ):
        key = fund.grant.pk if "account" in statement else posted.pk
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [key])
    assert fund.free()["grant"] == 5
