"""What staff type about the money of a fund."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.funds.models import BudgetLine, Fund
from funding.funds.states import BudgetPurpose, Source, Track
from incubator.organisations.models import Organisation
from park_portal.core.forms import MoneyInput


class CommitmentForm(forms.Form):
    fund: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("fund"), queryset=Fund.objects.filter(active=True)
    )
    organisation: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("partner"), queryset=Organisation.objects.in_use().order_by("normalised_name")
    )
    source = forms.ChoiceField(label=_("source"), choices=Source.choices)
    amount_fen = MoneyInput(label=_("amount"))
    agreed_on = forms.DateField(label=_("agreed on"))
    note = forms.CharField(label=_("note"), max_length=300, required=False)


class ContributionForm(forms.Form):
    amount_fen = MoneyInput(label=_("amount"))
    on = forms.DateField(label=_("arrived on"), help_text=_("As the bank statement says."))
    bank_reference = forms.CharField(
        label=_("bank reference"),
        max_length=60,
        help_text=_("The bank's own number of this payment: the same number counts once."),
    )


class LineForm(forms.Form):
    fund: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("fund"), queryset=Fund.objects.filter(active=True)
    )
    year = forms.IntegerField(
        label=_("year"), min_value=2020, max_value=2100, initial=lambda: timezone.localdate().year
    )
    track = forms.ChoiceField(label=_("track"), choices=Track.choices)
    purpose = forms.ChoiceField(label=_("purpose"), choices=BudgetPurpose.choices)
    note = forms.CharField(label=_("note"), max_length=300, required=False)


class AmountForm(forms.Form):
    amount_fen = MoneyInput(label=_("amount"))
    reason = forms.CharField(label=_("Reason"), max_length=300)


class ShiftForm(AmountForm):
    """To which line of the same fund; ``obj`` is the line it is taken from."""

    needs_object = True
    field_order = ("to", "amount_fen", "reason")

    to: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("to budget line"), queryset=BudgetLine.objects.none()
    )

    def __init__(self, *args: Any, obj: BudgetLine, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = BudgetLine.objects.filter(fund=obj.fund_id).exclude(pk=obj.pk).select_related("fund")
        self.fields["to"].queryset = others  # type: ignore[attr-defined] # a model's choices


class YearForm(forms.Form):
    year = forms.IntegerField(
        label=_("year"), min_value=2020, max_value=2100, initial=lambda: timezone.localdate().year - 1
    )


class DayForm(forms.Form):
    on = forms.DateField(label=_("at the end of"))
