"""What people fill in about payments: what is asked for and where it goes; why not; what the bank says."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from funding.awards.models import Tranche
from funding.awards.states import AwardState
from funding.funds.models import Fund
from funding.payments.models import Disbursement
from funding.payments.states import DisbursementState
from park_portal.core.forms import MoneyInput, PortalForm, TextField
from park_portal.core.money import format_yuan


def _fields() -> dict[str, forms.Field]:
    """Return the fields of a payment, as the portal's form and the staff's have them."""
    return {
        "amount_fen": MoneyInput(label=_("amount")),
        "purpose": TextField(
            label=_("purpose"), max_length=200, help_text=_("Stands on the bank's statement: keep it short.")
        ),
        "payee": TextField(
            label=_("payee"), max_length=120, help_text=_("As the account is named at the bank.")
        ),
        "bank": TextField(label=_("bank"), max_length=120, help_text=_("With its branch.")),
        "account_number": forms.CharField(
            label=_("account number"), max_length=48, help_text=_("8 to 32 digits; spaces do no harm.")
        ),
    }


class PaymentForm(PortalForm):
    """What is asked for, and the account that it goes to."""

    amount_fen = _fields()["amount_fen"]
    purpose = _fields()["purpose"]
    payee = _fields()["payee"]
    bank = _fields()["bank"]
    account_number = _fields()["account_number"]


def open_tranches() -> models.QuerySet[Tranche]:
    """Return the tranches of awards under way that nobody has asked for."""
    asked = Disbursement.objects.filter(tranche=models.OuterRef("pk")).exclude(
        state=DisbursementState.CANCELLED
    )
    rows = Tranche.objects.filter(~models.Exists(asked), award__state=AwardState.RUNNING, amount_fen__gt=0)
    return rows.select_related("award").order_by("award__number", "number")


class TrancheField(forms.ModelChoiceField):
    """One tranche, named with its award and amount."""

    def __init__(self, queryset: Any = None, **kwargs: Any) -> None:
        super().__init__(queryset=Tranche.objects.none() if queryset is None else queryset, **kwargs)

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj} · {format_yuan(obj.amount_fen)} · {obj.award.title}"


class AskForm(PaymentForm):
    """The same for a new payment, of one of the awards that one answers for."""

    field_order = ("tranche", "amount_fen")
    tranche = TrancheField(label=_("tranche"))

    def __init__(self, *args: Any, tranches: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tranche"].queryset = tranches  # type: ignore[attr-defined] # a model's choices


class StaffAskForm(forms.Form):
    """A payment that staff ask for, where a milestone falls due."""

    field_order = ("tranche", "amount_fen")
    tranche = TrancheField(label=_("tranche"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tranche"].queryset = open_tranches()  # type: ignore[attr-defined] # a model's choices

    amount_fen = _fields()["amount_fen"]
    purpose = _fields()["purpose"]
    payee = _fields()["payee"]
    bank = _fields()["bank"]
    account_number = _fields()["account_number"]


class ReasonPageForm(PortalForm):
    """Why something is given up, on the portal."""

    reason = TextField(label=_("Reason"), max_length=400, widget=forms.Textarea(attrs={"rows": 3}))


class StaffPaymentForm(forms.Form):
    """The same as ``PaymentForm``, in the administration; begins with what was asked for before."""

    needs_object = True

    amount_fen = _fields()["amount_fen"]
    purpose = _fields()["purpose"]
    payee = _fields()["payee"]
    bank = _fields()["bank"]
    account_number = _fields()["account_number"]

    def __init__(self, *args: Any, obj: Disbursement, user: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {**values_of(obj), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)


def values_of(payment: Disbursement) -> dict[str, Any]:
    """Return what a form about ``payment`` begins with."""
    return {name: getattr(payment, name) for name in PaymentForm.base_fields}


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=400)


class PaidForm(forms.Form):
    on = forms.DateField(label=_("paid on"), help_text=_("As the bank statement says."))
    bank_reference = forms.CharField(
        label=_("bank reference"), max_length=80, help_text=_("The bank's own number of this payment.")
    )


class BouncedForm(forms.Form):
    reason = forms.CharField(label=_("What the bank says"), max_length=400)
    on = forms.DateField(
        label=_("sent back on"),
        required=False,
        help_text=_("Only where the payment had been booked as paid; today if empty."),
    )


class NumbersField(forms.CharField):
    """Numbers of payments, one a line or between commas."""

    widget = forms.Textarea(attrs={"rows": 4})

    def clean(self, value: Any) -> list[str]:
        text = super().clean(value) or ""
        return list(dict.fromkeys(word for word in re.split(r"[\s,，;；、]+", text) if word))


class BatchForm(forms.Form):
    fund: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("fund"), queryset=Fund.objects.filter(book__isnull=False)
    )
    numbers = NumbersField(
        label=_("numbers of the payments"),
        required=False,
        max_length=500_000,
        help_text=_("One a line. Empty: every payment of the fund whose evidence is checked."),
    )


class StatementForm(forms.Form):
    fund: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("fund"), queryset=Fund.objects.filter(book__isnull=False)
    )
    file = forms.FileField(
        label=pgettext_lazy("bank statement", "file"),
        help_text=_(
            "Excel (.xlsx) or CSV as the bank gives it, with date, bank reference, purpose, and amounts paid out and paid in."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.csv,.txt"}),
    )
