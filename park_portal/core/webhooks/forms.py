from __future__ import annotations

from itertools import groupby
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from park_portal.core.forms import PortalForm, TextField
from park_portal.core.webhooks.services import kinds_offered


class WebhookForm(PortalForm):
    """What a webhook is for, where it is, and what it is told of."""

    name = TextField(label=_("What for"), max_length=60, help_text=_("For example the program that is told."))
    url = TextField(
        label=_("Address"),
        max_length=400,
        help_text=_("Begins with https:// and can be reached from the internet."),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )
    of_park = forms.BooleanField(
        label=_("For the park"),
        required=False,
        help_text=_(
            "It is told of everybody's notices, and every staff lead may change it; without this, of yours alone."
        ),
    )
    kinds = forms.MultipleChoiceField(label=_("It is told of"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, user: Any, park: bool, of_park: bool | None = None, **kwargs: Any) -> None:
        """``park``: whether the person may make the park's; ``of_park``: what a webhook that is changed is."""
        super().__init__(*args, **kwargs)
        offered = {kind.name: kind for kind in kinds_offered(user, of_park=False)} if not of_park else {}
        if of_park or (park and of_park is None):
            offered |= {kind.name: kind for kind in kinds_offered(user, of_park=True)}
        if of_park is not None or not park:
            del self.fields["of_park"]
        by_group = sorted(offered.values(), key=lambda kind: (str(kind.group), str(kind.label)))
        self.fields["kinds"].choices = [  # type: ignore[attr-defined] # a field of choices
            (group, [(kind.name, kind.label) for kind in found])
            for group, found in groupby(by_group, key=lambda kind: str(kind.group))
        ]
