"""What is typed about the ledger: periods, months, reasons."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.ledger.states import Software


class PeriodForm(forms.Form):
    """From which day to which; this year until today if nothing was chosen."""

    since = forms.DateField(label=pgettext_lazy("period", "from"))
    until = forms.DateField(label=pgettext_lazy("period", "to"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("This day is before the first."))
        return cleaned

    @classmethod
    def asked(cls, data: Any) -> tuple[PeriodForm, date, date]:
        """Return the form with the period of ``data``, or with this year until today where that is none."""
        today = timezone.localdate()
        first = today.replace(month=1, day=1)
        if "since" not in data and "until" not in data:
            return cls(initial={"since": first, "until": today}), first, today
        form = cls(data)
        if form.is_valid():
            return form, form.cleaned_data["since"], form.cleaned_data["until"]
        return form, first, today


class JournalForm(PeriodForm):
    software = forms.ChoiceField(label=_("file"), choices=Software.choices, initial=Software.EXCEL)


class MonthForm(forms.Form):
    """The month that is closed: it is shown, and sent back, so that nobody closes another than they saw."""

    month = forms.DateField(label=_("month"), widget=forms.HiddenInput)


class ReversalForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=300)
    on = forms.DateField(
        label=_("business date"),
        required=False,
        help_text=_("Empty: today. The month must be open."),
    )
