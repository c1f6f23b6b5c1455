"""What several lists of this room show alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from funding.applications.models import Application
from funding.reviews.services import kept_from
from park_portal.core.accounts.models import User
from park_portal.core.errors import Text
from park_portal.core.templatetags.portal import until

RUN_RELATED = (
    "stage",
    "application__call__lead",
    "application__organisation",
    "application__project__university",
    "application__project__faculty",
)


class DueFilter(admin.SimpleListFilter):
    """Stages and reviews by how near their deadline is."""

    title = gettext_lazy("due")
    parameter_name = "due"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        return [("overdue", gettext_lazy("overdue")), ("today", gettext_lazy("today"))]

    def queryset(self, request: Any, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        now = timezone.now()
        if self.value() == "overdue":
            return queryset.filter(due_at__lt=now)
        if self.value() == "today":
            return queryset.filter(due_at__gte=now, due_at__date=timezone.localdate(now))
        return queryset


class ShowsDue:
    """A deadline as it reads on the portal."""

    @display(description=gettext_lazy("due"), ordering="due_at")
    def due_shown(self, obj: Any) -> str:
        return until(obj.due_at)


def closed_to(user: User, applications: Iterable[Application]) -> list[tuple[str, Text]]:
    """Return (number, reason) of those applications that a conflict of interest keeps ``user`` from."""
    numbers = {one.pk: one.number or "—" for one in applications}
    return [(numbers[pk], reason) for pk, reason in kept_from(user, numbers).items()]
