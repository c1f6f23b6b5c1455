"""What the database does with a transfer, as the bodies of its triggers.

PostgreSQL runs triggers of one moment in the order of their names: a transfer first locks its accounts and is given its
number (``transfer_begins_locked``), then it is looked at, and last it is signed (``transfer_signs_itself``). Because the
number is given while the accounts are held, the numbers of an account's transfers follow the order in which they
happened, and whoever replays them finds every balance as it was.
"""

from __future__ import annotations

from typing import Final

# Any constant will do, as long as no other advisory lock begins with it; the second half is the book.
MONTH_LOCK: Final = 0x1ED6

_REFUSE = "USING ERRCODE = 'check_violation', CONSTRAINT = '{name}';"


def refuse(name: str, text: str, *values: str) -> str:
    """Return the statement that refuses a row by the rule of this name."""
    said = ", ".join([f"'{text}'", *values])
    return f"RAISE EXCEPTION {said} {_REFUSE.format(name=name)}"


BEGIN_LOCKED: Final = """
    PERFORM 1 FROM core_account WHERE id IN (NEW.debit_id, NEW.credit_id) ORDER BY id FOR NO KEY UPDATE;
    NEW.id := nextval('core_transfer_id_seq');
    NEW.xid := pg_current_xact_id()::text::bigint;
    RETURN NEW;
"""

ENDS_PENDING: Final = f"""
    SELECT * INTO held FROM core_transfer WHERE id = NEW.pending_id;
    IF NOT FOUND OR held.step <> 'pending' THEN
        {refuse("transfer_ends_pending", "transfer % is not pending", "NEW.pending_id")}
    END IF;
    IF (held.debit_id, held.credit_id, held.code, held.crosses_books)
        IS DISTINCT FROM (NEW.debit_id, NEW.credit_id, NEW.code, NEW.crosses_books) THEN
        {refuse("transfer_ends_pending", "not the accounts and the code of pending transfer %", "NEW.pending_id")}
    END IF;
    IF NEW.amount_fen > held.amount_fen OR (NEW.step <> 'post' AND NEW.amount_fen <> held.amount_fen) THEN
        {refuse("transfer_ends_pending", "pending transfer % is over %", "NEW.pending_id", "held.amount_fen")}
    END IF;
    IF NEW.business_date < held.business_date OR NEW.created_at < held.created_at THEN
        {refuse("transfer_ends_pending", "before pending transfer %", "NEW.pending_id")}
    END IF;
    IF NEW.step = 'post' AND held.expires_at <= NEW.created_at THEN
        {refuse("transfer_ends_pending", "pending transfer % has expired", "NEW.pending_id")}
    END IF;
    IF NEW.step = 'expire' AND (held.expires_at IS NULL OR held.expires_at > NEW.created_at) THEN
        {refuse("transfer_ends_pending", "pending transfer % has not expired", "NEW.pending_id")}
    END IF;
    RETURN NEW;
"""

# Looked at for a whole statement at once. Who closes a month waits for what is being booked and the other way round.
IN_OPEN_MONTH: Final = f"""
    FOR one, earliest IN
        SELECT a.book_id, min(n.business_date) FROM added n JOIN core_account a ON a.id IN (n.debit_id, n.credit_id)
        GROUP BY a.book_id ORDER BY a.book_id
    LOOP
        PERFORM pg_advisory_xact_lock_shared({MONTH_LOCK}, one::integer);
        SELECT max(month) INTO closed FROM core_closedmonth WHERE book_id = one;
        IF earliest < closed + INTERVAL '1 month' THEN
            {refuse("transfer_in_open_month", "book % is closed up to %", "one", "closed")}
        END IF;
    END LOOP;
    RETURN NULL;
"""

OF_ONE_BOOK: Final = f"""
    SELECT n.id INTO wrong FROM added n
    JOIN core_account d ON d.id = n.debit_id JOIN core_account c ON c.id = n.credit_id
    WHERE n.crosses_books <> (d.book_id <> c.book_id) LIMIT 1;
    IF FOUND THEN
        {refuse("transfer_of_one_book", "transfer % says otherwise of its books than its accounts", "wrong")}
    END IF;
    RETURN NULL;
"""

REVERSES_POSTED: Final = f"""
    SELECT * INTO held FROM core_transfer WHERE id = NEW.reverses_id;
    IF NOT FOUND OR held.step NOT IN ('direct', 'post') THEN
        {refuse("transfer_reverses_posted", "transfer % was not posted", "NEW.reverses_id")}
    END IF;
    IF (held.debit_id, held.credit_id, held.amount_fen, held.code, held.crosses_books)
        IS DISTINCT FROM (NEW.credit_id, NEW.debit_id, NEW.amount_fen, NEW.code, NEW.crosses_books) THEN
        {refuse("transfer_reverses_posted", "not the reverse of transfer %", "NEW.reverses_id")}
    END IF;
    IF NEW.business_date < held.business_date OR NEW.created_at < held.created_at THEN
        {refuse("transfer_reverses_posted", "before transfer %", "NEW.reverses_id")}
    END IF;
    IF NEW.actor_id IS NULL OR NEW.actor_id = held.actor_id THEN
        {refuse("transfer_reverses_posted", "transfer % is reversed by somebody else", "NEW.reverses_id")}
    END IF;
    RETURN NEW;
"""


def signature(row: str) -> str:
    """Return the SQL of the fingerprint of a transfer: 64 hexadecimal digits of SHA-256 over all its columns."""
    columns = (
        *("id", "step", "debit_id", "credit_id", "amount_fen", "currency", "code", "crosses_books"),
        *("pending_id", "reverses_id", "subject_type", "subject_id", "key", "actor_id", "memo"),
    )
    values = [f"{row}.{column}" for column in columns]
    values.append(f"to_char({row}.business_date, 'YYYY-MM-DD')")
    # A moment as text would depend on the session's time zone.
    values += [f"extract(epoch FROM {row}.{moment})::text" for moment in ("expires_at", "created_at")]
    values.append(f"{row}.xid")
    return f"encode(sha256(convert_to(json_build_array({', '.join(values)})::text, 'UTF8')), 'hex')"


SIGN: Final = f"NEW.digest := {signature('NEW')}; RETURN NEW;"

# One UPDATE an account and statement: ten thousand payments from one bank account move it once. Whether an account may
# be where this leaves it is said by its own check, account_within_its_limit.
MOVE_BALANCES: Final = """
    UPDATE core_account a SET
        debits_posted_fen = a.debits_posted_fen + m.debits_posted,
        credits_posted_fen = a.credits_posted_fen + m.credits_posted,
        debits_pending_fen = a.debits_pending_fen + m.debits_pending,
        credits_pending_fen = a.credits_pending_fen + m.credits_pending
    FROM (
        SELECT account_id,
            coalesce(sum(posted) FILTER (WHERE is_debit), 0) AS debits_posted,
            coalesce(sum(posted) FILTER (WHERE NOT is_debit), 0) AS credits_posted,
            coalesce(sum(pending) FILTER (WHERE is_debit), 0) AS debits_pending,
            coalesce(sum(pending) FILTER (WHERE NOT is_debit), 0) AS credits_pending
        FROM (
            SELECT s.account_id, s.is_debit,
                CASE WHEN n.step IN ('direct', 'post', 'reversal') THEN n.amount_fen ELSE 0 END AS posted,
                CASE WHEN n.step = 'pending' THEN n.amount_fen
                     WHEN n.step IN ('post', 'void', 'expire') THEN -p.amount_fen ELSE 0 END AS pending
            FROM added n
            LEFT JOIN core_transfer p ON p.id = n.pending_id
            CROSS JOIN LATERAL (VALUES (n.debit_id, true), (n.credit_id, false)) AS s (account_id, is_debit)
        ) moves
        GROUP BY account_id
    ) m
    WHERE a.id = m.account_id;
    RETURN NULL;
"""

MONTH_IN_ORDER: Final = f"""
    PERFORM pg_advisory_xact_lock({MONTH_LOCK}, NEW.book_id::integer);
    SELECT max(month) INTO closed FROM core_closedmonth WHERE book_id = NEW.book_id;
    IF closed IS NOT NULL AND NEW.month <> closed + INTERVAL '1 month' THEN
        {refuse("closed_month_in_order", "book % is closed up to %", "NEW.book_id", "closed")}
    END IF;
    -- Whoever books waits from here on, so this is the last one that was booked while the month was open.
    SELECT coalesce(max(t.id), 0) INTO NEW.last_transfer FROM core_transfer t
    WHERE EXISTS (SELECT 1 FROM core_account a WHERE a.book_id = NEW.book_id AND a.id IN (t.debit_id, t.credit_id));
    RETURN NEW;
"""
