"""Closing months: what was reported stays as it was."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from park_portal.core.audit.services import Actor, record
from park_portal.core.errors import DomainError, Problem
from park_portal.core.ledger.models import Book, ClosedMonth, Transfer
from park_portal.core.money import format_yuan
from park_portal.core.workflow import require


def open_since(book: Book) -> date | None:
    """Return the first day on which something can be booked; None when no month of the book was closed yet."""
    last = ClosedMonth.objects.filter(book=book).aggregate(last=Max("month"))["last"]
    return _next(last) if last else None


def next_to_close(book: Book) -> date | None:
    """Return the first day of the month that is to be closed next: the first one with a transfer, then one after the
    other; None while nothing was booked.
    """
    since = open_since(book)
    if since is not None:
        return since
    first = Transfer.objects.filter(debit__book=book).order_by("business_date").first()
    first_other = Transfer.objects.filter(credit__book=book).order_by("business_date").first()
    days = [row.business_date for row in (first, first_other) if row is not None]
    return min(days).replace(day=1) if days else None


def waiting_to_close() -> list[tuple[Book, date]]:
    """Return each book with its first month that is over and not closed, in one query; books without one are left out."""
    this = timezone.localdate().replace(day=1)
    booked = Transfer.objects.filter(debit__book=OuterRef("pk")).order_by("business_date")
    books: Any = Book.objects.annotate(
        last=Max("closed_months__month"), begun=Subquery(booked.values("business_date")[:1])
    ).order_by("code")
    found: list[tuple[Book, date]] = []
    for book in books:
        month = _next(book.last) if book.last else book.begun.replace(day=1) if book.begun else None
        if month is not None and month < this:
            found.append((book, month))
    return found


def problems_of_closing(book: Book, month: date) -> list[Problem]:
    """Return what somebody who closes ``month`` should know: amounts that were held in it and still are."""
    held = (
        Transfer.objects.waiting()
        .filter(debit__book=book, business_date__lt=_next(month))
        .select_related("debit", "credit")
        .order_by("id")[:20]
    )
    return [
        Problem(
            _("%(amount)s is still held since %(day)s: %(memo)s. It can be posted in a later month.")
            % {
                "amount": format_yuan(row.amount_fen),
                "day": row.business_date.isoformat(),
                "memo": row.memo or row.code_label,
            }
        )
        for row in held
    ]


def close_month(book: Book, *, month: date, actor: Actor) -> ClosedMonth:
    """Close ``month`` (any of its days) of ``book``: nothing is booked in it, or before it, any longer.

    Months are closed one after the other once they are over; a second call returns what the first one made.
    """
    require(actor, "core.close_month")
    first = month.replace(day=1)
    with transaction.atomic():
        Book.objects.select_for_update().get(pk=book.pk)
        if done := ClosedMonth.objects.filter(book=book, month=first).first():
            return done
        expected = open_since(book)
        if expected is not None and first != expected:
            raise DomainError(
                _("The next month to close is %(month)s.") % {"month": f"{expected:%Y-%m}"},
                code="month_order",
                field="month",
            )
        if _next(first) > timezone.localdate():
            raise DomainError(
                _("A month can be closed once it is over."), code="month_not_over", field="month"
            )
        assert actor.pk is not None  # the portal itself closes none
        closed = ClosedMonth.objects.create(book=book, month=first, closed_by_id=actor.pk)
        record("ledger.close_month", closed, actor=actor, after={"month": first, "book": book.code})
    return closed


def _next(month: date) -> date:
    """Return the first day of the month after."""
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)
