from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.workflow import Machine, Transition


class DealStage(models.TextChoices):
    """How far a company is with raising money."""

    SEED = "seed", pgettext_lazy("round of investment", "seed")
    ANGEL = "angel", pgettext_lazy("round of investment", "angel")
    PRE_A = "pre_a", pgettext_lazy("round of investment", "pre-A")
    A = "a", pgettext_lazy("round of investment", "A")
    B = "b", pgettext_lazy("round of investment", "B")
    LATER = "later", pgettext_lazy("round of investment", "C and later")


class MandateTrack(models.TextChoices):
    AI = "ai", _("Artificial intelligence (AI)")
    BT = "bt", _("Biotechnology (BT)")
    AI_BT = "ai_bt", _("AI + BT")


class DealState(models.TextChoices):
    SUGGESTED = "suggested", pgettext_lazy("deal", "suggested")
    SCREENING = "screening", pgettext_lazy("deal", "screening")
    MEETING = "meeting", pgettext_lazy("deal", "meeting")
    DILIGENCE = "diligence", pgettext_lazy("deal", "due diligence")
    COMMITTEE = "committee", pgettext_lazy("deal", "investment committee")
    TERM_SHEET = "term_sheet", pgettext_lazy("deal", "term sheet")
    CLOSED = "closed", pgettext_lazy("deal", "closed")
    PASSED = "passed", pgettext_lazy("deal", "passed")


OPEN_DEAL: Final = tuple(state for state in DealState if state not in (DealState.CLOSED, DealState.PASSED))
# The list of diligence is settled by then.
BEYOND_DILIGENCE: Final = (DealState.COMMITTEE, DealState.TERM_SHEET, DealState.CLOSED)
_MOVE: Final = "funding.move_deal"

DEAL_MACHINE = Machine(
    name="deal",
    label=_("deal"),
    states=DealState,
    initial=DealState.SUGGESTED,
    tones={DealState.CLOSED: "good", DealState.SUGGESTED: "info", DealState.PASSED: "neutral"},
    transitions=(
        Transition("screen", (DealState.SUGGESTED,), DealState.SCREENING, _("Take up for screening"), _MOVE),
        Transition("meet", (DealState.SCREENING,), DealState.MEETING, _("Meet the company"), _MOVE),
        Transition("examine", (DealState.MEETING,), DealState.DILIGENCE, _("Begin due diligence"), _MOVE),
        Transition(
            "present", (DealState.DILIGENCE,), DealState.COMMITTEE, _("Bring to the committee"), _MOVE
        ),
        Transition(
            "reexamine", (DealState.COMMITTEE,), DealState.DILIGENCE, _("Back to due diligence"), _MOVE
        ),
        Transition("offer", (DealState.COMMITTEE,), DealState.TERM_SHEET, _("Offer a term sheet"), _MOVE),
        Transition("close", (DealState.TERM_SHEET,), DealState.CLOSED, pgettext_lazy("deal", "Close"), _MOVE),
        Transition("decline", OPEN_DEAL, DealState.PASSED, pgettext_lazy("deal", "Pass"), _MOVE),
    ),
)


class ItemState(models.TextChoices):
    OPEN = "open", pgettext_lazy("diligence", "open")
    CLEARED = "cleared", pgettext_lazy("diligence", "cleared")
    WAIVED = "waived", pgettext_lazy("diligence", "waived")


class ItemKind(models.TextChoices):
    IP_CHAIN = "ip_chain", _("chain of intellectual property")
    LICENCE = "licence", _("licence of the university")
    COMPLIANCE = "compliance", _("approvals and filings")
    CORPORATE = "corporate", _("company, shareholders, cap table")
    FINANCE = "finance", _("accounts and tax")
    TEAM = "team", _("team and non-competition")
    CONTRACTS = "contracts", _("contracts and disputes")
    OTHER = "other", pgettext_lazy("diligence", "other")


# What each deal is examined for; staff add what else it takes.
STANDARD_ITEMS: Final = tuple(kind for kind in ItemKind if kind != ItemKind.OTHER)

ITEM_MACHINE = Machine(
    name="diligence_item",
    label=_("point of due diligence"),
    states=ItemState,
    initial=ItemState.OPEN,
    tones={ItemState.OPEN: "wait", ItemState.CLEARED: "good", ItemState.WAIVED: "neutral"},
    transitions=(
        Transition(
            "clear", (ItemState.OPEN,), ItemState.CLEARED, _("Note as cleared"), "funding.settle_item"
        ),
        Transition("waive", (ItemState.OPEN,), ItemState.WAIVED, _("Waive"), "funding.settle_item"),
        Transition(
            "reopen",
            (ItemState.CLEARED, ItemState.WAIVED),
            ItemState.OPEN,
            pgettext_lazy("diligence", "Open again"),
            "funding.settle_item",
        ),
    ),
)


class RoundState(models.TextChoices):
    PLANNED = "planned", pgettext_lazy("round of investment", "planned")
    CLOSED = "closed", pgettext_lazy("round of investment", "closed")
    DROPPED = "dropped", pgettext_lazy("round of investment", "dropped")


ROUND_MACHINE = Machine(
    name="funding_round",
    label=_("round of investment"),
    states=RoundState,
    initial=RoundState.PLANNED,
    tones={RoundState.CLOSED: "good", RoundState.PLANNED: "info", RoundState.DROPPED: "neutral"},
    transitions=(
        Transition(
            "close",
            (RoundState.PLANNED,),
            RoundState.CLOSED,
            pgettext_lazy("round of investment", "Close"),
            "funding.keep_portfolio",
        ),
        Transition(
            "drop",
            (RoundState.PLANNED,),
            RoundState.DROPPED,
            pgettext_lazy("round of investment", "Drop"),
            "funding.keep_portfolio",
        ),
    ),
)


class Instrument(models.TextChoices):
    EQUITY = "equity", _("equity")
    CONVERTIBLE = "convertible", _("convertible loan or grant")
    SAFE = "safe", _("right to future shares (SAFE-like)")
    LOAN = "loan", pgettext_lazy("instrument", "loan")


CONVERTS: Final = (Instrument.CONVERTIBLE, Instrument.SAFE)


class ConversionBasis(models.TextChoices):
    """Which price a conversion was made at: the lowest of those that its terms allow."""

    ROUND = "round", _("price of the round")
    CAP = "cap", _("valuation cap")
    DISCOUNT = "discount", pgettext_lazy("conversion", "discount")


class ValuationMethod(models.TextChoices):
    LAST_ROUND = "last_round", _("price of the last round")
    COMPARABLES = "comparables", _("comparable companies")
    CASH_FLOWS = "cash_flows", _("discounted cash flows")
    NET_ASSETS = "net_assets", _("net assets")
    MILESTONES = "milestones", _("cost, adjusted by milestones")
    WRITTEN_OFF = "written_off", _("written off")


class DistributionKind(models.TextChoices):
    DIVIDEND = "dividend", _("dividend")
    INTEREST = "interest", _("interest")
    REPAYMENT = "repayment", _("repayment")
    SALE = "sale", _("sale of shares")
