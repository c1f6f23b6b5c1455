"""Which rows point to a row: asked before something is deleted, merged or taken back."""

from __future__ import annotations

from typing import Any

from django.db import models


def pointing_to(model: type[models.Model]) -> list[tuple[type[models.Model], models.ForeignKey[Any, Any]]]:
    """Return every foreign key to ``model`` with the model that has it, those without a reverse name included."""
    found = []
    for relation in model._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ManyToOneRel):
            found.append((relation.related_model, relation.field))
    return found  # type: ignore[return-value]
