"""Webhooks for tests."""

from __future__ import annotations

from typing import Any

from park_portal.core.accounts.models import User
from park_portal.core.webhooks.models import Webhook
from park_portal.core.webhooks.services import create_webhook, pause_webhook
from tests.factories import makes
from tests.factories.core import make_user


def make_webhook(user: User | None = None, **values: Any) -> tuple[Webhook, str]:
    """Returns a webhook with its secret, by default one that is told of calls that are cancelled."""
    made = {"name": "Lab books", "url": "https://hooks.example/park", "kinds": ["call.cancelled"], **values}
    return create_webhook(actor=user or make_user(), **made)


@makes("core.Webhook")
def webhook(state: str = "active", **values: Any) -> Webhook:
    made, _secret = make_webhook(**values)
    return pause_webhook(made, actor=made.user) if state == "paused" else made
