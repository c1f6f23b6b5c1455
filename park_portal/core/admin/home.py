"""The first page of the staff: figures and cards that the rooms, or the roof, provide.

    @staff_figures(order=10)
    def reviews(user): return [Figure(_("reviews overdue"), Review.objects.open()…, url, "bad")]

    @staff_card(order=20)
    def calls_closing(user): return StaffCard(_("Calls closing"), lines=[Line(…)]) or None when it is not for them

All figures together are one query; a card is one query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils.http import urlencode

from park_portal.core.accounts.models import User
from park_portal.core.errors import Text


@dataclass(frozen=True)
class Figure:
    """One number: how many ``rows`` there are, and where they are listed. Tone: "", wait or bad (when not zero)."""

    label: Text
    rows: models.QuerySet[Any]
    url: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Line:
    """One line of a card."""

    title: Text
    url: str = ""
    detail: Text = ""
    due: datetime | None = None
    tone: str = ""


@dataclass(frozen=True)
class StaffCard:
    """One block: lines, or a template of its own with its context. ``wide`` cards stand on the left."""

    title: Text
    lines: Iterable[Line] = field(default=())
    empty: Text = ""
    more_url: str = ""
    more_label: Text = ""
    wide: bool = False
    template: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)


Figures = Callable[[Any], list[Figure]]
CardMaker = Callable[[Any], StaffCard | None]

_figures: dict[str, tuple[int, Figures]] = {}
_cards: dict[str, tuple[int, CardMaker]] = {}


def staff_figures(*, order: int = 50) -> Callable[[Figures], Figures]:
    """Register a function that gives a person's figures (an empty list when they are not for them)."""

    def register(maker: Figures) -> Figures:
        _figures[f"{maker.__module__}.{maker.__qualname__}"] = (order, maker)
        return maker

    return register


def staff_card(*, order: int = 50) -> Callable[[CardMaker], CardMaker]:
    """Register a function that gives a card, or None when it is not for the person."""

    def register(maker: CardMaker) -> CardMaker:
        _cards[f"{maker.__module__}.{maker.__qualname__}"] = (order, maker)
        return maker

    return register


def figures_of(user: Any) -> list[dict[str, Any]]:
    """Return the figures of ``user`` with their numbers, all counted in one query."""
    figures = [
        figure
        for _order, maker in sorted(_figures.values(), key=lambda pair: pair[0])
        for figure in maker(user)
    ]
    numbers = _count(user, [figure.rows for figure in figures])
    return [
        {
            "label": figure.label,
            "number": number,
            "url": figure.url,
            "tone": figure.tone if number else "",
        }
        for figure, number in zip(figures, numbers, strict=True)
    ]


def _count(user: Any, querysets: list[models.QuerySet[Any]]) -> list[int]:
    if not querysets:
        return []
    columns = {
        f"n{index}": Coalesce(
            models.Subquery(
                rows.order_by()
                .annotate(one=Value(1))
                .values("one")
                .annotate(n=models.Count("*"))
                .values("n"),
                output_field=models.IntegerField(),
            ),
            0,
        )
        for index, rows in enumerate(querysets)
    }
    found = User.objects.filter(pk=user.pk).order_by().values_list(*columns.values())
    return [int(number) for number in found[0]]


def cards_of(user: Any) -> list[StaffCard]:
    """Return the cards of ``user``, in order."""
    made = (maker(user) for _order, maker in sorted(_cards.values(), key=lambda pair: pair[0]))
    return [card for card in made if card is not None]


def list_url(model: str, **lookups: Any) -> str:
    """Return the address of a model's admin list with these filters; an empty text where there is no such list."""
    for known, model_admin in admin.site._registry.items():
        if known._meta.label_lower == model:
            address = model_admin.address("changelist") if hasattr(model_admin, "address") else ""
            return f"{address}?{urlencode(lookups)}" if address and lookups else address
    return ""


def record_url(obj: models.Model) -> str:
    """Return the address of a record's admin page; an empty text where it has none."""
    model_admin: Any = admin.site._registry.get(type(obj))
    return model_admin.address("change", obj.pk) if hasattr(model_admin, "address") else ""
