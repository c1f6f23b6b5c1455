"""Which rows point to a row, and which point to any of some rows."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models


class _Among(models.Func):
    """``field = ANY(ARRAY(subquery))``."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = models.BooleanField()


def among(field: str, keys: models.QuerySet[Any, Any]) -> models.Q:
    """Return the condition that ``field`` is one of the values of ``keys`` (a query set of one column).

    Says what ``field__in`` says, in the form that PostgreSQL can look up in an index when it stands beside an OR:
    the keys are few and found first, instead of every row being held against them.
    """
    keys = keys if keys.query.is_sliced else keys.order_by()  # of the first few the order tells which
    return models.Q(_Among(models.F(field), ArraySubquery(keys)))


def pointing_to(model: type[models.Model]) -> list[tuple[type[models.Model], models.ForeignKey[Any, Any]]]:
    """Return every foreign key to ``model`` with the model that has it, those without a reverse name included."""
    found = []
    for relation in model._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ManyToOneRel):
            found.append((relation.related_model, relation.field))
    return found
