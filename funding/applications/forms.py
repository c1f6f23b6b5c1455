"""What applicants and staff fill in beside the application's own form."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.applications.models import Application
from park_portal.core.calendar.services import deadline
from park_portal.core.forms import PortalForm, TextField

# Working days that a returned application usually has.
DAYS_TO_CHANGE = 5


class WithdrawForm(PortalForm):
    """Why an application is withdrawn."""

    reason = TextField(
        label=_("Reason"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The park office reads it."),
    )

    def __init__(self, *args: Any, submitted: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = submitted


class ReasonForm(forms.Form):
    """A reason that the applicant is told."""

    reason = TextField(
        label=_("Reason"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The applicant reads it."),
    )


class ExtensionForm(forms.Form):
    """Until when one application may be submitted, and why."""

    until = forms.DateTimeField(label=_("Until"), widget=forms.DateTimeInput())
    reason = TextField(
        label=_("Reason"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The applicant reads it."),
    )


class ReturnForm(forms.Form):
    """Which questions are opened for changes, with a comment for each, and until when."""

    needs_object = True

    message = TextField(
        label=_("Message to the applicant"),
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    due_at = forms.DateTimeField(label=_("To be changed until"), widget=forms.DateTimeInput())

    def __init__(self, *args: Any, obj: Application | None = None, user: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["due_at"].initial = usual_due()
        self.keys: list[str] = []
        questions = [] if obj is None else obj.call.questions.select_related("question", "section")
        for question in questions:
            self.keys.append(question.key)
            self.fields[f"open-{question.key}"] = forms.BooleanField(label=question.label, required=False)
            self.fields[f"comment-{question.key}"] = TextField(
                label=_("Comment on “%(question)s”") % {"question": question.label},
                required=False,
                max_length=2000,
                widget=forms.Textarea(attrs={"rows": 2}),
            )

    def rows(self) -> list[tuple[Any, Any]]:
        """The pairs of fields (open it, comment) in the order of the form."""
        return [(self[f"open-{key}"], self[f"comment-{key}"]) for key in self.keys]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        items = {}
        for key in self.keys:
            opened = cleaned.pop(f"open-{key}", False)
            comment = cleaned.pop(f"comment-{key}", "")
            # Whoever comments on a question wants it changed.
            if opened or comment:
                items[key] = comment
        cleaned["items"] = items
        return cleaned


def usual_due() -> datetime:
    """Return the end of the working day on which changes are usually due, to the minute."""
    return (deadline(timezone.now(), DAYS_TO_CHANGE) + timedelta(seconds=1)).replace(
        second=0, microsecond=0
    ) - timedelta(minutes=1)
