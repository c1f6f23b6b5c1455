"""Asking what a rule says on a date, and changing it without losing what it said before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from park_portal.core.audit.services import SYSTEM, Actor, record
from park_portal.core.errors import DomainError
from park_portal.core.policies.models import Confidence, PolicyValue, Unit
from park_portal.core.policies.shipped import SHIPPED
from park_portal.core.workflow import require

__all__ = ["PolicyValue", "Unit", "end_policy", "in_force", "policy", "replace_policy", "sync_policies"]


class PolicyMissing(DomainError):
    """No value of the policy is in force on the date asked for."""

    code = "policy_missing"
    default = _("A rule that this needs has no value in force. Ask the park office.")


def policy(key: str, *, on: date | None = None) -> PolicyValue:
    """Return the value of ``key`` in force on ``on`` (today in Shanghai, if omitted), or raise
    ``PolicyMissing``.
    """
    return in_force([key], on=on)[key]


def in_force(keys: Iterable[str], *, on: date | None = None) -> dict[str, PolicyValue]:
    """Return the values of all ``keys`` on ``on`` in one query; ``PolicyMissing`` if one has none."""
    day = on or timezone.localdate()
    wanted = list(keys)
    found = {row.key: row for row in PolicyValue.objects.in_force(day).filter(key__in=wanted)}
    if missing := [key for key in wanted if key not in found]:
        raise PolicyMissing(keys=missing, on=day)
    return found


@transaction.atomic
def replace_policy(
    key: str,
    *,
    value: Decimal | int | str,
    effective_from: date,
    source: str,
    confidence: str = Confidence.VERIFIED,
    actor: Actor,
) -> PolicyValue:
    """Let ``key`` have a new value from ``effective_from`` on and return the new row.

    The row in force ends the day before. Raises ``PolicyMissing`` when there is none to follow, and
    ``DomainError`` when a value from that day or later is already there (correct that row instead).
    """
    require(actor, "core.keep_policies")
    rows = list(PolicyValue.objects.select_for_update().filter(key=key).order_by("effective_from"))
    if any(row.effective_from >= effective_from for row in rows):
        raise DomainError(
            _("A value from that day or later is already there. Correct it instead."),
            code="policy_later",
            field="effective_from",
        )
    if not rows:
        raise PolicyMissing(keys=[key], on=effective_from)
    old = rows[-1]
    last_day = effective_from - timedelta(days=1)
    if old.effective_to is None or old.effective_to > last_day:
        old.effective_to = last_day
        old.save(update_fields=["effective_to"])
    new = PolicyValue(key=key, unit=old.unit, value=Decimal(value), source=source, confidence=confidence)
    new.effective_from = effective_from
    for field in _label_fields():
        setattr(new, field, getattr(old, field))
    new.full_clean()
    new.save()
    record("policy.replaced", new, actor=actor, before=_facts(old), after=_facts(new))
    return new


@transaction.atomic
def end_policy(row: PolicyValue, *, last_day: date, actor: Actor) -> PolicyValue:
    """Let ``row`` be in force for the last time on ``last_day``."""
    require(actor, "core.keep_policies")
    row = PolicyValue.objects.select_for_update().get(pk=row.pk)
    before = _facts(row)
    row.effective_to = last_day
    row.full_clean()
    row.save(update_fields=["effective_to"])
    record("policy.ended", row, actor=actor, before=before, after=_facts(row))
    return row


def _facts(row: PolicyValue) -> dict[str, Any]:
    return {
        "value": row.value,
        "source": row.source,
        "confidence": row.confidence,
        "effective_from": row.effective_from,
        "effective_to": row.effective_to,
    }


def _label_fields() -> list[str]:
    return [field.name for field in PolicyValue._meta.concrete_fields if field.name.startswith("label")]


@dataclass(frozen=True)
class Synced:
    """What one loading of the shipped figures did."""

    added: int
    updated: int
    kept: int


@transaction.atomic
def sync_policies() -> Synced:
    """Bring the figures that this release ships into the table, never over a row that a person wrote.

    A shipped row that nobody edited is brought up to date; a missing one is added unless any row of its key
    already covers a part of its period. Safe to run twice; runs after each ``migrate``.
    """
    added = updated = kept = 0
    rows: dict[str, list[PolicyValue]] = {}
    for row in PolicyValue.objects.select_for_update():
        rows.setdefault(row.key, []).append(row)
    for figure in SHIPPED:
        values = {
            "label_zh_hans": figure.zh,
            "label_en": figure.en,
            "value": figure.value,
            "unit": figure.unit,
            "source": figure.source,
            "confidence": figure.confidence,
            "effective_from": figure.since,
            "effective_to": figure.until,
        }
        same = next((row for row in rows.get(figure.key, []) if row.effective_from == figure.since), None)
        if same is not None:
            if same.edited or all(getattr(same, name) == value for name, value in values.items()):
                kept += 1
            else:
                PolicyValue.objects.filter(pk=same.pk).update(**values)
                record("policy.shipped", same, actor=SYSTEM, before=_facts(same), after=values)
                updated += 1
        elif any(_overlap(row, figure.since, figure.until) for row in rows.get(figure.key, [])):
            kept += 1
        else:
            (row,) = PolicyValue.objects.bulk_create([PolicyValue(key=figure.key, edited=False, **values)])
            rows.setdefault(figure.key, []).append(row)
            added += 1
    return Synced(added, updated, kept)


def _overlap(row: PolicyValue, since: date, until: date | None) -> bool:
    return (until is None or row.effective_from <= until) and (
        row.effective_to is None or row.effective_to >= since
    )


def load_shipped(sender: Any, using: str, **kwargs: Any) -> None:
    """Receiver of ``post_migrate``: load the figures once the table is there (a partial migration has
    none).
    """
    connection = connections[using]
    if using == DEFAULT_DB_ALIAS and PolicyValue._meta.db_table in connection.introspection.table_names():
        sync_policies()
