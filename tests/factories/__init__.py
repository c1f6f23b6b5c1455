"""Makes rows for tests.

    make("incubator.Organisation")                 a row that is valid, in its first state
    make("funding.Application", state="submitted") if that factory knows how

A room that needs more than required fields to be filled registers a factory in `tests/factories/<room>.py`:

    @makes("funding.Application")
    def application(**values) -> Application: ...

Every other model is filled field by field. The laws use these to reach every state machine and every list page.
"""

import itertools
import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from django.apps import apps
from django.db import models
from django.utils import timezone

Factory = Callable[..., models.Model]

_factories: dict[str, Factory] = {}
_rows: dict[str, tuple[str, Callable[[int], Any]]] = {}
_number = itertools.count(1)


def makes(label: str) -> Callable[[Factory], Factory]:
    """Register the factory of a model, `"app.Model"`."""

    def register(factory: Factory) -> Factory:
        if label.lower() in _factories:
            raise ValueError(f"there are two factories of {label}")
        _factories[label.lower()] = factory
        return factory

    return register


def list_page(route: str, *, persona: str) -> Callable[[Callable[[int], Any]], Callable[[int], Any]]:
    """Register how a portal's list page is filled: the function makes that many rows which `persona` sees on it."""

    def register(fill: Callable[[int], Any]) -> Callable[[int], Any]:
        _rows[route] = (persona, fill)
        return fill

    return register


def list_pages() -> dict[str, tuple[str, Callable[[int], Any]]]:
    """Every registered list page: the persona who opens it, and what fills it."""
    return dict(_rows)


def has_factory(model: type[models.Model]) -> bool:
    """Whether the model has a factory of its own."""
    return model._meta.label_lower in _factories


def make(label: str, **values: Any) -> Any:
    """A new row of the model, with these values."""
    factory = _factories.get(label.lower())
    return factory(**values) if factory else fill(label, **values)


def fill(label: str, **values: Any) -> Any:
    """A new row with every required field filled; for factories that only add something."""
    model = apps.get_model(label)
    for field in model._meta.concrete_fields:
        if field.name in values or field.attname in values or not _is_needed(field):
            continue
        values[field.name] = value_for(field)
    row = model(**values)
    row.save(force_insert=True)
    return row


def number() -> int:
    """A number that no other call returns."""
    return next(_number)


def load() -> None:
    """Import every factory module, so that it registers what it makes."""
    for module in iter_modules(__path__, prefix=f"{__name__}."):
        import_module(module.name)


def _is_needed(field: models.Field) -> bool:
    if field.primary_key or field.has_default() or field.null or getattr(field, "auto_now", False):
        return False
    if getattr(field, "auto_now_add", False) or getattr(field, "generated", False):
        return False
    return not (field.blank and field.empty_strings_allowed)


def value_for(field: models.Field) -> Any:
    """A value that the field may hold; where it is not one of few, one that no row has yet."""
    n = number()
    if field.is_relation:
        return make(field.related_model._meta.label)
    if field.choices:
        return next(key for key, _label in field.flatchoices if key)
    match field:
        case models.EmailField():
            return f"row{n}@rows.example"
        case models.URLField():
            return f"https://rows.example/{n}"
        case models.SlugField():
            return f"row-{n}"
        case models.UUIDField():
            return uuid.uuid4()
        case models.CharField():
            text = f"{field.name} {n}"
            return text if len(text) <= (field.max_length or 255) else str(n)[-(field.max_length or 1) :]
        case models.TextField():
            return f"{field.name} {n}"
        case models.BooleanField():
            return False
        case models.DecimalField():
            return Decimal(1)
        case models.IntegerField() | models.FloatField():
            return n % 30_000 + 1
        case models.DateTimeField():
            return timezone.now() + timedelta(minutes=n)
        case models.DateField():
            return timezone.localdate() + timedelta(days=n)
        case models.DurationField():
            return timedelta(hours=1)
        case models.JSONField():
            return {}
        case models.BinaryField():
            return b"row"
        case models.GenericIPAddressField():
            return f"198.51.100.{n % 250 + 1}"
        case models.FileField():
            return f"rows/{n}.txt"
    raise TypeError(f"{field} needs a value: register a factory of {field.model._meta.label}")
