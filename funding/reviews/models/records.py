from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from funding.applications.models import Application
from funding.calls.models import Call, Stage
from funding.calls.states import Scoring
from funding.reviews.rules import barred_from
from funding.reviews.states import CalculationKind, PlanFloor, PlanMethod
from park_portal.core.accounts.rules import sees_records
from park_portal.core.audit.models import append_only
from park_portal.core.invariants import Agrees, one_of


def fingerprint(inputs: Any) -> str:
    """Return the SHA-256 (64 hexadecimal digits) of ``inputs`` written as JSON with sorted keys."""
    text = json.dumps(
        inputs, cls=DjangoJSONEncoder, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.sha256(text.encode()).hexdigest()


class CalculationQuerySet(models.QuerySet["Calculation"]):
    def visible_to(self, user: Any) -> CalculationQuerySet:
        """Staff see all, but of a call in which a conflict of interest keeps them from an application.

        What a calculation says to others, other rooms tell them.
        """
        if not (user.is_authenticated and sees_records(user)):
            return self.none()
        barred = Application.objects.filter(pk__in=barred_from(user))
        return self.exclude(call__in=barred.values("call"))


class Calculation(models.Model):
    """One calculation that a decision rests on: by which method, from which inputs, with which seed, what came out."""

    call = models.ForeignKey(
        Call, verbose_name=_("call"), on_delete=models.PROTECT, related_name="calculations"
    )
    stage = models.ForeignKey(
        Stage,
        verbose_name=_("stage"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="calculations",
    )
    kind = models.CharField(_("kind"), max_length=12, choices=CalculationKind)
    method = models.CharField(_("method"), max_length=200)
    seed = models.CharField(_("seed"), max_length=64, blank=True)
    inputs_sha256 = models.CharField(_("fingerprint of the inputs"), max_length=64)
    parameters = models.JSONField(_("settings"), default=dict, encoder=DjangoJSONEncoder)
    result = models.JSONField(_("result"), default=dict, encoder=DjangoJSONEncoder)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("made by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    made_at = models.DateTimeField(_("made"), default=timezone.now)

    objects = CalculationQuerySet.as_manager()

    class Meta:
        verbose_name = _("calculation")
        verbose_name_plural = _("calculations")
        ordering = ["-id"]
        constraints = [one_of("calculation_kind_known", "kind", CalculationKind)]
        indexes = [models.Index(fields=["call", "kind", "-id"], name="calculation_by_call")]
        triggers = [
            *append_only("calculation"),
            Agrees(name="calculation_stage_of_its_call", same={"stage.call": "call"}),
        ]

    def __str__(self) -> str:
        return f"{self.call.code} · {self.get_kind_display()} · {self.made_at:%Y-%m-%d}"

    @property
    def method_label(self) -> str:
        """The method in words; what is kept is the same in every language."""
        if self.method in Scoring.values:
            return str(Scoring(self.method).label)
        floor = re.fullmatch(r"assign\(floor=(\w+)\)", self.method)
        if floor is not None and floor[1] in PlanFloor.values:
            return f"{PlanMethod.OPTIMAL.label} · {PlanFloor(floor[1]).label}"
        if self.method in PlanMethod.values:
            return str(PlanMethod(self.method).label)
        return gettext(self.method)
