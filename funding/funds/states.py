from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class FundKind(models.TextChoices):
    DEDICATED = "dedicated", _("dedicated fund")
    MARKET = "market", _("market-based fund")


class Track(models.TextChoices):
    AI = "ai", _("Artificial intelligence (AI)")
    BT = "bt", _("Biotechnology (BT)")
    AI_BT = "ai_bt", _("AI + BT")
    OPEN = "open", pgettext_lazy("track", "any field")


class Source(models.TextChoices):
    """Where the money of a fund comes from."""

    DISTRICT = "district", pgettext_lazy("source of money", "District")
    UNIVERSITY = "university", pgettext_lazy("source of money", "University")
    PARTNER = "partner", pgettext_lazy("source of money", "partner")


class BudgetPurpose(models.TextChoices):
    """What a part of a fund is for."""

    VALIDATION = "validation", _("concept validation")
    RESEARCH = "research", _("research and development")
    CONVERTIBLE = "convertible", _("convertible grants")
    PLATFORM = "platform", _("shared platforms")
    OPERATION = "operation", _("running the fund")
