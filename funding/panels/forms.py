"""What people fill in: declarations, the order of the agenda, the plan of a meeting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from funding.calls.models import Stage
from funding.calls.states import StageKind
from funding.panels.models import AgendaItem, Meeting
from funding.panels.services.planning import waiting_runs
from funding.panels.states import AgendaOrder, PanelRole, VoteKind
from funding.reviews.forms import DECLARABLE, text_area
from park_portal.core.accounts.models import User
from park_portal.core.forms import PortalForm, TextField

MOST_MINUTES: Final = 720


class DeclarationsForm(PortalForm):
    """For each item that a member has not declared on: no conflict, a conflict, or not said yet."""

    def __init__(self, *args: Any, items: Sequence[AgendaItem], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.items = items
        for item in items:
            self.fields[f"item-{item.pk}"] = forms.ChoiceField(
                label=item.application.title,
                required=False,
                choices=(
                    ("none", _("No conflict of interest")),
                    ("conflict", _("I have a conflict of interest")),
                ),
                widget=forms.RadioSelect,
            )
            self.fields[f"kind-{item.pk}"] = forms.ChoiceField(
                label=_("What connects you with the applicant?"),
                required=False,
                choices=(("", "—"), *((kind.value, kind.label) for kind in DECLARABLE)),
            )
            self.fields[f"note-{item.pk}"] = TextField(
                label=_("In a few words"), max_length=400, required=False
            )
        self.fields["pledge"] = forms.BooleanField(
            label=_(
                "I pledge: I judge on my own and on the merits, keep applications, reviews and votes confidential, put "
                "none of it into public AI services, and leave the room where I have a conflict of interest."
            )
        )

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "item": item,
                "choice": self[f"item-{item.pk}"],
                "kind": self[f"kind-{item.pk}"],
                "note": self[f"note-{item.pk}"],
            }
            for item in self.items
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for item in self.items:
            if cleaned.get(f"item-{item.pk}") == "conflict" and not cleaned.get(f"kind-{item.pk}"):
                self.add_error(f"kind-{item.pk}", _("Choose what kind of conflict it is."))
        return cleaned

    def declared(self) -> list[tuple[AgendaItem, str, str, str]]:
        """Return (item, "none" or "conflict", kind, note) of what was said."""
        data = self.cleaned_data
        return [
            (item, data[f"item-{item.pk}"], data[f"kind-{item.pk}"], data[f"note-{item.pk}"])
            for item in self.items
            if data.get(f"item-{item.pk}")
        ]


class AgendaForm(PortalForm):
    """The order of the items that wait: a number beside each, or worked out from their reviews."""

    order = forms.ChoiceField(
        label=_("Order of the agenda"), choices=AgendaOrder.choices, widget=forms.RadioSelect
    )

    seen = forms.CharField(widget=forms.HiddenInput, max_length=16)

    def __init__(self, *args: Any, items: Sequence[AgendaItem], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.items = items
        for number, item in enumerate(items, 1):
            self.fields[f"place-{item.pk}"] = forms.IntegerField(
                label=f"{item.application.number} {item.application.title}",
                min_value=1,
                max_value=999,
                initial=number,
                required=False,
            )

    def rows(self) -> list[dict[str, Any]]:
        return [{"item": item, "field": self[f"place-{item.pk}"]} for item in self.items]

    def look_again(self, seen: str) -> None:
        """Have the person keep, or change, what they typed, now that they have been shown another order."""
        self.data = {**dict(self.data.items()), self.add_prefix("seen"): seen}

    def places(self) -> dict[int, int]:
        return {
            item.pk: self.cleaned_data.get(f"place-{item.pk}") or number
            for number, item in enumerate(self.items, 1)
        }


class SignForm(PortalForm):
    """The chair's word that the minutes are right, with the hash of what was read."""

    read = forms.BooleanField(label=_("I have read the minutes; they say what the panel did."))
    sha256 = forms.CharField(widget=forms.HiddenInput, max_length=64)


# --- staff ---------------------------------------------------------------------------------------------------------


def experts_and_staff() -> Any:
    """Return who may sit on panels: the pool of experts, and staff."""
    return (
        User.objects.filter(is_active=True)
        .exclude(reviewer__isnull=True, is_staff=False)
        .order_by("name", "pk")
    )


class WhenForm(forms.Form):
    """When, where and how a panel meets."""

    title_zh_hans = TextField(
        label=_("Title (Chinese)"),
        max_length=120,
        required=False,
        help_text=_("Empty: named after the call."),
    )
    title_en = TextField(label=_("Title (English)"), max_length=120, required=False)
    starts_at = forms.DateTimeField(
        label=_("Begins"), widget=forms.DateTimeInput(), help_text=_("Asia/Shanghai")
    )
    minutes_planned = forms.IntegerField(
        label=_("Length in minutes"), min_value=15, max_value=MOST_MINUTES, initial=180
    )
    place = TextField(label=_("Place"), max_length=200, required=False)
    link = forms.URLField(
        label=_("Link to join"),
        max_length=400,
        required=False,
        assume_scheme="https",
        widget=forms.TextInput(attrs={"inputmode": "url"}),
    )
    quorum = forms.IntegerField(
        label=_("Quorum"),
        min_value=1,
        max_value=100,
        initial=3,
        help_text=_("How many voting members must be in the room, and vote, for a result."),
    )
    vote_kind = forms.ChoiceField(label=_("Vote by"), choices=VoteKind.choices, initial=VoteKind.SCORES)
    secret = forms.BooleanField(
        label=_("Secret ballot"),
        required=False,
        help_text=_("Nobody, not the park's staff either, can learn who voted how."),
    )


class PlanForm(WhenForm):
    """A new meeting: on which applications, with whom, when."""

    stage: Any = forms.ModelChoiceField(
        label=_("Panel stage"),
        queryset=Stage.objects.none(),
        help_text=_("All applications that wait in it come onto the agenda."),
    )
    chair: Any = forms.ModelChoiceField(label=pgettext_lazy("panel", "Chair"), queryset=User.objects.none())
    secretary: Any = forms.ModelChoiceField(
        label=pgettext_lazy("panel", "Secretary"), queryset=User.objects.none(), required=False
    )
    members: Any = forms.ModelMultipleChoiceField(
        label=pgettext_lazy("panel", "Members"),
        queryset=User.objects.none(),
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 12}),
    )
    order = forms.ChoiceField(label=_("Order of the agenda"), choices=AgendaOrder.choices)
    field_order = [
        "stage",
        "starts_at",
        "minutes_planned",
        "place",
        "link",
        "chair",
        "members",
        "secretary",
        "quorum",
        "vote_kind",
        "secret",
        "order",
        "title_zh_hans",
        "title_en",
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered: Any = self.fields["stage"]
        offered.queryset = (
            Stage.objects.filter(kind=StageKind.PANEL)
            .exclude(call__state="draft")
            .select_related("call")
            .order_by("-call__closes_at")
        )
        offered.label_from_instance = lambda stage: f"{stage.call} · {stage}"
        for name in ("chair", "members"):
            chosen: Any = self.fields[name]
            chosen.queryset = experts_and_staff()
        staff: Any = self.fields["secretary"]
        staff.queryset = User.objects.filter(is_active=True, is_staff=True).order_by("name", "pk")


class SeatForm(forms.Form):
    """Who comes onto the panel, or changes their role there."""

    people: Any = forms.ModelMultipleChoiceField(
        label=_("People"), queryset=User.objects.none(), widget=forms.SelectMultiple(attrs={"size": 12})
    )
    role = forms.ChoiceField(label=_("Role"), choices=PanelRole.choices, initial=PanelRole.MEMBER)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered: Any = self.fields["people"]
        offered.queryset = experts_and_staff()


class UnseatForm(forms.Form):
    """Who leaves the panel."""

    needs_object = True
    member: Any = forms.ModelChoiceField(label=_("Person"), queryset=None)
    reason = text_area(_("Reason"), longest=400)

    def __init__(self, *args: Any, obj: Meeting, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered: Any = self.fields["member"]
        offered.queryset = obj.members.seated().exclude(role=PanelRole.CHAIR).select_related("user")


class AddItemsForm(forms.Form):
    """Which applications come onto the agenda."""

    needs_object = True
    runs: Any = forms.ModelMultipleChoiceField(label=_("Applications"), queryset=None)

    def __init__(self, *args: Any, obj: Meeting, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered: Any = self.fields["runs"]
        offered.queryset = waiting_runs(obj.stage)
        offered.label_from_instance = lambda run: f"{run.application.number} {run.application.title}"


class OrderForm(forms.Form):
    """By what the agenda is put in order."""

    order = forms.ChoiceField(
        label=_("Order of the agenda"),
        choices=[choice for choice in AgendaOrder.choices if choice[0] != AgendaOrder.STAFF],
    )
