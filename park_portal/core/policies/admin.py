"""Figures of law and policy: what is in force, how sure we are, what was before; a new value follows the old one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from park_portal.core.admin import Act, StaffAdmin
from park_portal.core.policies.models import Confidence, PolicyValue
from park_portal.core.policies.services import end_policy, replace_policy


class InForceFilter(DropdownFilter):
    title = _("in force")
    parameter_name = "force"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("now", _("today")), ("past", _("no longer")), ("future", _("not yet"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        today = timezone.localdate()
        return {
            "now": lambda: queryset.in_force(today),
            "past": lambda: queryset.filter(effective_to__lt=today),
            "future": lambda: queryset.filter(effective_from__gt=today),
        }.get(self.value() or "", lambda: queryset)()


class NewValueForm(forms.Form):
    value = forms.DecimalField(label=_("new value"), max_digits=20, decimal_places=4)
    effective_from = forms.DateField(label=_("in force from"))
    source = forms.CharField(label=_("source"), max_length=300)
    confidence = forms.ChoiceField(
        label=_("how sure"), choices=Confidence.choices, initial=Confidence.VERIFIED
    )


class LastDayForm(forms.Form):
    last_day = forms.DateField(label=_("last day in force"))


def _replace(
    row: PolicyValue, *, actor: Any, value: Decimal, effective_from: date, source: str, confidence: str
) -> PolicyValue:
    return replace_policy(
        row.key, value=value, effective_from=effective_from, source=source, confidence=confidence, actor=actor
    )


@admin.register(PolicyValue)
class PolicyValueAdmin(StaffAdmin):
    list_display = ["what", "figure", "sure", "source", "effective_from", "effective_to"]
    list_filter = [InForceFilter, "confidence", "unit"]
    search_fields = ["key", "label_zh_hans", "label_en", "source"]
    search_help_text = _("Key, text or source")
    fieldsets = [
        (None, {"fields": ["key", "label", "value", "unit"]}),
        (_("Source"), {"fields": ["source", "confidence"]}),
        (_("In force"), {"fields": ["effective_from", "effective_to", "others"]}),
    ]
    readonly_fields = ["others"]
    acts = [
        Act(
            "replace",
            _replace,
            label=_("New value from a date"),
            done=_("The new value is on record and applies from its date."),
            rule="core.keep_policies",
            form=NewValueForm,
            icon="event_repeat",
            explain=_("The value in force ends the day before; what was decided under it stays as it was."),
            after=lambda _row, new: _address(new),
        ),
        Act(
            "end",
            end_policy,
            label=_("Ends on a date"),
            done=_(
                "The value ends on the day given; whatever needs one after that day must be given a new one."
            ),
            rule="core.keep_policies",
            form=LastDayForm,
            icon="event_busy",
        ),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # Code asks by key and unit: those of an existing row stay.
        return [*super().get_readonly_fields(request, obj), *(["key", "unit"] if obj is not None else [])]

    @display(description=_("what it says"), ordering="key", header=True)
    def what(self, row: PolicyValue) -> list[str]:
        return [row.label, row.key]

    @display(description=_("value"), ordering="value")
    def figure(self, row: PolicyValue) -> str:
        return _figure(row)

    @display(
        description=_("how sure"),
        ordering="confidence",
        label={"V": "success", "v": "warning", "R": "danger"},
    )
    def sure(self, row: PolicyValue) -> tuple[str, str]:
        return row.confidence, str(SHORT[row.confidence])

    @display(description=_("all values of this policy"))
    def others(self, row: PolicyValue) -> str:
        rows = PolicyValue.objects.filter(key=row.key).order_by("effective_from")
        lines = []
        for one in rows:
            figure = _figure(one)
            if one.pk != row.pk:
                figure = format_html('<a class="text-link" href="{}">{}</a>', _address(one), figure)
            lines.append((figure, one.effective_from, one.effective_to or "…", one.source))
        body = format_html_join("", '<tr><th scope="row">{}</th><td>{} – {}</td><td>{}</td></tr>', lines)
        return format_html('<table class="staff-table"><tbody>{}</tbody></table>', body)


SHORT: dict[str, Any] = {
    Confidence.VERIFIED: pgettext_lazy("policy", "confirmed"),
    Confidence.THIRD_PARTY: pgettext_lazy("policy", "second hand"),
    Confidence.RECALLED: pgettext_lazy("policy", "unconfirmed"),
}


def _figure(row: PolicyValue) -> str:
    return f"{row.value.normalize():,f} {row.get_unit_display()}"


def _address(row: models.Model) -> str:
    return reverse("admin:core_policyvalue_change", args=[row.pk])
