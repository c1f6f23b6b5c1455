"""Calculations that decisions rest on, and the pledge that reviewers sign: read, never changed."""

from __future__ import annotations

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from funding.reviews.models import Calculation, Pledge
from park_portal.core.admin import ReadOnly, StaffAdmin


@admin.register(Pledge)
class PledgeAdmin(ReadOnly, StaffAdmin):
    """The words that reviewers sign before they read; each review says which version was signed, and when."""

    view_rule = "funding.see_reviews"
    list_display = ["__str__", "effective_from", "text"]
    search_fields = ["text_zh_hans", "text_en"]
    ordering = ["-version"]
    fields = ["version", "effective_from", "text_zh_hans", "text_en"]


@admin.register(Calculation)
class CalculationAdmin(ReadOnly, StaffAdmin):
    """What was worked out, by which method, with which seed; anyone who has the inputs can repeat it."""

    view_rule = "funding.see_reviews"
    list_display = ["call", "kind", "method_shown", "seed", "made_by", "made_at"]
    list_filter = ["kind", "call"]
    list_select_related = ["call", "made_by"]
    list_fields = ["call", "kind", "method", "seed", "made_by", "made_at"]
    search_fields = ["call__code", "seed"]
    ordering = ["-pk"]
    fields = [
        "call",
        "stage",
        "kind",
        "method_shown",
        "seed",
        "inputs_sha256",
        "parameters_shown",
        "result_shown",
        "made_by",
        "made_at",
    ]
    readonly_fields = ["method_shown", "parameters_shown", "result_shown"]

    @display(description=gettext_lazy("method"), ordering="method")
    def method_shown(self, calculation: Calculation) -> str:
        return calculation.method_label

    @display(description=gettext_lazy("settings"))
    def parameters_shown(self, calculation: Calculation) -> str:
        return _as_text(calculation.parameters)

    @display(description=gettext_lazy("result"))
    def result_shown(self, calculation: Calculation) -> str:
        return _as_text(calculation.result)


def _as_text(value: object) -> str:
    return format_html("<pre>{}</pre>", json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True))
