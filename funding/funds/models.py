from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from park_portal.core.money import MoneyField

if TYPE_CHECKING:
    from park_portal.core.accounts.models import User


class FundKind(models.TextChoices):
    DEDICATED = "dedicated", _("dedicated fund")
    MARKET = "market", _("market-based fund")


class FundQuerySet(models.QuerySet["Fund"]):
    def visible_to(self, user: User) -> FundQuerySet:
        """Funds are public: they are named on every call."""
        return self


class Fund(models.Model):
    """One pot of money that calls give from."""

    name = models.CharField(_("name"), max_length=120)
    code = models.SlugField(_("code"), max_length=20, unique=True)
    kind = models.CharField(_("kind"), max_length=12, choices=FundKind, default=FundKind.DEDICATED)
    summary = models.TextField(_("summary"), blank=True)
    size_fen = MoneyField(_("size"), null=True, blank=True)
    active = models.BooleanField(_("in use"), default=True)

    objects = FundQuerySet.as_manager()

    class Meta:
        verbose_name = _("fund")
        verbose_name_plural = _("funds")
        ordering = ["code"]
        constraints = [models.CheckConstraint(name="fund_size_positive", condition=models.Q(size_fen__gte=0))]

    def __str__(self) -> str:
        return self.name
