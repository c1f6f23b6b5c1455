from __future__ import annotations

from typing import Any

from allauth.account.forms import SignupForm
from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from park_portal.core.accounts.states import Language
from park_portal.core.forms import PortalForm, TextField


class ProfileForm(PortalForm):
    name = TextField(label=_("Name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    phone = TextField(
        label=_("Phone"), max_length=32, required=False, widget=forms.TextInput(attrs={"autocomplete": "tel"})
    )
    language = forms.ChoiceField(label=_("Language"), choices=Language.choices)


class RegisterForm(SignupForm):
    """allauth's sign-up with a name; the language is the one the page was read in."""

    name = TextField(label=_("Name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"}))

    field_order = ["name", "email", "password1", "password2"]

    def signup(self, request: Any, user: Any) -> None:
        user.name = self.cleaned_data["name"]
        user.language = get_language() or Language.ZH_HANS
        user.save(update_fields=["name", "language"])
