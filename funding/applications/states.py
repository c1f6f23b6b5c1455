from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.workflow import Machine, Transition


class ApplicationState(models.TextChoices):
    DRAFT = "draft", pgettext_lazy("application", "draft")
    IN_REVIEW = "in_review", pgettext_lazy("application", "in review")
    RETURNED = "returned", pgettext_lazy("application", "returned for changes")
    WITHDRAWN = "withdrawn", pgettext_lazy("application", "withdrawn")
    REJECTED = "rejected", pgettext_lazy("application", "not passed")
    RESERVED = "reserved", pgettext_lazy("application", "on the reserve list")
    APPROVED = "approved", pgettext_lazy("application", "approved")
    DECLINED = "declined", pgettext_lazy("application", "declined")


_DRAFT, _IN_REVIEW, _RETURNED = ApplicationState.DRAFT, ApplicationState.IN_REVIEW, ApplicationState.RETURNED
_RESERVED = ApplicationState.RESERVED

APPLICATION_MACHINE = Machine(
    name="application",
    label=_("application"),
    states=ApplicationState,
    initial=_DRAFT,
    transitions=(
        Transition("submit", (_DRAFT,), _IN_REVIEW, _("Submit"), "funding.submit_application"),
        Transition("return", (_IN_REVIEW,), _RETURNED, _("Return for changes"), "funding.return_application"),
        Transition("resubmit", (_RETURNED,), _IN_REVIEW, _("Submit again"), "funding.submit_application"),
        Transition(
            "withdraw",
            (_DRAFT, _IN_REVIEW, _RETURNED, _RESERVED),
            ApplicationState.WITHDRAWN,
            _("Withdraw"),
            "funding.withdraw_application",
        ),
        Transition(
            "reject",
            (_IN_REVIEW, _RETURNED),
            ApplicationState.REJECTED,
            _("Reject"),
            "funding.reject_application",
        ),
        Transition(
            "approve",
            (_IN_REVIEW, _RESERVED),
            ApplicationState.APPROVED,
            _("Approve"),
            "funding.release_decisions",
        ),
        Transition(
            "decline",
            (_IN_REVIEW, _RESERVED),
            ApplicationState.DECLINED,
            _("Decline"),
            "funding.release_decisions",
        ),
        Transition(
            "reserve", (_IN_REVIEW,), _RESERVED, _("Put on the reserve list"), "funding.release_decisions"
        ),
    ),
)

EDITABLE = (_DRAFT, _RETURNED)
ENDED = (
    ApplicationState.WITHDRAWN,
    ApplicationState.REJECTED,
    ApplicationState.APPROVED,
    ApplicationState.DECLINED,
)
DECIDED = (ApplicationState.APPROVED, ApplicationState.DECLINED, ApplicationState.RESERVED)
