from __future__ import annotations

from typing import Any

from crispy_forms.layout import Layout
from django import forms
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from incubator.organisations.models import Organisation
from incubator.organisations.names import normalise_code
from incubator.organisations.services import Candidate, near_duplicates
from incubator.organisations.states import Role
from park_portal.core.accounts.states import Language
from park_portal.core.forms import PortalForm, PortalModelForm, TextField


class ReasonForm(PortalForm):
    """Asks for a reason, kept in the history."""

    reason = TextField(label=_("Reason (kept in the history)"), required=False, max_length=500)


class CodeField(forms.CharField):
    """A Unified Social Credit Code, however it was typed."""

    def to_python(self, value: Any) -> str | None:
        return normalise_code(super().to_python(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return normalise_code(initial) != normalise_code(data)


DATE = {"type": "date"}
# Asks while one types whether the organisation is here already; without JavaScript the answer comes with the page.
LIVE = {
    "hx-get": reverse_lazy("organisations:check"),
    "hx-trigger": "change",
    "hx-target": "#known-organisations",
    "hx-include": "closest form",
}


class OrganisationForm(PortalModelForm):
    """The record of an organisation as its own people keep it."""

    uscc = CodeField(
        label=_("Unified Social Credit Code"),
        required=False,
        max_length=30,
        help_text=_("The 18 characters on the business licence. Leave it empty until the licence is issued."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    class Meta:
        model = Organisation
        fields = [
            "uscc",
            "name_zh_hans",
            "name_en",
            "kind",
            "technology_field",
            "founded_on",
            "district",
            "registered_address",
            "website",
            "summary_zh_hans",
            "summary_en",
            "contact_name",
            "contact_phone",
            "contact_email",
        ]
        labels = {
            "name_zh_hans": _("Name in Chinese"),
            "name_en": _("Name in English"),
            "summary_zh_hans": _("Summary in Chinese"),
            "summary_en": _("Summary in English"),
        }
        widgets = {
            "founded_on": forms.DateInput(attrs=DATE, format="%Y-%m-%d"),
            "summary_zh_hans": forms.Textarea(attrs={"rows": 4}),
            "summary_en": forms.Textarea(attrs={"rows": 4}),
        }


class NewOrganisationForm(OrganisationForm):
    """The first few facts of a new organisation; asks once whether it is not one that is here already."""

    # Stands in the list of similar organisations, which says what ticking it means.
    confirmed = forms.BooleanField(label=_("Similar organisations"), required=False)

    class Meta(OrganisationForm.Meta):
        fields = [
            "uscc",
            "name_zh_hans",
            "name_en",
            "kind",
            "technology_field",
            "founded_on",
            "district",
            "registered_address",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.candidates: list[Candidate] = []
        self.helper.layout = Layout(*self.Meta.fields)
        for name in ("uscc", "name_zh_hans", "name_en"):
            self.fields[name].widget.attrs |= LIVE

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self.candidates = near_duplicates(
            name=cleaned.get("name_zh_hans") or "",
            name_en=cleaned.get("name_en") or "",
            uscc=cleaned.get("uscc"),
        )
        if any(one.same_code for one in self.candidates):
            self.add_error(
                "uscc",
                _(
                    "An organisation with this Unified Social Credit Code is already registered. "
                    "You can ask to join it."
                ),
            )
        elif self.candidates and not cleaned.get("confirmed"):
            self.add_error("confirmed", _("Is it one of these? If so, ask to join it; if not, say so."))
        return cleaned


class InviteForm(PortalForm):
    """Whom to invite, as what, in which language."""

    email = forms.EmailField(label=_("E-mail"), max_length=254)
    name = TextField(label=_("Name"), required=False, max_length=80)
    role = forms.ChoiceField(
        label=_("Role"),
        choices=Role.choices,
        initial=Role.EDITOR,
        help_text=_("Owners manage people, editors change the record and write applications, viewers read."),
    )
    language = forms.ChoiceField(
        label=_("Language of the mail"), choices=Language.choices, initial=Language.ZH_HANS
    )


class RoleForm(PortalForm):
    """The role of a member."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class JoinForm(PortalForm):
    """What to tell the owners."""

    message = TextField(
        label=_("Message to the owners"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Say who you are and what you do there."),
    )
