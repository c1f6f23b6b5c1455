from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

CNY = "CNY"


class Side(models.TextChoices):
    """The side of an account on which it grows."""

    DEBIT = "debit", pgettext_lazy("ledger", "debit")
    CREDIT = "credit", pgettext_lazy("ledger", "credit")


class Step(models.TextChoices):
    """What a transfer does: rows are never changed, so what becomes of a pending one is a row of its own."""

    DIRECT = "direct", pgettext_lazy("transfer", "posted")
    PENDING = "pending", pgettext_lazy("transfer", "pending")
    POST = "post", pgettext_lazy("transfer", "pending one posted")
    VOID = "void", pgettext_lazy("transfer", "pending one voided")
    EXPIRE = "expire", pgettext_lazy("transfer", "pending one expired")
    REVERSAL = "reversal", pgettext_lazy("transfer", "reversal")


# Those that move money, those that end a pending one.
MOVES = (Step.DIRECT, Step.POST, Step.REVERSAL)
ENDS = (Step.POST, Step.VOID, Step.EXPIRE)


class Standing(models.TextChoices):
    """What has become of a transfer: read from the rows that point at it."""

    PENDING = "pending", pgettext_lazy("transfer", "pending")
    POSTED = "posted", pgettext_lazy("transfer", "posted")
    VOIDED = "voided", pgettext_lazy("transfer", "voided")
    EXPIRED = "expired", pgettext_lazy("transfer", "expired")
    REVERSED = "reversed", pgettext_lazy("transfer", "reversed")


class Software(models.TextChoices):
    """The form in which a journal is handed to the accounting software."""

    EXCEL = "xlsx", _("Excel")
    CSV = "csv", _("CSV, UTF-8")
    CSV_GBK = "csv-gbk", _("CSV, GBK (for older software)")
