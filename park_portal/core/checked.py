"""What a model says of its own columns, as the refusal that every service raises."""

from __future__ import annotations

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models

from park_portal.core.errors import DomainError, Problem


def checked(obj: models.Model) -> None:
    """Raise ``DomainError`` with one problem a field unless ``obj`` is valid."""
    try:
        obj.full_clean()
    except ValidationError as error:
        problems = [
            Problem(message, field=None if field == NON_FIELD_ERRORS else field)
            for field, messages in error.message_dict.items()
            for message in messages
        ]
        raise DomainError(
            problems[0].message, code="invalid", field=problems[0].field, problems=problems
        ) from error
