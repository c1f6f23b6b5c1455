"""What is held about one person: the page “My data”, and who has read what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db.models import Count, Min, Q
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.accounts.models import User
from park_portal.core.audit.models import Entry
from park_portal.core.errors import Text
from park_portal.core.personal import HOLDINGS, WORKED_OUT, Erasure, Holding, Keep, Purpose
from park_portal.core.policies.services import PolicyValue, in_force
from park_portal.core.reads import READ

# What the trail calls looking at somebody's data.
PAGE_READ: Final = "privacy.page_read"
READS: Final = (READ, PAGE_READ, "document.read", "user.view_as")
READS_SHOWN: Final = 50


@dataclass(frozen=True)
class Held:
    """One kind of record about a person, in words."""

    label: str
    purpose: Text
    basis: Text
    keep: Text
    number: int
    since: date | datetime | None
    columns: list[str]
    sensitive: list[str]
    erasure: list[tuple[Text, list[str]]]


def held_about(person: User) -> dict[Text, list[Held]]:
    """Return what the portal holds about ``person``, by what it is held for; a kind without rows is left out."""
    found: dict[Text, list[Held]] = {}
    rules = dated_rules()
    for purpose in Purpose:
        for holding in HOLDINGS.values():
            if holding.purpose == purpose and (line := _line(holding, person, rules)):
                found.setdefault(purpose.label, []).append(line)
    return found


def dated_rules() -> dict[str, PolicyValue]:
    """Return the dated rules that say how long something is held, as they are in force."""
    keys = {str(holding.keep) for holding in HOLDINGS.values() if holding.keep}
    keys |= {str(one.keep) for one in WORKED_OUT.values()}
    return in_force(keys - set(Keep.values))


def how_long(keep: Keep | str, rules: dict[str, PolicyValue]) -> Text:
    """Return in words how long something is kept."""
    if keep in Keep.values:
        return Keep(keep).label
    rule = rules[keep]
    return f"{rule.number} {rule.get_unit_display()}"


def _line(holding: Holding, person: User, rules: dict[str, PolicyValue]) -> Held | None:
    if not holding.people:
        return None
    rows = holding.rows_of(person).order_by()
    asked: dict[str, Any] = {"number": Count("pk", distinct=True)}
    if holding.since:
        asked["since"] = Min(holding.since)
    found = rows.aggregate(**asked)
    if not found["number"]:
        return None
    assert holding.purpose
    assert holding.basis
    assert holding.keep
    return Held(
        label=table_label(holding),
        purpose=holding.purpose.label,
        basis=holding.basis.label,
        keep=how_long(holding.keep, rules),
        number=found["number"],
        since=found.get("since"),
        columns=_labels(holding, holding.columns),
        sensitive=_labels(holding, holding.sensitive),
        erasure=list(_on_erasure(holding)),
    )


# Names of tables and columns that have none of their own for people, those of libraries above all.
TABLES: Final[dict[str, Text]] = {
    "mfa.Authenticator": _("Second steps of signing in"),
    "usersessions.UserSession": _("Signed-in devices"),
}
COLUMNS: Final[dict[str, Text]] = {
    "app": pgettext_lazy("personal data", "university’s service"),
    "body": pgettext_lazy("personal data", "answer"),
    "content": pgettext_lazy("personal data", "content of the file"),
    "created_at": pgettext_lazy("personal data", "made at"),
    "data": pgettext_lazy("personal data", "key data"),
    "digest": pgettext_lazy("personal data", "fingerprint of the secret"),
    "earlier_secret": pgettext_lazy("personal data", "earlier secret"),
    "fingerprint": pgettext_lazy("personal data", "fingerprint of the request"),
    "group": pgettext_lazy("personal data", "staff role"),
    "ip": pgettext_lazy("personal data", "network address"),
    "key": pgettext_lazy("personal data", "key of the request"),
    "last_seen_at": pgettext_lazy("personal data", "last used"),
    "last_used_at": pgettext_lazy("personal data", "last used"),
    "permission": pgettext_lazy("personal data", "right"),
    "renewed_at": pgettext_lazy("personal data", "secret renewed"),
    "secret": pgettext_lazy("personal data", "secret"),
    "status": pgettext_lazy("personal data", "status"),
    "token_digest": pgettext_lazy("personal data", "fingerprint of the secret"),
    "type": pgettext_lazy("personal data", "kind"),
    "updated_by": pgettext_lazy("personal data", "saved by"),
    "user": pgettext_lazy("personal data", "person"),
    "account": pgettext_lazy("personal data", "university account"),
    "user_agent": pgettext_lazy("personal data", "browser"),
    "webhook": pgettext_lazy("personal data", "webhook"),
}


def table_label(holding: Holding) -> str:
    """Return what people call a table."""
    meta = holding.model._meta
    return capfirst(str(TABLES.get(holding.label, meta.verbose_name_plural)))


def column_label(holding: Holding, name: str) -> str:
    """Return what people call a column: by its own name, or by ours where it has none."""
    field = holding.field(name)
    unnamed = str(field.verbose_name) == field.name.replace("_", " ")
    return str(COLUMNS[name] if unnamed and name in COLUMNS else field.verbose_name)


def _labels(holding: Holding, names: Any) -> list[str]:
    fields = holding.model._meta.local_concrete_fields
    return [column_label(holding, field.name) for field in fields if field.name in names]


def _on_erasure(holding: Holding) -> Iterator[tuple[Text, list[str]]]:
    for erasure in Erasure:
        names = holding.names(erasure)
        if erasure != Erasure.KEPT:
            if names:
                yield erasure.label, _labels(holding, names)
            continue
        for law in dict.fromkeys(holding.laws[name] for name in names):
            yield law.label, _labels(holding, [name for name in names if holding.laws[name] == law])


def kept_by_law() -> dict[tuple[str, str], Text]:
    """Return what erasing an account leaves, (table, column) with the law that says so."""
    return {
        (holding.model._meta.db_table, str(holding.field(name).column)): law.label
        for holding in HOLDINGS.values()
        for name, law in holding.laws.items()
    }


def reads_of(person: User) -> list[Entry]:
    """Return the newest entries of others who looked at sensitive data or files of ``person``."""
    about = Q(object_type=person._meta.label_lower, object_id=str(person.pk)) | Q(
        action=READ, object_type=person._meta.label_lower, facts__rows__contains=[person.pk]
    )
    files = HOLDINGS["core.Document"].rows_of(person)
    of_files = Q(
        action="document.read",
        object_type="core.document",
        object_id__in=[str(pk) for pk in files.order_by("-pk").values_list("pk", flat=True)[:500]],
    )
    return list(
        Entry.objects.filter(about | of_files, action__in=READS)
        .exclude(actor=person)
        .select_related("actor")
        .order_by("-id")[:READS_SHOWN]
    )
