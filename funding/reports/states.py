from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.workflow import Machine, Transition


class ReportKind(models.TextChoices):
    INTERIM = "interim", _("interim report")
    FINAL = "final", _("final report")


class ReportState(models.TextChoices):
    DUE = "due", pgettext_lazy("report", "to be written")
    SUBMITTED = "submitted", pgettext_lazy("report", "to be read")
    RETURNED = "returned", pgettext_lazy("report", "returned for changes")
    ACCEPTED = "accepted", pgettext_lazy("report", "accepted")


_R = ReportState
# In which the grantee may still write.
OPEN = (_R.DUE, _R.RETURNED)

REPORT_MACHINE = Machine(
    name="report",
    label=_("report"),
    states=ReportState,
    initial=_R.DUE,
    tones={_R.DUE: "neutral", _R.SUBMITTED: "wait", _R.RETURNED: "bad", _R.ACCEPTED: "good"},
    transitions=(
        Transition("submit", OPEN, _R.SUBMITTED, _("Send the report"), "funding.write_report"),
        Transition("return", (_R.SUBMITTED,), _R.RETURNED, _("Return for changes"), "funding.decide_report"),
        Transition("accept", (_R.SUBMITTED,), _R.ACCEPTED, _("Accept"), "funding.decide_report"),
    ),
)
