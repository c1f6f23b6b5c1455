"""Bank statements: read, matched with what was released, looked at by a person, and booked at the bank's days."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.core.files.base import File
from django.db import transaction
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.funds.models import Fund
from funding.payments.models import BankStatement, Disbursement, StatementLine
from funding.payments.reading import Reading, StatementRow, read_statement, refusal
from funding.payments.services.holding import held_of, look_at_keys
from funding.payments.services.telling import tell_grantee
from funding.payments.states import DIFFERENCES, DisbursementState, LineVerdict
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import record
from park_portal.core.documents import formats
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import MAX_BYTES, readable, store_document
from park_portal.core.errors import Conflict, Problem
from park_portal.core.ledger.services import book_all, open_since, posting_of
from park_portal.core.outbox.services import publish
from park_portal.core.workflow import advance_all, may, require

KIND: Final = "bank_statement"
# As ``ask_disbursement`` makes them; the bank passes on what the payment was for.
_NUMBER: Final = re.compile(r"[A-Z0-9_-]+-P[0-9]+", re.IGNORECASE)


@dataclass(frozen=True)
class Matched:
    """One movement, what it is, and the payment that it is about."""

    row: StatementRow
    verdict: LineVerdict
    payment: Disbursement | None


def numbers_in(row: StatementRow) -> list[str]:
    """Return the numbers of payments that a movement names."""
    text = unicodedata.normalize("NFKC", f"{row.text} {row.reference}")
    return list(dict.fromkeys(found.upper() for found in _NUMBER.findall(text)))


def match_rows(fund: Fund, rows: Sequence[StatementRow]) -> list[Matched]:
    """Return what each movement is, by the number that it names and its amount; in one query."""
    named = {row.line: numbers_in(row) for row in rows}
    asked = {number for numbers in named.values() for number in numbers}
    payments = {
        payment.key: payment
        for payment in Disbursement.objects.filter(award__fund=fund)
        .annotate(key=Upper("number"))
        .filter(key__in=asked)
    }
    about = {
        row.line: next((payments[number] for number in named[row.line] if number in payments), None)
        for row in rows
    }
    sent_back = {payment.pk for row in rows if row.is_incoming and (payment := about[row.line])}
    seen: set[int] = set()
    found = []
    for row in rows:
        payment = about[row.line]
        if payment is None:
            verdict = LineVerdict.UNKNOWN if named[row.line] and not row.is_incoming else LineVerdict.OTHER
        else:
            verdict = _verdict(row, payment, sent_back, seen)
            if verdict == LineVerdict.MATCHED:
                seen.add(payment.pk)
        found.append(Matched(row, verdict, payment))
    return found


def _verdict(row: StatementRow, payment: Disbursement, sent_back: set[int], seen: set[int]) -> LineVerdict:
    if payment.state == DisbursementState.PAID and payment.bank_reference == row.reference:
        return LineVerdict.BOOKED
    if row.is_incoming or payment.pk in sent_back:
        return LineVerdict.SENT_BACK
    if payment.state == DisbursementState.PAID or payment.pk in seen:
        return LineVerdict.TWICE
    released = payment.released_at
    if (
        payment.state != DisbursementState.RELEASED
        or released is None
        or row.on < timezone.localdate(released)
    ):
        return LineVerdict.EARLY
    return LineVerdict.MATCHED if row.amount_fen == payment.amount_fen else LineVerdict.AMOUNT


def take_statement(*, actor: User, fund: Fund, file: File) -> BankStatement:
    """Read a bank's statement of ``fund`` and match it; nothing is booked yet.

    Raises ``DomainError`` with a problem for each line that is not in order, that does not add up, or that would be
    booked into a closed month; then nothing is kept.
    """
    require(actor, "funding.read_bank_statement")
    name = file.name or ""
    reading = read_statement(file.read(MAX_BYTES + 1), name)
    file.seek(0)
    with transaction.atomic():
        found = match_rows(fund, reading.rows)
        refuse_closed(
            fund, [(one.row.line, one.row.on) for one in found if one.verdict == LineVerdict.MATCHED]
        )
        return _keep(fund, file, reading, found, actor)


def _keep(fund: Fund, file: File, reading: Reading, found: Sequence[Matched], actor: User) -> BankStatement:
    document = store_document(
        file,
        actor=actor,
        subject=fund,
        kind=KIND,
        allowed=formats.SPREADSHEETS | {formats.TEXT},
    )
    statement = BankStatement.objects.create(
        fund=fund, document=document, since=reading.since, until=reading.until, uploaded_by=actor
    )
    StatementLine.objects.bulk_create(
        [
            StatementLine(
                statement=statement,
                place=one.row.line,
                on=one.row.on,
                amount_fen=one.row.amount_fen,
                is_incoming=one.row.is_incoming,
                counterparty=one.row.counterparty,
                text=one.row.text,
                bank_reference=one.row.reference,
                verdict=one.verdict,
                disbursement=one.payment,
            )
            for one in found
        ],
        batch_size=2000,
    )
    record("bank_statement.take", statement, actor=actor, after={"lines": len(found)})
    return statement


def refuse_closed(fund: Fund, days: Sequence[tuple[int, date]]) -> None:
    """Raise ``DomainError`` for each (line, day) that lies in a closed month of the fund's book."""
    since = open_since(fund.book) if fund.book is not None else None
    if since is None:
        return
    problems = [
        Problem(
            _("Line %(line)s: %(month)s is closed. Nothing can be booked on %(day)s.")
            % {"line": line, "month": f"{on:%Y-%m}", "day": on.isoformat()},
            anchor=str(line),
        )
        for line, on in days
        if on < since
    ]
    if problems:
        raise refusal(problems)


def book_statement(statement: BankStatement, *, actor: User) -> BankStatement:
    """Book the matched lines of a statement at the bank's days, all or none; a second click books nothing again.

    Raises ``Conflict`` where a payment has moved on since the statement was read, ``DomainError`` for a month that was
    closed meanwhile.
    """
    with transaction.atomic():
        held = (
            BankStatement.objects.select_for_update(of=("self",))
            .select_related("fund__book")
            .get(pk=statement.pk)
        )
        require(actor, "funding.read_bank_statement", held)
        if held.booked_at is not None:
            return held
        lines = list(held.lines.filter(verdict=LineVerdict.MATCHED).order_by("disbursement_id"))
        payments = {
            payment.pk: payment
            for payment in Disbursement.objects.select_for_update(of=("self",))
            .filter(pk__in=[line.disbursement_id for line in lines])
            .order_by("pk")
        }
        moved = [
            Problem(
                _("Line %(line)s: %(payment)s has moved on since.")
                % {"line": line.place, "payment": payments[_key(line)].number},
                anchor=str(line.place),
            )
            for line in lines
            if payments[_key(line)].state != DisbursementState.RELEASED
            or payments[_key(line)].amount_fen != line.amount_fen
        ]
        if moved:
            raise Conflict(
                _("Payments of this statement have moved on since it was read. Take it in again."),
                code="moved_on",
                problems=moved,
            )
        refuse_closed(held.fund, [(line.place, line.on) for line in lines])
        transfers = held_of(payments.values())
        book_all(
            [posting_of(transfers[payments[_key(line)].ledger_key], on=line.on) for line in lines],
            actor=actor,
        )
        look_at_keys()
        advance_all(
            list(payments.values()),
            "pay",
            actor=actor,
            each={_key(line): {"paid_on": line.on, "bank_reference": line.bank_reference} for line in lines},
        )
        held.booked_at, held.booked_by = timezone.now(), actor
        held.save(update_fields=["booked_at", "booked_by"])
        record("bank_statement.book", held, actor=actor, after={"booked": len(lines)})
        publish("payments.booked", key=f"payments.booked:{held.pk}", payload={"statement": held.pk})
    return held


def _key(line: StatementLine) -> int:
    assert line.disbursement_id is not None  # of a line that matched
    return line.disbursement_id


def tell_paid(statement_id: int) -> int:
    """Tell the grantees whose payments a statement settled; return how many payments there were."""
    lines = (
        StatementLine.objects.filter(statement=statement_id, verdict=LineVerdict.MATCHED)
        .select_related("disbursement__award__application__organisation")
        .order_by("pk")
    )
    count = 0
    for line in lines:
        assert line.disbursement is not None
        tell_grantee(
            "payment.paid", line.disbursement, day=line.on.isoformat(), reference=line.bank_reference
        )
        count += 1
    return count


@dataclass(frozen=True)
class Preview:
    """What a statement would book, what somebody has to look into, and what was released and is not in it."""

    matched: list[StatementLine]
    differences: list[StatementLine]
    others: int
    missing: list[Disbursement]

    @property
    def matched_fen(self) -> int:
        return sum(line.amount_fen for line in self.matched)

    @property
    def missing_fen(self) -> int:
        return sum(payment.amount_fen for payment in self.missing)


def preview_of(statement: BankStatement) -> Preview:
    """Return how a statement compares with what was released by its last day; in two queries."""
    lines = list(statement.lines.select_related("disbursement").order_by("place"))
    named = {line.disbursement_id for line in lines}
    end = timezone.make_aware(datetime.combine(statement.until + timedelta(days=1), time()))
    missing = Disbursement.objects.filter(
        award__fund=statement.fund_id, state=DisbursementState.RELEASED, released_at__lt=end
    ).order_by("pk")
    return Preview(
        matched=[line for line in lines if line.verdict == LineVerdict.MATCHED],
        differences=[line for line in lines if line.verdict in DIFFERENCES],
        others=sum(line.verdict in (LineVerdict.OTHER, LineVerdict.BOOKED) for line in lines),
        missing=[payment for payment in missing if payment.pk not in named],
    )


@readable("funding.fund")
def _reads_statements(user: Any, document: Document) -> bool:
    return document.kind == KIND and may(user, "funding.see_bank_files")
