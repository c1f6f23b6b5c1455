from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.workflow import Machine, Transition


class DisbursementState(models.TextChoices):
    ASKED = "asked", pgettext_lazy("disbursement", "asked for")
    RETURNED = "returned", pgettext_lazy("disbursement", "returned for changes")
    CHECKED = "checked", pgettext_lazy("disbursement", "evidence checked")
    APPROVED = "approved", pgettext_lazy("disbursement", "approved")
    RELEASED = "released", pgettext_lazy("disbursement", "released to the bank")
    PAID = "paid", pgettext_lazy("disbursement", "paid")
    BOUNCED = "bounced", pgettext_lazy("disbursement", "sent back by the bank")
    CANCELLED = "cancelled", pgettext_lazy("disbursement", "cancelled")


_S = DisbursementState

# Nothing more becomes of these.
OVER = (_S.PAID, _S.CANCELLED)

# Three people of the park stand behind each payment; that they are three is kept by the table's own constraints.
DISBURSEMENT_MACHINE = Machine(
    name="disbursement",
    label=_("disbursement"),
    states=DisbursementState,
    initial=DisbursementState.ASKED,
    tones={
        _S.ASKED: "wait",
        _S.CHECKED: "wait",
        _S.APPROVED: "wait",
        _S.RELEASED: "info",
        _S.PAID: "good",
        _S.BOUNCED: "bad",
    },
    transitions=(
        Transition("check", (_S.ASKED,), _S.CHECKED, _("Evidence is in order"), "funding.check_disbursement"),
        Transition(
            "return",
            (_S.ASKED, _S.CHECKED, _S.APPROVED),
            _S.RETURNED,
            _("Return for changes"),
            "funding.return_disbursement",
        ),
        Transition(
            "ask_again", (_S.RETURNED, _S.BOUNCED), _S.ASKED, _("Ask again"), "funding.ask_disbursement"
        ),
        Transition("approve", (_S.CHECKED,), _S.APPROVED, _("Approve"), "funding.approve_disbursement"),
        Transition("release", (_S.APPROVED,), _S.RELEASED, _("Release"), "funding.release_disbursement"),
        Transition("pay", (_S.RELEASED,), _S.PAID, _("Paid by the bank"), "funding.settle_disbursement"),
        # Wrong account, closed account: at once, or days after the bank had paid it.
        Transition(
            "bounce",
            (_S.RELEASED, _S.PAID),
            _S.BOUNCED,
            _("Sent back by the bank"),
            "funding.settle_disbursement",
        ),
        Transition(
            "cancel",
            (_S.ASKED, _S.RETURNED, _S.BOUNCED, _S.CHECKED, _S.APPROVED),
            _S.CANCELLED,
            _("Cancel"),
            "funding.cancel_disbursement",
        ),
    ),
)


class BatchState(models.TextChoices):
    OPEN = "open", pgettext_lazy("payment batch", "approved, to be released")
    RELEASED = "released", pgettext_lazy("payment batch", "released to the bank")


BATCH_MACHINE = Machine(
    name="payment_batch",
    label=_("payment batch"),
    states=BatchState,
    initial=BatchState.OPEN,
    tones={BatchState.OPEN: "wait", BatchState.RELEASED: "good"},
    transitions=(
        Transition(
            "release", (BatchState.OPEN,), BatchState.RELEASED, _("Release"), "funding.release_disbursement"
        ),
    ),
)


class LineVerdict(models.TextChoices):
    """What a line of a bank statement is about."""

    MATCHED = "matched", pgettext_lazy("bank statement", "matched")
    AMOUNT = "amount", pgettext_lazy("bank statement", "another amount")
    TWICE = "twice", pgettext_lazy("bank statement", "paid twice")
    UNKNOWN = "unknown", pgettext_lazy("bank statement", "no such payment")
    EARLY = "early", pgettext_lazy("bank statement", "paid but not released")
    SENT_BACK = "sent_back", pgettext_lazy("bank statement", "sent back by the bank")
    BOOKED = "booked", pgettext_lazy("bank statement", "booked before")
    OTHER = "other", pgettext_lazy("bank statement", "not a payment of an award")


# What somebody has to look into.
DIFFERENCES = (
    LineVerdict.AMOUNT,
    LineVerdict.TWICE,
    LineVerdict.UNKNOWN,
    LineVerdict.EARLY,
    LineVerdict.SENT_BACK,
)


class FileForm(models.TextChoices):
    """The form in which payments are handed to the bank."""

    CSV = "csv", _("CSV, UTF-8")
    CSV_GBK = "csv-gbk", _("CSV, GBK (for older bank software)")
