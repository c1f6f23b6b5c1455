"""What people fill in about an award: terms, plan, evidence, changes, claims."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.awards.models import Agreement, Award, BudgetCategory, Milestone, Tranche
from funding.awards.states import CategoryKind, Party
from funding.calls.models import Call
from funding.calls.states import CallState, Outcome
from funding.funds.models import BudgetLine
from park_portal.core.forms import MoneyInput, PortalForm, TextField
from park_portal.core.policies.services import policy


def date_field(label: Any, **kwargs: Any) -> forms.DateField:
    return forms.DateField(
        label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs
    )


def _of(form: forms.Form, field: str, rows: Any) -> None:
    form.fields[field].queryset = rows  # type: ignore[attr-defined] # a model's choices


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=400)


class ReserveForm(forms.Form):
    """The budget line of the award's own fund that pays it."""

    needs_object = True
    line: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("budget line"), queryset=BudgetLine.objects.none()
    )

    def __init__(self, *args: Any, obj: Award, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _of(self, "line", BudgetLine.objects.filter(fund=obj.fund_id).select_related("fund"))


class TermsForm(forms.Form):
    """The terms of an agreement."""

    starts_on = date_field(_("begins on"))
    ends_on = date_field(_("ends on"))
    pi_name = TextField(label=_("principal investigator"), max_length=80)
    scope = TextField(label=_("scope of work"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5}))
    trl_start = forms.IntegerField(label=_("TRL at the start"), min_value=1, max_value=9)
    trl_target = forms.IntegerField(label=_("TRL to be reached"), min_value=1, max_value=9)
    report_months = forms.IntegerField(
        label=_("interim report every (months)"), min_value=1, max_value=24, initial=6
    )


def terms_of(agreement: Agreement, user: Any) -> dict[str, Any]:
    """Return what an agreement says, for its form."""
    return {name: getattr(agreement, name) for name in TermsForm.base_fields}


def first_terms(award: Award, user: Any) -> dict[str, Any]:
    """Return what the portal already knows of a new agreement."""
    project, today = award.project, timezone.localdate()
    return {
        "starts_on": today,
        "ends_on": today + timedelta(days=548),
        "pi_name": project.principal_investigator if project else "",
        "trl_start": project.trl if project else None,
        "report_months": 6,
    }


class CategoriesForm(forms.Form):
    """The amount of each budget category; empty is nothing."""

    needs_object = True

    def __init__(self, *args: Any, obj: Award, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        now = dict(obj.categories.values_list("kind", "amount_fen")) if obj else {}
        for kind, label in CategoryKind.choices:
            self.fields[kind] = MoneyInput(label=label, required=False, initial=now.get(kind))

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        return {"amounts": {kind: given.get(kind) or 0 for kind in CategoryKind.values}}


class MilestoneForm(forms.Form):
    """One milestone of the plan."""

    title = TextField(label=_("title"), max_length=160)
    due_on = date_field(_("due"))
    technical_goal = TextField(label=_("to be shown technically"), max_length=400)
    market_goal = TextField(label=_("to be shown on the market"), max_length=400)
    trl = forms.IntegerField(label=_("TRL"), required=False, min_value=1, max_value=9)


def milestone_as_typed(milestone: Milestone, user: Any) -> dict[str, Any]:
    return {name: getattr(milestone, name) for name in MilestoneForm.base_fields}


class TrancheForm(forms.Form):
    """One tranche of the plan."""

    needs_object = True
    amount_fen = MoneyInput(label=_("amount"))
    milestone: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("milestone"),
        queryset=Milestone.objects.none(),
        required=False,
        empty_label=_("none: paid when the agreement is signed"),
    )
    condition = TextField(label=_("other condition"), max_length=400, required=False)

    def __init__(self, *args: Any, obj: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        award = obj.award if isinstance(obj, Tranche) else obj
        _of(self, "milestone", Milestone.objects.filter(award=award))


def tranche_as_typed(tranche: Tranche, user: Any) -> dict[str, Any]:
    return {name: getattr(tranche, name) for name in TrancheForm.base_fields}


class SignatureForm(forms.Form):
    """Who signed for which party, when, and the scan."""

    needs_object = True
    party = forms.ChoiceField(label=_("party"), choices=())
    name = TextField(label=_("signed by"), max_length=80)
    signed_on = date_field(_("signed on"))
    scan = forms.FileField(label=_("scan"), help_text=_("PDF or picture of the signed page."))

    def __init__(self, *args: Any, obj: Agreement, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        done = (
            set(obj.signatures.filter(version=obj.version).values_list("party", flat=True)) if obj else set()
        )
        parties = obj.parties if obj else list(Party)
        self.fields["party"].choices = [(p.value, p.label) for p in parties if p not in done]  # type: ignore[attr-defined] # a field of choices


class EvidenceForm(PortalForm):
    """The evidence of a milestone: what was shown technically and what on the market (双验证)."""

    technical_evidence = TextField(
        label=_("technical evidence"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5})
    )
    technical_file = forms.FileField(label=_("technical evidence (file)"), required=False)
    market_evidence = TextField(
        label=_("market evidence"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5})
    )
    market_file = forms.FileField(label=_("market evidence (file)"), required=False)

    def __init__(self, *args: Any, milestone: Milestone, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["technical_evidence"].help_text = milestone.technical_goal
        self.fields["market_evidence"].help_text = milestone.market_goal


class ShiftForm(PortalForm):
    """A shift between two budget categories of one award."""

    source: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("from"), queryset=BudgetCategory.objects.none()
    )
    target: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("to"), queryset=BudgetCategory.objects.none()
    )
    amount_fen = MoneyInput(label=_("amount"))
    reason = TextField(label=_("Reason"), max_length=400)

    def __init__(self, *args: Any, award: Award, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = BudgetCategory.objects.filter(award=award)
        _of(self, "source", rows)
        _of(self, "target", rows.exclude(kind=CategoryKind.INDIRECT))


class StaffShiftForm(ShiftForm):
    """The same, as staff see it."""

    needs_object = True

    def __init__(self, *args: Any, obj: Award, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, award=obj, **kwargs)


class AmendmentForm(PortalForm):
    """What is to change in a signed agreement; what is left empty stays."""

    reason = TextField(label=_("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
    ends_on = date_field(_("new end"), required=False)
    pi_name = TextField(label=_("new principal investigator"), max_length=80, required=False)
    scope = TextField(
        label=_("new scope of work"),
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    amount_fen = MoneyInput(label=_("new amount"), required=False)
    category: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("budget category that takes the difference"),
        queryset=BudgetCategory.objects.none(),
        required=False,
        help_text=_("Only with a new amount."),
    )
    tranche: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("tranche that takes the difference"),
        queryset=Tranche.objects.none(),
        required=False,
        empty_label=_("a new last tranche"),
        help_text=_("Only with a new amount."),
    )

    def __init__(self, *args: Any, award: Award, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _of(self, "category", BudgetCategory.objects.filter(award=award))
        _of(self, "tranche", Tranche.objects.filter(award=award).select_related("award"))


class StaffAmendmentForm(AmendmentForm):
    """The same, as staff see it."""

    needs_object = True

    def __init__(self, *args: Any, obj: Award, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, award=obj, **kwargs)


class AcceptanceForm(forms.Form):
    """The call for acceptance that the grantee applies in."""

    call: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("call for acceptance"),
        queryset=Call.objects.filter(outcome=Outcome.ACCEPTANCE, state=CallState.OPEN),
    )


class ClaimForm(forms.Form):
    """What is claimed back, why, and by when it is to be paid."""

    amount_fen = MoneyInput(label=_("amount"))
    reason = TextField(label=_("Reason"), max_length=400)
    due_on = date_field(_("to be paid back by"))


def first_claim(award: Award, user: Any) -> dict[str, Any]:
    """Return by when money is usually paid back."""
    days = int(policy("award.clawback_days").value)
    return {"due_on": timezone.localdate() + timedelta(days=days)}


class RecoveryForm(forms.Form):
    """What came back, as the bank statement says."""

    amount_fen = MoneyInput(label=_("amount"))
    on = date_field(_("day on the bank statement"))
    bank_reference = TextField(label=_("bank's number"), max_length=60)
