"""Each reviewer's record, worked out from their reviews whenever it is asked for: nothing of it is kept a second time."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from django.db import models
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Concat, Length
from django.utils import timezone

from funding.calls.states import Acts
from funding.reviews.models import Calculation, Review
from funding.reviews.record import CallFigures, Figures, Record, add_up, combined
from funding.reviews.states import CalculationKind, ReviewState
from park_portal.core.policies.services import policy

RECENT_CALLS: Final = 3
# 汉字 of the basic plane with its extension A; everything else that is written in words.
_HAN: Final = r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
_HANDED_IN: Final = models.Q(state=ReviewState.SUBMITTED) | models.Q(
    state=ReviewState.SUSPENDED, submitted_at__isnull=False
)
_WORD: Final = r"[A-Za-z0-9\u00c0-\u024f\u0370-\u052f]+(?:['’.-][A-Za-z0-9\u00c0-\u024f\u0370-\u052f]+)*"


def records_of(people: Iterable[Any]) -> dict[int, Record]:
    """Return the record of each of ``people`` (persons or their ids), by id; a fixed number of queries.

    Looked at are invitations of expert stages of the last years, as the dated rule ``review.record_years`` says. Of staff
    taking somebody back before they answered, or before the deadline, nothing is said; of a conflict found then neither.
    What was handed in was handed in, though a conflict has suspended it since.
    """
    ids = [one if isinstance(one, int) else one.pk for one in people]
    if not ids:
        return {}
    by_person: dict[int, list[tuple[int, Any, CallFigures]]] = defaultdict(list)
    looked_at = _looked_at(ids)
    useful = _usefulness(looked_at)
    for row in _sums(looked_at):
        figures = Figures(
            **{
                name: row[name]
                for name in ("invited", "accepted", "declined", "conflicts", "on_time", "late", "never")
            }
        )
        sums = CallFigures(
            figures,
            row["answered"],
            row["answered_time"] or timedelta(0),
            row["words"] or 0,
            row["characters"] or 0,
            *useful.get((row["reviewer_id"], row["application__call_id"]), (0, 0)),
        )
        by_person[row["reviewer_id"]].append((row["application__call_id"], row["last"], sums))
    severities = _severities({call for rows in by_person.values() for call, _last, _sums in rows})
    found = {}
    for person in ids:
        rows = [
            sums for _call, _last, sums in sorted(by_person[person], key=lambda one: one[1], reverse=True)
        ]
        recent = rows[:RECENT_CALLS]
        found[person] = Record(
            whole=add_up(rows),
            recent=add_up(recent),
            recent_calls=len(recent),
            severity=combined(severities.get(person, ())),
        )
    return found


def _sums(reviews: models.QuerySet[Review]) -> Iterable[Any]:
    """Add up by person and call what the database has, in one query."""
    now = timezone.now()
    submitted = _HANDED_IN
    accepted = models.Q(accepted_at__isnull=False)
    overdue = models.Q(due_at__lt=now)
    answered = Coalesce("answered_at", "accepted_at")
    text = Concat(
        "comment_committee", models.Value("\n"), "comment_applicant", output_field=models.TextField()
    )
    # Somebody released or suspended before the deadline has missed nothing.
    never = accepted & (
        models.Q(state=ReviewState.ACCEPTED) & overdue
        | models.Q(state=ReviewState.RELEASED, released_at__gt=models.F("due_at"))
        | models.Q(
            state=ReviewState.SUSPENDED, submitted_at__isnull=True, suspended_at__gt=models.F("due_at")
        )
    )
    return (
        reviews.order_by()
        .values("reviewer_id", "application__call_id")
        .annotate(
            last=models.Max("assigned_at"),
            invited=models.Count("pk"),
            accepted=models.Count("pk", filter=accepted),
            declined=models.Count("pk", filter=models.Q(state=ReviewState.DECLINED)),
            conflicts=models.Count("pk", filter=models.Q(state=ReviewState.RECUSED)),
            on_time=models.Count("pk", filter=submitted & models.Q(submitted_at__lte=models.F("due_at"))),
            late=models.Count("pk", filter=submitted & models.Q(submitted_at__gt=models.F("due_at"))),
            never=models.Count("pk", filter=never),
            answered=models.Count(answered),
            answered_time=models.Sum(answered - models.F("assigned_at"), output_field=models.DurationField()),
            words=models.Sum(_words(text), filter=submitted),
            characters=models.Sum(_characters(text), filter=submitted),
        )
    )


def _looked_at(ids: list[int]) -> models.QuerySet[Review]:
    years = policy("review.record_years").number
    return Review.objects.filter(
        reviewer__in=ids,
        run__stage__acts=Acts.EXPERT,
        assigned_at__gte=timezone.now() - timedelta(days=365.25 * float(years)),
    ).exclude(state__in=(ReviewState.RELEASED, ReviewState.SUSPENDED), answered_at__isnull=True)


def _usefulness(reviews: models.QuerySet[Review]) -> dict[tuple[int, int], tuple[int, int]]:
    """Return (sum, number) of what members of panels said of somebody's reviews, by (person, call); one query."""
    rows = (
        reviews.filter(_HANDED_IN, usefulness_ratings__isnull=False)
        .order_by()
        .values_list("reviewer_id", "application__call_id")
        .annotate(models.Sum("usefulness_ratings__value"), models.Count("usefulness_ratings"))
    )
    return {(person, call): (total, number) for person, call, total, number in rows}


def _severities(calls: set[int]) -> dict[int, list[tuple[float, float]]]:
    """Return by person their (severity, standard error) in each stage, as the newest calibration on record of each of
    ``calls`` has it; one query. There a reviewer is “stage/person”.
    """
    rows = (
        Calculation.objects.filter(kind=CalculationKind.RATING, call__in=calls)
        .order_by("call_id", "-pk")
        .distinct("call_id")
        .values_list(KT("result__severity"), KT("result__severity_stderr"))
    )
    found: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for values, errors in rows:
        known = json.loads(errors or "{}")
        for key, value in json.loads(values or "{}").items():
            if value is not None and known.get(key) is not None:
                found[int(key.rpartition("/")[2])].append((float(value), float(known[key])))
    return found


def _words(text: Any) -> Any:
    """字数: each 汉字 one, each other word one."""
    return _count(text, _HAN) + _count(text, _WORD)


def _count(text: Any, pattern: str) -> Any:
    return models.Func(
        text, models.Value(pattern), function="regexp_count", output_field=models.IntegerField()
    )


def _characters(text: Any) -> Any:
    """字符数(不计空格)."""
    bare = models.Func(
        text,
        models.Value(r"\s"),
        models.Value(""),
        models.Value("g"),
        function="regexp_replace",
        output_field=models.TextField(),
    )
    return Length(bare)
