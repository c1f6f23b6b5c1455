"""Showing a figure of law or policy with its source, and a mark where nobody has confirmed it."""

from __future__ import annotations

from typing import Any

from django import template

from park_portal.core.policies.models import PolicyValue

register = template.Library()


@register.inclusion_tag("components/_policy.html")
def policy_figure(value: PolicyValue) -> dict[str, Any]:
    """Show ``value`` with its unit, its source, and "unconfirmed" unless it was read in the law itself."""
    return {"value": value, "number": f"{value.value.normalize():,f}"}


@register.inclusion_tag("components/_unconfirmed.html")
def unconfirmed(*values: PolicyValue) -> dict[str, Any]:
    """Show the "unconfirmed" mark when any of ``values``, which the screen relies on, is not verified."""
    doubtful = [value for value in values if not value.verified]
    return {"doubtful": doubtful}
