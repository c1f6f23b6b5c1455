"""Dated rules: what a law or policy says, from when to when, by which source, and how sure we are."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.money import yuan_to_fen


class Unit(models.TextChoices):
    """What a value counts."""

    COUNT = "count", pgettext_lazy("unit", "number")
    PERCENT = "percent", pgettext_lazy("unit", "%")
    YUAN = "yuan", pgettext_lazy("unit", "yuan")
    SQUARE_METRES = "m2", pgettext_lazy("unit", "m²")
    PER_1000_M2 = "per_1000_m2", pgettext_lazy("unit", "per 1,000 m²")
    HOURS = "hours", pgettext_lazy("unit", "hours")
    DAYS = "days", pgettext_lazy("unit", "days")
    WORKING_DAYS = "working_days", pgettext_lazy("unit", "working days")
    MONTHS = "months", pgettext_lazy("unit", "months")
    YEARS = "years", pgettext_lazy("unit", "years")
    DATE = "mmdd", pgettext_lazy("unit", "date of the year (MMDD)")
    RATIO = "ratio", pgettext_lazy("unit", "ratio")


class Confidence(models.TextChoices):
    """How the figure was come by."""

    VERIFIED = "V", _("read in the law or on an official page")
    THIRD_PARTY = "v", _("read on a third party's page")
    RECALLED = "R", _("recalled, to be confirmed")


class Period(Func):
    """The days from ``effective_from`` to ``effective_to``, both included; open when there is no end."""

    function = "DATERANGE"
    output_field = DateRangeField()


class PolicyQuerySet(models.QuerySet["PolicyValue"]):
    """Policy rows by date."""

    def in_force(self, on: date) -> PolicyQuerySet:
        """Return the rows in force on ``on``: at most one a key."""
        return self.filter(Q(effective_to__isnull=True) | Q(effective_to__gte=on), effective_from__lte=on)


class PolicyValue(models.Model):
    """One figure that a law, a policy or the park's own rule sets, for a period."""

    key = models.CharField(
        _("key"),
        max_length=80,
        validators=[RegexValidator(r"^[a-z0-9_]+(\.[a-z0-9_]+)+$", _("Lower-case words joined by points."))],
    )
    label = models.CharField(_("what it says"), max_length=200)
    value = models.DecimalField(_("value"), max_digits=20, decimal_places=4)
    unit = models.CharField(_("unit"), max_length=16, choices=Unit)
    source = models.CharField(_("source"), max_length=300)
    confidence = models.CharField(
        _("how sure"), max_length=1, choices=Confidence, default=Confidence.RECALLED
    )
    effective_from = models.DateField(_("in force from"))
    effective_to = models.DateField(
        _("in force to"), null=True, blank=True, help_text=_("The last day; empty while there is no end.")
    )
    edited = models.BooleanField(
        _("edited here"), default=True, editable=False, help_text=_("Releases no longer update the row.")
    )

    objects = PolicyQuerySet.as_manager()

    class Meta:
        ordering = ["key", "-effective_from"]
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        constraints = [
            models.CheckConstraint(
                name="policy_ends_after_it_begins",
                condition=Q(effective_to__isnull=True) | Q(effective_to__gte=F("effective_from")),
                violation_error_message=_("A policy cannot end before it begins."),
            ),
            ExclusionConstraint(
                name="policy_one_value_a_day",
                expressions=[
                    ("key", RangeOperators.EQUAL),
                    (
                        Period(
                            "effective_from",
                            "effective_to",
                            RangeBoundary(inclusive_lower=True, inclusive_upper=True),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message=_(
                    "Another value of this policy is in force in the same period. End it first."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} = {self.value.normalize():f} {self.get_unit_display()}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save a row that a person wrote: releases leave it alone from now on."""
        self.edited = True
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "edited"}
        super().save(*args, **kwargs)

    @property
    def verified(self) -> bool:
        """Whether the figure was read in the law itself; else screens that rely on it say "unconfirmed"."""
        return self.confidence == Confidence.VERIFIED

    @property
    def number(self) -> int:
        """The value as a whole number (days, months, people); ``ValueError`` when it is none."""
        if self.value != self.value.to_integral_value():
            raise ValueError(f"{self.key} is {self.value}, not a whole number")
        return int(self.value)

    @property
    def fen(self) -> int:
        """The value as money, in fen; ``ValueError`` when it is not an amount."""
        if self.unit != Unit.YUAN:
            raise ValueError(f"{self.key} is in {self.unit}, not in yuan")
        return yuan_to_fen(self.value)
