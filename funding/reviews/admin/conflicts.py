"""Conflicts of interest on record."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.applications.models import Application
from funding.reviews.forms import (
    ConflictForm,
)
from funding.reviews.models import Conflict
from funding.reviews.services import (
    record_conflict,
    withdraw_conflict,
)
from park_portal.core.accounts.models import User
from park_portal.core.admin import Act, ReadOnly, StaffAdmin


class RecordForm(ConflictForm):
    """A conflict of a person of the pool."""

    person = forms.ModelChoiceField(label=gettext_lazy("Reviewer"), queryset=User.objects.none())
    field_order = ["person", "application_number", "kind", "note"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered: Any = self.fields["person"]
        offered.queryset = User.objects.filter(reviewer__isnull=False).order_by("name")

    def clean_application_number(self) -> Application:
        number = self.cleaned_data["application_number"].strip()
        found = Application.objects.filter(number__iexact=number).first()
        if found is None:
            raise forms.ValidationError(_("There is no application with this number."))
        return found


def record_one(
    *, actor: User, person: User, application_number: Application, kind: str, note: str
) -> Conflict:
    return record_conflict(application_number, person, actor=actor, kind=kind, note=note)


@admin.register(Conflict)
class ConflictAdmin(ReadOnly, StaffAdmin):
    """Conflicts of interest on record, whoever told of them."""

    view_rule = "funding.see_reviews"
    list_display = ["person", "application", "kind", "note", "recorded_by", "recorded_at"]
    list_filter = ["kind"]
    search_fields = ["person__name", "person__email", "application__number"]
    list_select_related = ["person", "application", "recorded_by"]
    ordering = ["-pk"]
    acts = [
        Act(
            "record",
            record_one,
            label=gettext_lazy("Record a conflict of interest"),
            done=gettext_lazy(
                "The conflict of interest is on record; this person can no longer review the application."
            ),
            rule="funding.record_conflict",
            form=RecordForm,
            on="list",
            icon="add",
            explain=gettext_lazy("Open reviews of this application by this person are released."),
        ),
        Act(
            "withdraw",
            withdraw_conflict,
            label=gettext_lazy("Take it back"),
            done=gettext_lazy("The conflict of interest was taken back; the person can be assigned again."),
            rule="funding.record_conflict",
            icon="undo",
            danger=True,
            explain=gettext_lazy("Only for what staff recorded by mistake; what a reviewer declared stands."),
            after=lambda obj, result: reverse("admin:funding_conflict_changelist"),
        ),
    ]
