from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.workflow import Machine, Transition


class Verdict(models.TextChoices):
    APPROVE = "approve", _("approve")
    RESERVE = "reserve", _("reserve")
    DECLINE = "decline", _("decline")


class DecisionState(models.TextChoices):
    PENDING = "pending", pgettext_lazy("decision", "pending")
    RELEASED = "released", pgettext_lazy("decision", "released")


DECISION_MACHINE = Machine(
    name="decision",
    label=_("decision"),
    states=DecisionState,
    initial=DecisionState.PENDING,
    transitions=(
        Transition(
            "release",
            (DecisionState.PENDING,),
            DecisionState.RELEASED,
            _("Release"),
            "funding.release_decisions",
        ),
    ),
)


class LetterState(models.TextChoices):
    DRAFT = "draft", pgettext_lazy("letter", "to be checked")
    CHECKED = "checked", pgettext_lazy("letter", "checked")
    RELEASED = "released", pgettext_lazy("letter", "released")


LETTER_MACHINE = Machine(
    name="letter",
    label=_("letter"),
    states=LetterState,
    initial=LetterState.DRAFT,
    transitions=(
        Transition("check", (LetterState.DRAFT,), LetterState.CHECKED, _("Checked"), "funding.check_letters"),
        Transition(
            "reopen",
            (LetterState.CHECKED,),
            LetterState.DRAFT,
            _("Back to checking"),
            "funding.check_letters",
        ),
        Transition(
            "release", (LetterState.CHECKED,), LetterState.RELEASED, _("Release"), "funding.release_decisions"
        ),
    ),
)
