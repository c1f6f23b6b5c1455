"""What people fill in about a report."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from funding.awards.forms import date_field
from funding.awards.models import BudgetCategory
from funding.reports.models import TEXTS, Report
from funding.reports.services import RECEIPTS
from park_portal.core.documents.services import endings_of
from park_portal.core.forms import MoneyInput, PortalForm, TextField


class ReportForm(PortalForm):
    """What was done, what came of it, with technical and market evidence; kept as far as it is written."""

    trl_now = forms.IntegerField(label=_("TRL now"), min_value=1, max_value=9, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in TEXTS:
            field: Any = Report._meta.get_field(name)
            self.fields[name] = TextField(
                label=field.verbose_name,
                max_length=field.max_length,
                required=False,
                widget=forms.Textarea(attrs={"rows": 4}),
            )
        self.order_fields([*TEXTS, "trl_now"])


class ExpenseForm(PortalForm):
    """One expense with its receipt."""

    category: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=_("budget category"), queryset=BudgetCategory.objects.none()
    )
    spent_on = date_field(_("spent on"))
    payee = TextField(label=_("paid to"), max_length=120)
    purpose = TextField(label=_("what for"), max_length=200)
    amount_fen = MoneyInput(label=_("amount"))
    receipt = forms.FileField(label=_("receipt"), help_text=_("A photo or PDF."))
    duplicate_note = TextField(
        label=_("why the receipt is used again"),
        max_length=200,
        required=False,
        help_text=_("Only for a receipt that was used before."),
    )

    def __init__(self, *args: Any, report: Report, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = BudgetCategory.objects.filter(award=report.award_id)
        self.fields["category"].queryset = rows  # type: ignore[attr-defined] # a model's choices
        self.fields["receipt"].widget.attrs["accept"] = endings_of(RECEIPTS)


class ReturnForm(forms.Form):
    """What is to be changed, and until when."""

    reason = forms.CharField(label=_("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 4}))
    until = date_field(_("to be sent again by"))
