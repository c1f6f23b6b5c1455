from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from park_portal.core.forms import PortalForm, TextField
from park_portal.core.tokens.states import OF_STAFF, Scope

if TYPE_CHECKING:
    from park_portal.core.accounts.models import User

DAYS = [(30, _("30 days")), (90, _("90 days")), (180, _("180 days")), (366, _("one year"))]


class TokenForm(PortalForm):
    """What the token is for, what it may do, and for how long."""

    name = TextField(
        label=_("What for"), max_length=60, help_text=_("For example the program or the person who keeps it.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"), choices=Scope.choices, widget=forms.CheckboxSelectMultiple
    )
    days = forms.TypedChoiceField(label=_("Valid for"), choices=DAYS, coerce=int, initial=90)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not user.is_staff:
            offered: Any = self.fields["scopes"]
            offered.choices = [choice for choice in Scope.choices if choice[0] not in OF_STAFF]
