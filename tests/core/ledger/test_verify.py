"""What somebody does past the portal, with every right in the database, is found and named."""

from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from park_portal.core.audit.services import SYSTEM
from park_portal.core.ledger.models import Transfer, TransferSeal
from park_portal.core.ledger.services import (
    Booking,
    book_all,
    close_month,
    hold_transfer,
    post_held,
    reverse_transfer,
    seal_transfers,
    verify_ledger,
)
from park_portal.core.ledger.sql import signature
from tests.core.ledger.kinds import COME_IN, GRANTED, Fund
from tests.factories import number
from tests.factories.core import make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def fund():
    """A book in which all of it happened: posted, held, posted in part, given up, reversed, a month closed, sealed."""
    fund = Fund.with_capital(1000_00)
    one, other = make_staff("finance"), make_staff("finance")
    fund.post(fund.bank, fund.capital, 500_00, COME_IN, on=date(2026, 3, 15))
    fund.granted(300_00, actor=one, on=date(2026, 4, 1))
    wrong = fund.granted(7_00, actor=one)
    reverse_transfer(wrong, actor=other, reason="typed wrong")
    fund.paid(100_00)
    held = hold_transfer(
        debit=fund.capital,
        credit=fund.grant,
        amount_fen=200_00,
        code=GRANTED,
        key="held",
        about=fund.book,
        actor=one,
    )
    post_held(held, actor=other, amount_fen=150_00)
    close_month(fund.book, month=date(2026, 3, 1), actor=other)
    while seal_transfers():
        pass
    return fund


def unguarded(statement, *values, replica=True):
    """Do as a superuser does: with triggers off."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)
        assert cursor.rowcount != 0, "nothing was touched"
        cursor.execute("SET LOCAL session_replication_role = origin")


def found():
    return [(finding.table, finding.row) for finding in verify_ledger().findings]


def middle():
    """A transfer in the middle of the chain."""
    return Transfer.objects.order_by("id")[3]


def test_untouched_ledger_holds(fund):
    verdict = verify_ledger()
    assert verdict.findings == []
    assert (verdict.transfers, verdict.sealed, verdict.unsealed) == (8, 8, 0)
    assert verdict.debits_fen == verdict.credits_fen == (1000 + 500 + 300 + 7 + 7 + 100 + 150) * 100
    out = StringIO()
    call_command("verify_ledger", stdout=out)
    assert "8 transfers" in out.getvalue()
    assert verdict.head in out.getvalue()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("amount_fen", 1),
        ("memo", "something else"),
        ("business_date", date(2026, 10, 1)),
        ("actor_id", None),
        ("code", "test.paid"),
        ("subject_id", "999"),
        ("key", "another"),
        ("created_at", "2030-01-01T00:00:00Z"),
    ],
)
def test_edit_of_any_column_is_found(fund, column, value):
    row = middle()
    unguarded(f"UPDATE core_transfer SET {column} = %s WHERE id = %s", value, row.pk)
    assert ("transfer", row.pk) in found()


def test_edit_with_a_fingerprint_made_to_fit_is_found_by_the_chain(fund):
    row = middle()
    unguarded("UPDATE core_transfer SET memo = 'x' WHERE id = %s", row.pk)
    unguarded(f"UPDATE core_transfer t SET digest = {signature('t')} WHERE id = %s", row.pk)
    assert found() == [("transfer", row.pk)]
    assert "sealed" in verify_ledger().findings[0].why


def test_edit_of_a_row_that_is_not_sealed_yet_is_found(fund):
    row = fund.granted(5)
    unguarded("UPDATE core_transfer SET memo = 'x' WHERE id = %s", row.pk)
    assert found() == [("transfer", row.pk)]


def test_deletion_is_found(fund):
    row = Transfer.objects.get(code="test.paid")
    unguarded("DELETE FROM core_transfer WHERE id = %s", row.pk)
    assert ("transfer", row.pk) in found()
    with pytest.raises(CommandError) as refused:
        call_command("verify_ledger")
    assert f"transfer {row.pk}: it was sealed and is gone" in str(refused.value)


def test_deletion_of_a_row_that_is_not_sealed_yet_is_found(fund):
    row = fund.granted(5)
    unguarded("DELETE FROM core_transfer WHERE id = %s", row.pk)
    assert [finding.table for finding in verify_ledger().findings] == ["account"]


def test_swap_of_two_rows_is_found(fund):
    first, second = Transfer.objects.order_by("id")[2:4]
    # Each takes the other's number, with everything else as it was.
    unguarded("UPDATE core_transfer SET id = -1 WHERE id = %s", first.pk)
    unguarded("UPDATE core_transfer SET id = %s WHERE id = %s", first.pk, second.pk)
    unguarded("UPDATE core_transfer SET id = %s WHERE id = -1", second.pk)
    assert ("transfer", first.pk) in found()


def test_swap_with_fingerprints_made_to_fit_is_found(fund):
    first, second = Transfer.objects.order_by("id")[2:4]
    unguarded("UPDATE core_transfer SET memo = 'b' WHERE id = %s", first.pk)
    for row in (first, second):
        unguarded(f"UPDATE core_transfer t SET digest = {signature('t')} WHERE id = %s", row.pk)
    assert ("transfer", first.pk) in found()


def test_balance_written_over_is_found(fund):
    unguarded(
        "UPDATE core_account SET credits_posted_fen = credits_posted_fen + 1 WHERE id = %s", fund.grant.pk
    )
    assert found() == [("account", fund.grant.pk)]


def test_row_slipped_in_is_found_by_the_replay(fund):
    """Somebody pays more than there is, with a fingerprint that fits."""
    unguarded(
        """
        INSERT INTO core_transfer (step, debit_id, credit_id, amount_fen, currency, code, crosses_books, subject_type,
            subject_id, key, memo, business_date, created_at, xid, digest)
        VALUES ('direct', %s, %s, 999999999, 'CNY', 'test.paid', false, 'core.book', '1', 'slipped', '',
            '2026-05-01', now(), 1, '')
        """,
        fund.grant.pk,
        fund.bank.pk,
    )
    row = Transfer.objects.get(key="slipped")
    unguarded(f"UPDATE core_transfer t SET digest = {signature('t')} WHERE id = %s", row.pk)
    assert found()[:1] == [("transfer", row.pk)]
    assert "below its limit" in verify_ledger().findings[0].why


def test_row_slipped_into_a_closed_month_is_found(fund):
    row = fund.granted(5)
    unguarded("UPDATE core_transfer SET business_date = '2026-03-31' WHERE id = %s", row.pk)
    unguarded(f"UPDATE core_transfer t SET digest = {signature('t')} WHERE id = %s", row.pk)
    assert found() == [("transfer", row.pk)]


def test_clock_that_is_ahead_does_not_make_a_booking_late(fund):
    """Who books waits for nobody, who closes waits for all: the one may have looked at the clock after the other."""
    row = fund.granted(5, on=date(2026, 4, 30))
    unguarded("UPDATE core_transfer SET created_at = created_at + interval '1 hour' WHERE id = %s", row.pk)
    unguarded(f"UPDATE core_transfer t SET digest = {signature('t')} WHERE id = %s", row.pk)
    close_month(fund.book, month=date(2026, 4, 1), actor=make_staff("finance"))
    assert found() == []


def test_link_taken_out_of_the_chain_is_found(fund):
    unguarded("DELETE FROM core_transferseal WHERE position = 4")
    assert found() == [("seal", 4)]


def test_cut_at_the_end_is_found_with_a_head_kept_outside(fund):
    head = verify_ledger().head
    fund.granted(5)
    while seal_transfers():
        pass
    assert verify_ledger(expected_head=head).intact
    last = TransferSeal.objects.order_by("-position").first()
    later = verify_ledger().head
    unguarded("DELETE FROM core_transferseal WHERE position = %s", last.position)
    assert verify_ledger().intact
    assert [str(one) for one in verify_ledger(expected_head=later).findings] == [
        "chain: it does not contain the expected head"
    ]


@pytest.mark.parametrize(
    ("statement", "guard"),
    [
        ("ALTER TABLE core_transfer DISABLE TRIGGER USER", "transfer_append_only"),
        ("ALTER TABLE core_account DROP CONSTRAINT account_within_its_limit", "account_within_its_limit"),
        ("DROP INDEX transfer_reversed_once", "transfer_reversed_once"),
    ],
)
def test_guard_that_is_gone_or_off_is_found(fund, statement, guard):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement)
    assert ("guard", guard) in found()


def test_rows_of_one_transaction_may_pass_the_limit_between_them(fund):
    other = Fund.with_capital(1)
    book_all(
        [
            Booking(other.capital, other.grant, 1, GRANTED, f"t-{number()}", other.book),
            Booking(other.grant, other.bank, 1, GRANTED, f"t-{number()}", other.book),
        ],
        actor=SYSTEM,
    )
    assert verify_ledger().findings == []
