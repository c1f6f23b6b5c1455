from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.workflow import Machine, Transition


class RequestKind(models.TextChoices):
    """What somebody asks the park to do with their data."""

    CORRECTION = "correction", pgettext_lazy("data request", "correction")
    ERASURE = "erasure", pgettext_lazy("data request", "erasure of the account")
    OTHER = "other", pgettext_lazy("data request", "explanation or objection")


class RequestState(models.TextChoices):
    OPEN = "open", pgettext_lazy("data request", "waiting for an answer")
    DONE = "done", pgettext_lazy("data request", "done")
    REFUSED = "refused", pgettext_lazy("data request", "refused")
    WITHDRAWN = "withdrawn", pgettext_lazy("data request", "withdrawn")


REQUEST_MACHINE = Machine(
    name="privacy_request",
    label=_("data request"),
    states=RequestState,
    initial=RequestState.OPEN,
    tones={RequestState.OPEN: "wait"},
    transitions=(
        Transition(
            "fulfil",
            (RequestState.OPEN,),
            RequestState.DONE,
            pgettext_lazy("data request", "Done"),
            "core.answer_data_request",
        ),
        Transition(
            "refuse",
            (RequestState.OPEN,),
            RequestState.REFUSED,
            pgettext_lazy("data request", "Refuse"),
            "core.answer_data_request",
        ),
        Transition(
            "withdraw",
            (RequestState.OPEN,),
            RequestState.WITHDRAWN,
            pgettext_lazy("data request", "Withdraw"),
            "core.withdraw_data_request",
        ),
    ),
)
