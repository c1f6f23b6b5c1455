"""Opening books and accounts."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import models

from park_portal.core.audit.services import Actor, record
from park_portal.core.ledger.models import Account, Book
from park_portal.core.ledger.registry import AccountKind
from park_portal.core.ledger.services.subjects import Subject, type_of


def make_book(code: str, *, name_zh_hans: str, name_en: str = "", actor: Actor) -> Book:
    """Open the book of this code and return it; a second call returns the same."""
    book, created = Book.objects.get_or_create(
        code=code, defaults={"name_zh_hans": name_zh_hans, "name_en": name_en or None}
    )
    if created:
        record("ledger.book", book, actor=actor, after={"code": code})
    return book


def account_of(
    book: Book, kind: AccountKind, subject: models.Model | Subject | None = None, *, label: str = ""
) -> Account:
    """Return the account of this kind in ``book`` (for ``subject``, where it is one's own); opens it if there is none.

    No audit entry: an account without transfers says nothing, and each transfer is its own entry.
    """
    held = {
        "book": book,
        "kind": kind.name,
        "subject_type": type_of(subject) if subject is not None else "",
        "subject_id": str(subject.pk) if subject is not None else "",
    }
    account, _created = Account.objects.get_or_create(
        **held,
        defaults={
            "label": label[:200],
            "normal": kind.normal,
            "may_go_below_zero": kind.may_go_below_zero,
        },
    )
    return account


def open_accounts(book: Book, kind: AccountKind, subjects: Sequence[models.Model]) -> dict[str, Account]:
    """Return the accounts of this kind for many ``subjects`` of one model, by the text of their keys, in two statements."""
    if not subjects:
        return {}
    label = subjects[0]._meta.label_lower
    keys = {str(one.pk): one for one in subjects}
    Account.objects.bulk_create(
        [
            Account(
                book=book,
                kind=kind.name,
                subject_type=label,
                subject_id=key,
                label=str(one)[:200],
                normal=kind.normal,
                may_go_below_zero=kind.may_go_below_zero,
            )
            for key, one in keys.items()
        ],
        ignore_conflicts=True,
    )
    rows = Account.objects.filter(book=book, kind=kind.name, subject_type=label, subject_id__in=[*keys])
    return {account.subject_id: account for account in rows}
