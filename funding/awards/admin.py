from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from funding.awards.models import Award
from funding.awards.services import lapse_award, refuse_held, refuse_unheld, reserve_award, start_award
from funding.awards.states import AwardState
from funding.funds.models import BudgetLine
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, label_acts, money, state_label
from park_portal.core.admin.home import Line, StaffCard, list_url, staff_card

label_acts({"award.open": _("award opened"), "award.reserve": _("money held")})

SHOWN: Final = 8


class LapseForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=400)


class ReserveForm(forms.Form):
    """The budget line of the award's own fund that pays it."""

    needs_object = True

    line: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("budget line"), queryset=BudgetLine.objects.none()
    )

    def __init__(self, *args: Any, obj: Award, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lines = BudgetLine.objects.filter(fund=obj.fund_id).select_related("fund")
        self.fields["line"].queryset = lines  # type: ignore[attr-defined] # a model's choices


@admin.register(Award)
class AwardAdmin(ReadOnly, StaffAdmin):
    list_display = ["number", "title", "holder", "amount", "fund", "state_label", "awarded_at"]
    list_filter = ["state", "fund", "application__call"]
    search_fields = ["number", "title"]
    list_select_related = ["fund", "organisation", "project"]
    acts = [
        Act(
            "reserve",
            reserve_award,
            label=_("Hold its money"),
            rule="funding.start_award",
            form=ReserveForm,
            icon="lock",
            sources=(AwardState.AGREEMENT,),
            explain=_("The amount is held in the budget line until the agreement is signed."),
            check=refuse_held,
            done=_("The money is held."),
        ),
        Act(
            "start",
            start_award,
            done=_("The agreement is noted as signed; the award is under way."),
            icon="play_arrow",
            explain=_("The agreement is signed by both sides."),
            check=refuse_unheld,
        ),
        Act(
            "lapse",
            lapse_award,
            done=_("The award has lapsed; nothing is paid from it."),
            form=LapseForm,
            icon="block",
            danger=True,
        ),
    ]

    state_label = state_label()
    amount = money("amount_fen", _("amount"))

    @admin.display(description=_("who holds it"))
    def holder(self, obj: Award) -> str:
        return str(obj.organisation or obj.project)


@staff_card(order=24)
def awards_to_sign(user: Any) -> StaffCard | None:
    """For fund managers: awards whose agreement is to be signed, those without money first."""
    if not user.has_perm("funding.start_award"):
        return None
    waiting = Award.objects.filter(state=AwardState.AGREEMENT).order_by(
        models.F("budget_line").asc(nulls_first=True), "awarded_at"
    )
    lines = [
        Line(
            title=str(award),
            url=reverse("admin:funding_award_change", args=[award.pk]),
            detail=_("agreement to be signed") if award.budget_line_id else _("no money held"),
            tone="" if award.budget_line_id else "wait",
        )
        for award in waiting[:SHOWN]
    ]
    if not lines:
        return None
    return StaffCard(
        _("Awards to be signed"),
        lines=lines,
        more_url=list_url("funding.award", state__exact=AwardState.AGREEMENT.value),
        more_label=_("All awards"),
    )
