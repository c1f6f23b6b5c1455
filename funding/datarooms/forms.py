"""What people fill in: files and fields, whom to invite, what to share with whom until when, and whom to ask."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import django_filters
from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from funding.datarooms.models import DataRoomAccess, DataRoomInvestor, DataRoomItem, rooms_of
from funding.datarooms.services.items import ALLOWED
from funding.datarooms.states import Folder, Level, Source, What
from incubator.organisations.forms import CodeField
from incubator.organisations.models import Organisation
from park_portal.core.accounts.states import Language
from park_portal.core.documents.services import endings_of
from park_portal.core.forms import PortalForm, TextField

DATE: Final = {"type": "date"}
USUAL_DAYS: Final = 30


def date_input() -> forms.DateInput:
    return forms.DateInput(attrs=DATE, format="%Y-%m-%d")


class FileInput(forms.FileField):
    """One file of the kinds that a data room takes."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("File"))
        kwargs.setdefault(
            "help_text",
            _(
                "PDFs and pictures are shown page by page with the viewer's name across them. Office files can only be "
                "downloaded, and carry no watermark: save them as PDF to show them."
            ),
        )
        super().__init__(**kwargs)
        self.widget.attrs["accept"] = endings_of(ALLOWED)


class AddFileForm(PortalForm):
    """A file for the room."""

    title = TextField(
        label=_("Title"), max_length=120, help_text=_("Investors read it as soon as it is shared.")
    )
    folder = forms.ChoiceField(label=_("Folder"), choices=Folder.choices)
    file = FileInput()


class ReplaceForm(PortalForm):
    """A new version of a document."""

    file = FileInput()


class AddFactForm(PortalForm):
    """A field for the room: a figure or a sentence."""

    title = TextField(
        label=_("Title"), max_length=120, help_text=_("For instance: runway, staff, revenue, cap table.")
    )
    folder = forms.ChoiceField(label=_("Folder"), choices=Folder.choices)
    source = forms.ChoiceField(label=_("Value"), choices=Source.choices, initial=Source.TYPED)
    value = TextField(
        label=_("Typed value"),
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Empty where the value is read from the organisation's record."),
    )
    as_of = forms.DateField(label=_("As of"), required=False, widget=date_input())


class ItemForm(PortalForm):
    """What is changed of an item; a document's file is replaced on a page of its own."""

    title = TextField(label=_("Title"), max_length=120)
    folder = forms.ChoiceField(label=_("Folder"), choices=Folder.choices)
    value = TextField(label=_("Typed value"), max_length=4000, widget=forms.Textarea(attrs={"rows": 4}))
    as_of = forms.DateField(label=_("As of"), required=False, widget=date_input())

    def __init__(self, *args: Any, item: DataRoomItem, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if item.is_document:
            del self.fields["as_of"]
        if item.is_document or item.source != Source.TYPED:
            del self.fields["value"]


class InviteForm(PortalForm):
    """An investor to be invited by mail."""

    email = forms.EmailField(label=_("E-mail"), max_length=254)
    name = TextField(label=pgettext_lazy("person", "Name"), max_length=80)
    firm = TextField(label=_("Fund or company"), max_length=120, required=False)
    language = forms.ChoiceField(label=_("Language of the mail"), choices=Language.choices)


class ItemsField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        kind = "" if obj.is_shown else f" ({_('download only, no watermark')})"
        return f"{obj.get_folder_display()} · {obj.title}{kind}"


class InvestorsField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.label)


class GrantForm(PortalForm):
    """What is shared, with whom, how, and until when."""

    items = ItemsField(
        label=_("What to share"), queryset=DataRoomItem.objects.none(), widget=forms.CheckboxSelectMultiple
    )
    investors = InvestorsField(
        label=_("With whom"), queryset=DataRoomInvestor.objects.none(), widget=forms.CheckboxSelectMultiple
    )
    level = forms.ChoiceField(
        label=_("They may"),
        choices=Level.choices,
        widget=forms.RadioSelect,
        initial=Level.VIEW,
        help_text=_(
            "To view: pages as pictures, the file itself never leaves. To download: a copy with the investor's name on "
            "every page."
        ),
    )
    until = forms.DateField(label=_("Until the end of"), widget=date_input())
    unmarked = forms.BooleanField(
        label=_("Files that cannot carry a watermark may leave as they are"),
        required=False,
        help_text=_("Asked for Office files only: nothing in the copy says whom it was given to."),
    )

    def __init__(self, *args: Any, organisation: Organisation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        items: Any = self.fields["items"]
        items.queryset = DataRoomItem.objects.filter(organisation=organisation, removed_at__isnull=True)
        investors: Any = self.fields["investors"]
        investors.queryset = DataRoomInvestor.objects.filter(
            organisation=organisation, removed_at__isnull=True
        )
        self.fields["until"].initial = timezone.localdate() + timedelta(days=USUAL_DAYS)
        if not items.queryset.filter(kind="document", pages=0).exists():
            del self.fields["unmarked"]


class AskForm(PortalForm):
    """Which company to ask, and in whose name."""

    uscc = CodeField(
        label=_("Unified Social Credit Code of the company"),
        max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    firm = TextField(label=_("Your fund or company"), max_length=120)
    message = TextField(
        label=_("Message to the founders"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class AccessFilter(django_filters.FilterSet):
    """By company, by investor, by what was done; of one's own companies alone."""

    company = django_filters.ModelChoiceFilter(
        label=_("Company"),
        field_name="grant__item__organisation",
        queryset=lambda request: rooms_of(request.user),
    )
    investor = django_filters.ModelChoiceFilter(
        label=_("Investor"),
        field_name="grant__investor",
        queryset=lambda request: DataRoomInvestor.objects.visible_to(request.user),
    )
    what = django_filters.ChoiceFilter(
        label=_("What was done"), choices=[choice for choice in What.choices if choice[0] != What.PAGE]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["investor"].field.label_from_instance = lambda one: one.label

    class Meta:
        model = DataRoomAccess
        fields = ("company", "investor", "what")
