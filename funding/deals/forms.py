"""What staff type about deals, rounds and holdings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from funding.awards.models import Award
from funding.deals.models import Deal, Investment, Mandate, Round
from funding.deals.services import suggest_deals
from funding.deals.states import (
    CONVERTS,
    DealStage,
    DistributionKind,
    Instrument,
    ItemKind,
    MandateTrack,
    RoundState,
    ValuationMethod,
)
from funding.funds.models import Fund
from funding.funds.states import FundKind
from incubator.organisations.models import Organisation
from incubator.organisations.states import OrganisationKind
from incubator.projects.models import ResearchProject
from park_portal.core.errors import DomainError
from park_portal.core.forms import MoneyInput


def companies() -> Any:
    kinds = [OrganisationKind.STARTUP, OrganisationKind.COMPANY]
    return Organisation.objects.in_use().filter(kind__in=kinds).order_by("normalised_name")


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=2000, widget=forms.Textarea)


class NoteForm(forms.Form):
    note = forms.CharField(label=_("note"), max_length=2000, widget=forms.Textarea, required=False)


class WaiveForm(forms.Form):
    note = forms.CharField(label=_("Reason"), max_length=2000, widget=forms.Textarea)


class ItemForm(forms.Form):
    kind = forms.ChoiceField(label=_("kind"), choices=ItemKind.choices, initial=ItemKind.OTHER)
    title = forms.CharField(label=_("what is to be cleared"), max_length=200, required=False)


class MandateForm(forms.Form):
    manager: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("managed by"),
        queryset=Organisation.objects.in_use().order_by("normalised_name"),
        required=False,
    )
    manager_name = forms.CharField(
        label=_("manager, where it is no organisation of the portal"), max_length=120, required=False
    )
    tracks = forms.MultipleChoiceField(
        label=_("fields"), choices=MandateTrack.choices, required=False, help_text=_("None: any field.")
    )
    stages = forms.MultipleChoiceField(
        label=_("stages"), choices=DealStage.choices, required=False, help_text=_("None: any stage.")
    )
    regions = forms.CharField(
        label=_("regions"),
        max_length=400,
        required=False,
        help_text=_("Words of the registered address, such as 青浦, parted by commas. None: anywhere."),
    )
    ticket_from_fen = MoneyInput(label=_("ticket from"))
    ticket_to_fen = MoneyInput(label=_("ticket to"))
    capital_fen = MoneyInput(label=_("capital committed"))
    note = forms.CharField(label=_("note"), max_length=400, required=False)

    def clean_regions(self) -> list[str]:
        words = self.cleaned_data["regions"].replace("，", ",").replace("、", ",").split(",")
        found = [word.strip() for word in words if word.strip()]
        if any(len(word) > 40 for word in found):
            raise ValidationError(_("A region has at most 40 characters."))
        return found


class NewMandateForm(MandateForm):
    fund: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("fund"), queryset=Fund.objects.filter(active=True, mandate__isnull=True)
    )
    field_order = ("fund",)


class OpenDealForm(forms.Form):
    company: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("company"), queryset=companies(), required=False
    )
    project: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("research project"), queryset=ResearchProject.objects.order_by("code"), required=False
    )


class SuggestedForm(forms.Form):
    """The companies that a mandate fits; ``obj`` is the mandate."""

    needs_object = True

    companies = forms.MultipleChoiceField(label=_("companies"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, obj: Mandate, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["companies"].choices = [  # type: ignore[attr-defined] # a field of choices
            (str(one.company.pk), f"{one.company} — {' '.join(fit_text(one))}")
            for one in suggest_deals(obj.fund)
        ]

    def clean_companies(self) -> list[int]:
        return [int(pk) for pk in self.cleaned_data["companies"]]


def fit_text(suggestion: Any) -> list[str]:
    """Return the reasons of a suggestion in the language being read."""
    return Deal(reasons=suggestion.reasons).reasons_shown


class RoundForm(forms.Form):
    company: forms.ModelChoiceField[Any] = forms.ModelChoiceField(label=_("company"), queryset=companies())
    name = forms.CharField(label=pgettext_lazy("round of investment", "name"), max_length=60)
    stage = forms.ChoiceField(label=_("stage"), choices=DealStage.choices)
    target_fen = MoneyInput(label=_("amount sought"), required=False)
    pre_money_fen = MoneyInput(
        label=_("valuation before the round"),
        required=False,
        help_text=_("Empty for the founders' shares, and where nobody buys shares."),
    )
    note = forms.CharField(label=_("note"), max_length=300, required=False)


class InvestmentForm(forms.Form):
    """What somebody puts into a round; ``obj`` is the round."""

    needs_object = True

    fund: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("fund"), queryset=Fund.objects.filter(active=True), required=False
    )
    organisation: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("investor"),
        queryset=Organisation.objects.in_use().order_by("normalised_name"),
        required=False,
    )
    holder_name = forms.CharField(
        label=_("investor, where it is no organisation of the portal"), max_length=120, required=False
    )
    award: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("award that it was granted by"), queryset=Award.objects.none(), required=False
    )
    instrument = forms.ChoiceField(label=_("instrument"), choices=Instrument.choices)
    amount_fen = MoneyInput(label=_("amount"))
    shares = forms.IntegerField(
        label=_("shares"),
        min_value=1,
        max_value=10**12,
        required=False,
        help_text=_("For equity; empty: by the valuation before the round, rounded down."),
    )
    cap_fen = MoneyInput(label=_("valuation cap"), required=False)
    discount_bp = forms.IntegerField(
        label=_("discount"),
        min_value=1,
        max_value=9_999,
        required=False,
        help_text=_("In hundredths of a percent: 2000 is 20 %."),
    )
    interest_bp = forms.IntegerField(
        label=_("interest a year"),
        min_value=0,
        max_value=10_000,
        required=False,
        help_text=_("In hundredths of a percent: 600 is 6 %."),
    )
    matures_on = forms.DateField(label=_("due on"), required=False)

    def __init__(self, *args: Any, obj: Round, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        awards = Award.objects.filter(organisation=obj.company_id)
        self.fields["award"].queryset = awards  # type: ignore[attr-defined] # a model's choices


class CloseRoundForm(forms.Form):
    """The day, and what converts in it; ``obj`` is the round."""

    needs_object = True

    on = forms.DateField(label=_("closed on"), initial=timezone.localdate)
    converting: forms.ModelMultipleChoiceField[Any] = forms.ModelMultipleChoiceField(
        label=_("becomes shares in this round"),
        queryset=Investment.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, obj: Round, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        waiting = Investment.objects.filter(
            round__company=obj.company_id,
            round__state=RoundState.CLOSED,
            instrument__in=CONVERTS,
            conversion__isnull=True,
        ).select_related("fund", "organisation")
        self.fields["converting"].queryset = waiting  # type: ignore[attr-defined] # a model's choices


class HoldingForm(forms.Form):
    """A fund and a company that it holds a part of."""

    fund: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("fund"), queryset=Fund.objects.filter(active=True)
    )
    company: forms.ModelChoiceField[Any] = forms.ModelChoiceField(label=_("company"), queryset=companies())
    on = forms.DateField(label=_("on"), initial=timezone.localdate)


class ValuationForm(HoldingForm):
    method = forms.ChoiceField(label=_("method"), choices=ValuationMethod.choices)
    value_fen = MoneyInput(label=_("value of the holding"))
    note = forms.CharField(label=_("note"), max_length=400, required=False)


class DistributionForm(HoldingForm):
    kind = forms.ChoiceField(label=_("kind"), choices=DistributionKind.choices)
    amount_fen = MoneyInput(label=_("amount"))
    note = forms.CharField(label=_("note"), max_length=400, required=False)


class RunwayForm(forms.Form):
    company: forms.ModelChoiceField[Any] = forms.ModelChoiceField(label=_("company"), queryset=companies())
    on = forms.DateField(label=_("on"), initial=timezone.localdate)
    cash_fen = MoneyInput(label=_("cash"))
    burn_fen = MoneyInput(
        label=_("used up a month"), help_text=_("Zero: the company lives on what it earns.")
    )
    note = forms.CharField(label=_("note"), max_length=300, required=False)


class HandoverForm(forms.Form):
    award: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("award"), queryset=Award.objects.exclude(fund__kind=FundKind.MARKET).order_by("number")
    )
    to: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("to fund"), queryset=Fund.objects.filter(active=True, kind=FundKind.MARKET)
    )
    note = forms.CharField(label=_("note"), max_length=2000, widget=forms.Textarea)


class DayForm(forms.Form):
    on = forms.DateField(label=_("at the end of"))


def refuse_nothing(mandate: Mandate, actor: Any) -> None:
    """Raise ``DomainError`` where nothing is suggested to the fund at the moment."""
    if not suggest_deals(mandate.fund):
        raise DomainError(_("No company fits the mandate that the fund has not looked at yet."), code="none")
