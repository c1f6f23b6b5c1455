from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.workflow import Machine, Transition

MOST_WEBHOOKS: Final = 10
# The waits before each further attempt: a restart of the other side costs seconds, a night of theirs loses nothing.
WAITS: Final = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
)
ATTEMPTS: Final = len(WAITS) + 1
# Paused after so many refusals in a row, if they last as long as this: a busy webhook collects them in a minute.
FAILURES: Final = 10
FAILING: Final = timedelta(hours=3)
# What was sent and answered is kept for as long.
KEPT: Final = timedelta(days=30)
# After a new secret both sign, so that the other side can change over without losing anything.
OVERLAP: Final = timedelta(hours=24)
# What is sent on request (tests, again), a minute and webhook.
BY_HAND: Final = 10
TEST: Final = "webhook.test"


class WebhookState(models.TextChoices):
    ACTIVE = "active", pgettext_lazy("webhook", "in use")
    PAUSED = "paused", pgettext_lazy("webhook", "paused")


WEBHOOK_MACHINE = Machine(
    name="webhook",
    label=_("webhook"),
    states=WebhookState,
    initial=WebhookState.ACTIVE,
    transitions=(
        Transition(
            "pause",
            (WebhookState.ACTIVE,),
            WebhookState.PAUSED,
            pgettext_lazy("webhook", "Pause"),
            "core.change_webhook",
        ),
        Transition(
            "resume",
            (WebhookState.PAUSED,),
            WebhookState.ACTIVE,
            pgettext_lazy("webhook", "Resume"),
            "core.change_webhook",
        ),
    ),
)


class EventStatus(models.TextChoices):
    WAITING = "waiting", _("waiting")
    SENT = "sent", pgettext_lazy("webhook", "accepted")
    FAILED = "failed", _("failed")


class Failure(models.TextChoices):
    """Why nothing was answered."""

    NO_PUBLIC_ADDRESS = "no_public_address", _("The name leads to no public address.")
    NO_CONNECTION = "no_connection", _("No connection.")
    CERTIFICATE = "certificate", _("The certificate is not right.")
    TIME = "time", _("No answer in time.")
    NO_HTTP = "no_http", _("What came back was no HTTP.")
