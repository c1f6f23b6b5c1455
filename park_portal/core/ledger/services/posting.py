"""Booking: the only way in which money moves. Each call is one statement that is done whole or not at all.

A key makes a booking safe to repeat: the same key with the same content returns what was booked the first time, with
other content it is refused. The trail of a transfer is the transfer itself, which says who, when, what for; no audit entry
is written beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from park_portal.core.audit.services import SYSTEM, Actor
from park_portal.core.errors import Conflict, DomainError, Problem, Text
from park_portal.core.ledger.models import Account, Transfer
from park_portal.core.ledger.registry import TransferCode, kind_label
from park_portal.core.ledger.services.subjects import Subject, type_of
from park_portal.core.ledger.states import CNY, ENDS, Side, Step
from park_portal.core.money import MAX_FEN, format_yuan
from park_portal.core.workflow import require

KEY_LENGTH: Final = 100  # of those that callers give; what ends or reverses a transfer adds a word to its key
_KEYS_AT_ONCE: Final = 5000


class NotEnough(DomainError):
    """An account has less than would be taken from it."""

    status = 409
    code = "not_enough"
    default = gettext_lazy("There is not enough left for this.")


@dataclass(frozen=True)
class Booking:
    """One transfer to be booked: ``amount_fen`` fen from ``credit`` to ``debit``, for ``about``, known by ``key``.

    ``on`` is the business date, today in Shanghai if omitted.
    """

    debit: Account
    credit: Account
    amount_fen: int
    code: TransferCode
    key: str
    about: models.Model | Subject
    memo: str = ""
    on: date | None = None
    currency: str = CNY
    step: str = Step.DIRECT
    pending_id: int | None = None
    reverses_id: int | None = None
    expires_at: datetime | None = None

    @property
    def crosses_books(self) -> bool:
        return self.debit.book_id != self.credit.book_id


def post_transfer(
    *,
    debit: Account,
    credit: Account,
    amount_fen: int,
    code: TransferCode,
    key: str,
    about: models.Model,
    actor: Actor,
    memo: str = "",
    on: date | None = None,
) -> Transfer:
    """Move ``amount_fen`` fen from ``credit`` to ``debit`` and return the transfer; the same ``key`` moves nothing again.

    Raises ``NotEnough`` when an account would pass its limit, ``Conflict`` when the key stands for another transfer,
    ``DomainError`` for an amount, a date or a pair of accounts that cannot be.
    """
    return book_all([Booking(debit, credit, amount_fen, code, key, about, memo, on)], actor=actor)[0]


def hold_transfer(
    *,
    debit: Account,
    credit: Account,
    amount_fen: int,
    code: TransferCode,
    key: str,
    about: models.Model,
    actor: Actor,
    memo: str = "",
    on: date | None = None,
    expires_at: datetime | None = None,
) -> Transfer:
    """Hold ``amount_fen`` fen for a transfer that is posted, voided or expires later; raises as ``post_transfer``."""
    booking = Booking(
        debit, credit, amount_fen, code, key, about, memo, on, step=Step.PENDING, expires_at=expires_at
    )
    return book_all([booking], actor=actor)[0]


def post_held(
    held: Transfer,
    *,
    actor: Actor,
    amount_fen: int | None = None,
    on: date | None = None,
    memo: str = "",
) -> Transfer:
    """Post a pending transfer, over all of it or over ``amount_fen`` fen (the rest is free again); return what was posted.

    Raises ``DomainError`` when it was posted, voided or has expired, or over more than it holds.
    """
    amount = held.amount_fen if amount_fen is None else amount_fen
    return book_all([_end(held, Step.POST, amount, on, memo)], actor=actor)[0]


def void_held(held: Transfer, *, actor: Actor, on: date | None = None, memo: str = "") -> Transfer:
    """Give up a pending transfer: what it held is free again. Raises as ``post_held``."""
    return book_all([_end(held, Step.VOID, held.amount_fen, on, memo)], actor=actor)[0]


def expire_held(*, now: datetime | None = None, limit: int = 500) -> int:
    """Let pending transfers whose time has passed expire, at most ``limit``; return how many did."""
    moment = now or timezone.now()
    due = (
        Transfer.objects.waiting()
        .filter(expires_at__lte=moment)
        .select_related("debit", "credit")
        .order_by("expires_at", "id")[:limit]
    )
    done = 0
    for held in due:
        try:
            book_all([_end(held, Step.EXPIRE, held.amount_fen, None, "")], actor=SYSTEM)
        except AlreadyEnded:
            continue  # somebody voided it meanwhile
        done += 1
    return done


def reverse_transfer(transfer: Transfer, *, actor: Actor, reason: str, on: date | None = None) -> Transfer:
    """Take a posted transfer back by one the other way round, with its ``reason``; return the reversal.

    Whoever booked it cannot take it back. Raises ``DomainError`` when it moves no money or was reversed before.
    """
    require(actor, "core.reverse_transfer", transfer)
    return book_all([reversal_of(transfer, reason=reason, on=on)], actor=actor)[0]


def refuse_irreversible(transfer: Transfer, actor: Actor) -> None:
    """Raise ``DomainError`` where a reversal of ``transfer`` by ``actor`` would be refused, as far as is known now."""
    if transfer.step not in (Step.DIRECT, Step.POST) or transfer.actor_id == actor.pk:
        raise DomainError(_SAID["transfer_reverses_posted"][1], code="transfer_reverses_posted")
    if Transfer.objects.filter(reverses_id=transfer.pk).exists():
        raise DomainError(_SAID["transfer_reversed_once"][1], code="transfer_reversed_once")
    refused = _not_enough([reversal_of(transfer, reason="")])
    if refused.problems:
        raise refused


def reversal_of(transfer: Transfer, *, reason: str, on: date | None = None) -> Booking:
    """Return the booking that takes ``transfer`` back."""
    return Booking(
        debit=transfer.credit,
        credit=transfer.debit,
        amount_fen=transfer.amount_fen,
        code=TransferCode(transfer.code, "", transfer.crosses_books),
        key=f"{transfer.key}/reversal",
        about=Subject.of(transfer),
        memo=reason,
        on=on,
        step=Step.REVERSAL,
        reverses_id=transfer.pk,
    )


def posting_of(held: Transfer, *, on: date | None = None, memo: str = "") -> Booking:
    """Return the booking that posts all of a pending transfer, to be booked with others by ``book_all``."""
    return _end(held, Step.POST, held.amount_fen, on, memo)


def _end(held: Transfer, step: str, amount: int, on: date | None, memo: str) -> Booking:
    return Booking(
        debit=held.debit,
        credit=held.credit,
        amount_fen=amount,
        code=TransferCode(held.code, "", held.crosses_books),
        key=f"{held.key}/{step}",
        about=Subject.of(held),
        memo=memo or held.memo,
        on=on,
        step=step,
        pending_id=held.pk,
    )


# --- the one statement

_COLUMNS: Final = (
    ("step", "text"),
    ("debit_id", "bigint"),
    ("credit_id", "bigint"),
    ("amount_fen", "bigint"),
    ("currency", "text"),
    ("code", "text"),
    ("crosses_books", "boolean"),
    ("pending_id", "bigint"),
    ("reverses_id", "bigint"),
    ("subject_type", "text"),
    ("subject_id", "text"),
    ("key", "text"),
    ("memo", "text"),
    ("business_date", "date"),
    ("expires_at", "timestamptz"),
)
_NAMES: Final = ", ".join(name for name, _type in _COLUMNS)
# The number, the transaction and the fingerprint are given by the triggers; zero and nothing stand in for them.
_REST: Final = "actor_id, created_at, xid, digest"
_ONE: Final = f"""
    INSERT INTO core_transfer (id, {_NAMES}, {_REST})
    SELECT 0, {", ".join(f"%s::{kind}" for _name, kind in _COLUMNS)}, %s::bigint, %s::timestamptz, 0, ''
    WHERE NOT EXISTS (SELECT 1 FROM core_transfer WHERE key = %s)
    ON CONFLICT (key) DO NOTHING
    RETURNING id, key, xid, digest
"""
_MANY: Final = f"""
    INSERT INTO core_transfer (id, {_NAMES}, {_REST})
    SELECT 0, {", ".join(f"v.{name}" for name, _type in _COLUMNS)}, %s::bigint, %s::timestamptz, 0, ''
    FROM unnest({", ".join(f"%s::{kind}[]" for _name, kind in _COLUMNS)}) WITH ORDINALITY AS v ({_NAMES}, place)
    WHERE NOT EXISTS (SELECT 1 FROM core_transfer t WHERE t.key = v.key)
    ORDER BY v.place
    ON CONFLICT (key) DO NOTHING
    RETURNING id, key, xid, digest
"""
_LOCK: Final = "SELECT 1 FROM core_account WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"


def book_all(bookings: Sequence[Booking], *, actor: Actor) -> list[Transfer]:
    """Book all of these or none, in this order, and return their transfers in it.

    Limits are looked at once all are booked, so that one may bring what the next takes away. Raises as ``post_transfer``,
    with a problem for each booking at fault whose ``anchor`` is its place in the list, from 1 on.
    """
    if not bookings:
        return []
    now = timezone.now()
    today = timezone.localdate(now)
    refuse_bad_input(bookings, today)
    rows = [_row(one, today) for one in bookings]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            if len(rows) == 1:
                cursor.execute(_ONE, [*rows[0], actor.pk, now, bookings[0].key])
            else:
                cursor.execute(_LOCK, [sorted({pk for row in rows for pk in row[1:3]})])
                cursor.execute(_MANY, [actor.pk, now, *(list(column) for column in zip(*rows, strict=True))])
            written = {key: (pk, xid, digest) for pk, key, xid, digest in cursor.fetchall()}
            found = {}
            if len(written) < len(bookings):
                found = _booked_before([one for one in bookings if one.key not in written])
    except IntegrityError as error:
        raise _refusal(error, bookings) from error
    return [
        found[one.key] if one.key in found else _made(one, row, written[one.key], actor, now)
        for one, row in zip(bookings, rows, strict=True)
    ]


def _row(one: Booking, today: date) -> tuple[Any, ...]:
    """Return the values of ``_COLUMNS``."""
    return (
        *(str(one.step), one.debit.pk, one.credit.pk, one.amount_fen, one.currency, one.code.name),
        *(one.crosses_books, one.pending_id, one.reverses_id),
        *(type_of(one.about), str(one.about.pk), one.key, one.memo, one.on or today, one.expires_at),
    )


def _made(
    one: Booking, row: tuple[Any, ...], given: tuple[int, int, str], actor: Actor, now: datetime
) -> Transfer:
    pk, xid, digest = given
    values = dict(zip((name for name, _type in _COLUMNS), row, strict=True))
    transfer = Transfer(id=pk, **values, actor_id=actor.pk, created_at=now, xid=xid, digest=digest)
    transfer.debit, transfer.credit = one.debit, one.credit
    transfer._state.adding, transfer._state.db = False, connection.alias
    return transfer


def _booked_before(bookings: Sequence[Booking]) -> dict[str, Transfer]:
    """Return what these keys stand for; ``Conflict`` where that is another transfer than is asked for now."""
    keys = [one.key for one in bookings]
    found = {
        row.key: row
        for start in range(0, len(keys), _KEYS_AT_ONCE)
        for row in Transfer.objects.select_related("debit", "credit").filter(
            key__in=keys[start : start + _KEYS_AT_ONCE]
        )
    }
    others = [
        Problem(_("“%(key)s” stands for another transfer.") % {"key": one.key}, anchor=str(place))
        for place, one in enumerate(bookings, start=1)
        if not _is_same(found[one.key], one)
    ]
    if others:
        raise Conflict(
            _("This was booked before with another amount or other accounts. Nothing was booked."),
            code="key_used",
            problems=others,
        )
    return found


def _is_same(row: Transfer, one: Booking) -> bool:
    asked = _row(one, one.on or row.business_date)
    held = tuple(getattr(row, name) for name, _type in _COLUMNS)
    # Words may differ in what is sent again, and so may a moment of expiry that is counted from now.
    told = {"memo", "expires_at"}
    return all(a == b for (name, _type), a, b in zip(_COLUMNS, asked, held, strict=True) if name not in told)


# --- what is refused


class AlreadyEnded(DomainError):
    """A pending transfer was posted, voided or has expired before."""

    status = 409
    code = "not_pending"
    default = gettext_lazy("This amount is no longer held: it was posted, given up or has expired.")


def problem_of(one: Booking, today: date) -> Text | None:
    """Return what is wrong with a booking as far as it can be told without asking the database."""
    amount = one.amount_fen
    if isinstance(amount, bool) or not isinstance(amount, int):
        return _("An amount is a whole number of fen.")
    if amount <= 0:
        return _("An amount must be more than nothing.")
    if amount > MAX_FEN:
        return _("This amount is larger than any fund of the park.")
    if not one.currency == CNY == one.debit.currency == one.credit.currency:
        return _("Only RMB can be booked, not %(currency)s.") % {"currency": one.currency}
    if one.debit.pk == one.credit.pk:
        return _("Money cannot be moved from an account to itself.")
    if one.crosses_books != one.code.crosses:
        if one.crosses_books:
            return _("Money of one fund cannot be booked into another in this way.")
        return _("This kind of transfer leads from one fund to another.")
    if (one.on or today) > today:
        return _("The business date is in the future.")
    most = KEY_LENGTH if one.pending_id is None and one.reverses_id is None else KEY_LENGTH + 20
    if not one.key or len(one.key) > most:
        return _("A booking needs a key of 1 to %(most)d characters.") % {"most": most}
    if len(one.memo) > 300:
        return _("The memo is longer than 300 characters.")
    return None


def refuse_bad_input(bookings: Iterable[Booking], today: date) -> None:
    """Raise ``DomainError`` with a problem for each booking that cannot be, by its place from 1 on."""
    problems = []
    seen: set[str] = set()
    for place, one in enumerate(bookings, start=1):
        said = problem_of(one, today)
        if said is None and one.key in seen:
            said = _("“%(key)s” is there twice.") % {"key": one.key}
        seen.add(one.key)
        if said is not None:
            problems.append(Problem(said, anchor=str(place)))
    if not problems:
        return
    if len(seen) == 1:
        raise DomainError(problems[0].message, code="booking", problems=problems)
    first = problems[0]
    raise DomainError(
        _("Nothing was booked. Line %(line)s: %(problem)s")
        % {"line": first.anchor, "problem": first.message},
        code="booking",
        problems=problems,
    )


_SAID: Final[dict[str, tuple[type[DomainError], Text]]] = {
    "transfer_in_open_month": (
        DomainError,
        gettext_lazy("This month is closed. Book it with a date in an open month."),
    ),
    "transfer_ends_pending_once": (AlreadyEnded, AlreadyEnded.default),
    "transfer_ends_pending": (
        AlreadyEnded,
        gettext_lazy("This cannot be done with the amount held: it is over less, or has expired."),
    ),
    "transfer_reversed_once": (DomainError, gettext_lazy("This transfer was reversed before.")),
    "transfer_reverses_posted": (
        DomainError,
        gettext_lazy("Only a posted transfer can be reversed, by somebody else than who booked it."),
    ),
    "transfer_of_one_book": (
        DomainError,
        gettext_lazy("Money of one fund cannot be booked into another in this way."),
    ),
    "transfer_not_of_tomorrow": (DomainError, gettext_lazy("The business date is in the future.")),
    "transfer_only_pending_expires": (
        DomainError,
        gettext_lazy("The moment at which it expires has passed."),
    ),
}


def _refusal(error: IntegrityError, bookings: Sequence[Booking]) -> DomainError:
    """Return what to tell the person of a refusal of the database; raises ``error`` again where it is ours to mend."""
    name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""
    if name == "account_within_its_limit":
        return _not_enough(bookings)
    if name not in _SAID:
        raise error
    kind, said = _SAID[name]
    return kind(said, code=name)


def _not_enough(bookings: Sequence[Booking]) -> NotEnough:
    """Return which account lacks what; as of now, after everything was taken back."""
    taken: dict[int, int] = {}
    for one in bookings:
        ends = one.step in ENDS
        for account, adds in ((one.debit, Side.DEBIT), (one.credit, Side.CREDIT)):
            change = one.amount_fen if account.normal == adds else -one.amount_fen
            # What was held has been taken away before; what is only expected counts for nothing.
            if (ends and change < 0) or (one.step == Step.PENDING and change > 0):
                continue
            taken[account.pk] = taken.get(account.pk, 0) + change
    problems = []
    for account in Account.objects.filter(pk__in=taken, may_go_below_zero=False).order_by("pk"):
        if account.free_fen + taken[account.pk] < 0:
            problems.append(
                Problem(
                    _("%(account)s: %(free)s left, %(asked)s asked for.")
                    % {
                        "account": " ".join(filter(None, [str(kind_label(account.kind)), account.label])),
                        "free": format_yuan(account.free_fen),
                        "asked": format_yuan(-taken[account.pk]),
                    },
                    anchor=f"account-{account.pk}",
                )
            )
    message = str(problems[0].message) if len(problems) == 1 else None
    return NotEnough(message, problems=problems)
