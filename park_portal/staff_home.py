"""What staff see first: their queues and the figures of the day."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the cards of the person's roles to the admin's first page."""
    return context
