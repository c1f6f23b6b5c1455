from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from park_portal.core.imports.registry import ImportKind


class UploadForm(forms.Form):
    """Asks for the file."""

    file = forms.FileField(
        label=_("Excel workbook or CSV file"),
        help_text=_(
            "At most 10 MB and 20,000 rows. Nothing is imported before you have seen what would happen."
        ),
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv"}),
        allow_empty_file=True,
    )


class OptionsForm(forms.Form):
    """Asks how the sheet is to be read: which sheet, which unit of money, which source."""

    sheet = forms.ChoiceField(label=_("Sheet"), required=False)
    unit = forms.ChoiceField(
        label=_("Unit of amounts"),
        required=False,
        choices=[
            ("", _("as the heading says")),
            ("yuan", _("元 (yuan)")),
            ("wan", _("万元 (ten thousand yuan)")),
        ],
    )
    source = forms.CharField(
        label=_("Source of funding, where the sheet names none"),
        required=False,
        max_length=60,
    )

    def __init__(self, *args: Any, kind: ImportKind, sheets: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sheet: Any = self.fields["sheet"]
        sheet.choices = [(name, name) for name in sheets]
        if len(sheets) < 2:
            del self.fields["sheet"]
        if not kind.asks_unit:
            del self.fields["unit"]
        if not kind.asks_source:
            del self.fields["source"]
