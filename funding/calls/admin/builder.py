"""The frame of a call's builder: its steps, and what all of its pages share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db import models
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.calls.checks import BASICS, ELIGIBILITY, FORM, STAGES, TEXTS, problems_of
from funding.calls.models import Call
from funding.calls.states import CallState
from park_portal.core.admin import StaffAdmin, StaffPage, dress
from park_portal.core.errors import Problem
from park_portal.core.workflow import may

STEPS = (
    (BASICS, gettext_lazy("Text and times"), "change"),
    (ELIGIBILITY, gettext_lazy("Who may apply"), "eligibility"),
    (FORM, gettext_lazy("Form"), "form"),
    (STAGES, gettext_lazy("Stages"), "stages"),
    (TEXTS, gettext_lazy("Notices"), "texts"),
)
OVERVIEW = gettext_lazy("Overview")


def steps_of(model_admin: StaffAdmin, call: Call, here: str) -> list[dict[str, Any]]:
    """Return the builder's pages with how much is missing on each, while the call is a draft."""
    problems = problems_of(call) if call.state == CallState.DRAFT else []
    steps = [
        {
            "label": label,
            "url": model_admin.address(page, call.pk),
            "here": here == page,
            "missing": sum(problem.field == step for problem in problems),
        }
        for step, label, page in STEPS
    ]
    preview = model_admin.address("preview", call.pk)
    steps.append({"label": _("Preview"), "url": preview, "here": here == "preview", "missing": 0})
    check = model_admin.address("check", call.pk)
    steps.append({"label": OVERVIEW, "url": check, "here": here == "check", "missing": len(problems)})
    return steps


def where_of(model_admin: StaffAdmin, call: Call, problem: Problem) -> str:
    """Return the address at which a problem is mended."""
    page = next((page for step, _label, page in STEPS if step == problem.field), "change")
    if problem.field == TEXTS and problem.anchor:
        return model_admin.address("text", call.pk, problem.anchor)
    if problem.anchor and problem.anchor.startswith("setup-"):
        question = problem.anchor.removeprefix("setup-")
        return f"{model_admin.address('question', call.pk, int(question))}#id_purpose"
    address = model_admin.address(page, call.pk)
    return f"{address}#{problem.anchor}" if problem.anchor else address


class BuilderPage(StaffPage):
    """A page of the builder: everyone on the staff reads it, who may build the call changes it while it is a draft."""

    rule = "funding.see_calls"
    fullwidth = True
    object: Any
    admin: Any

    @property
    def editable(self) -> bool:
        return may(self.request.user, "funding.build_call", self.object)

    def context(self) -> Mapping[str, Any]:
        return {
            "call": self.object,
            "editable": self.editable,
            "steps": steps_of(self.admin, self.object, self.step()),
            "is_draft": self.object.state == CallState.DRAFT,
        }

    def step(self) -> str:
        return self.name

    def do(self) -> tuple[str, int | None]:
        """Return the act that was asked for and the key of what it is about: a button's value ``name:key``."""
        name, _colon, key = self.request.POST.get("do", "").partition(":")
        return name, int(key) if key.isascii() and key.isdigit() and len(key) < 19 else None

    def of_call(self, rows: models.QuerySet[Any], pk: int | None) -> Any:
        """Return one of the call's own rows; anybody else's is a 404."""
        return get_object_or_404(rows.filter(call=self.object), pk=pk)

    def here(self, anchor: str = "") -> str:
        return f"{self.request.path}{f'#{anchor}' if anchor else ''}"

    def form_page(self, form: forms.BaseForm, **context: Any) -> HttpResponseBase:
        return self.render(form=dress(form), **context)
