from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.workflow import Machine, Transition


class AwardState(models.TextChoices):
    AGREEMENT = "agreement", pgettext_lazy("award", "agreement to be signed")
    RUNNING = "running", pgettext_lazy("award", "running")
    LAPSED = "lapsed", pgettext_lazy("award", "lapsed")


AWARD_MACHINE = Machine(
    name="award",
    label=_("award"),
    states=AwardState,
    initial=AwardState.AGREEMENT,
    transitions=(
        Transition(
            "start", (AwardState.AGREEMENT,), AwardState.RUNNING, _("Agreement signed"), "funding.start_award"
        ),
        Transition("lapse", (AwardState.AGREEMENT,), AwardState.LAPSED, _("Lapse"), "funding.start_award"),
    ),
)
