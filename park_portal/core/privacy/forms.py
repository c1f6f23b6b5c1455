from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.forms import PortalForm, TextField
from park_portal.core.privacy.states import RequestKind


class AskForm(PortalForm):
    """What somebody asks the park to do with their data; erasing the account has a page of its own."""

    kind = forms.ChoiceField(
        label=_("What you ask for"),
        choices=[(one.value, one.label) for one in RequestKind if one != RequestKind.ERASURE],
        widget=forms.RadioSelect,
    )
    text = TextField(
        label=_("In your words"),
        max_length=4000,
        widget=forms.Textarea,
        help_text=_("What is wrong and what is right, or what you would like to know or do not want."),
    )


class EraseForm(PortalForm):
    """The last question before an account is given up."""

    text = TextField(
        label=_("Anything we should know"), max_length=4000, required=False, widget=forms.Textarea
    )
    sure = forms.BooleanField(label=_("I understand that this cannot be undone."))


class AnswerForm(forms.Form):
    text = forms.CharField(
        label=pgettext_lazy("data request", "answer"),
        max_length=4000,
        widget=forms.Textarea,
        help_text=_("The person reads it by mail and under “My data”."),
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("reason"),
        max_length=400,
        widget=forms.Textarea,
        help_text=_("Kept in the audit trail; the person reads that you looked."),
    )
