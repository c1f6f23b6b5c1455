"""Lists that staff type as lines of small fields: a formset, and a form's field that holds one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import slugify
from django.utils.translation import gettext as _

from park_portal.core.admin import dress


class Lines(forms.BaseFormSet):
    """Lines of small fields in the admin's look; a new one left empty is not kept."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        dress(form)


class KeyedLines(Lines):
    """Lines with a key each: a stored one keeps it, a new one may leave it to its English text."""

    # The name of the field with the key; a key made from a text that gives none begins with it.
    key: ClassVar[str]
    noun: ClassVar[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.initial:
            self.extra *= 2

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if index is not None and index < self.initial_form_count():
            form.fields[self.key].widget.attrs["readonly"] = True

    def clean(self) -> None:
        seen: set[str] = set()
        for number, line in enumerate(self.forms):
            key = line.cleaned_data.get(self.key)
            if key is None or line.cleaned_data.get("DELETE"):
                continue
            if not key and number < self.initial_form_count():
                line.add_error(self.key, line.fields[self.key].error_messages["required"])
            elif key in seen:
                line.add_error(self.key, _("“%(key)s” is there twice.") % {"key": key})
            elif key:
                seen.add(key)

    def rows(self) -> list[dict[str, Any]]:
        """Return what the valid lines mean, in their order; the key of a removed line is not given to a new one."""
        taken = {line.cleaned_data.get(self.key, "") for line in self.forms}
        found = []
        for line in self.ordered_forms:
            row = line.row()
            if not row[self.key]:
                row[self.key] = new_key(row["en"], taken, self.noun)
                taken.add(row[self.key])
            found.append(row)
        return found


def new_key(text: str, taken: set[str], noun: str) -> str:
    """Return a key like ``text`` that is not among those taken, at most 40 characters long."""
    key = slugify(text).replace("-", "_").strip("_")
    if not key[:1].isalpha():
        key = f"{noun}_{key}".strip("_")
    key = key[:36].rstrip("_")
    number, found = 1, key
    while found in taken:
        number += 1
        found = f"{key}_{number}"
    return found


class LinesWidget(forms.Widget):
    """Draws lines: stored ones, or again what was typed with the errors in their places."""

    use_fieldset = True

    class Media:
        css: ClassVar[Mapping[str, Sequence[str]]] = {"all": ("css/admin-calls.css",)}

    def __init__(self, lines: type[Any], template_name: str) -> None:
        super().__init__()
        self.lines, self.template_name = lines, template_name

    def value_from_datadict(self, data: Any, files: Any, name: str) -> KeyedLines:
        found: KeyedLines = self.lines(data, prefix=name)
        return found

    def id_for_label(self, id_: str | None) -> str:
        return ""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        lines = value if isinstance(value, KeyedLines) else self.lines(initial=value or [], prefix=name)
        return {**super().get_context(name, None, attrs), "lines": lines}


class LinesField(forms.Field):
    """Holds lines; its value is the list of their rows."""

    def __init__(self, lines: type[Any], template_name: str, **kwargs: Any) -> None:
        super().__init__(widget=LinesWidget(lines, template_name), required=False, **kwargs)

    def clean(self, value: Any) -> list[dict[str, Any]]:
        if not value.is_valid():
            raise ValidationError(list(value.non_form_errors()) or [_("Correct the marked lines.")])
        rows: list[dict[str, Any]] = value.rows()
        return rows

    def has_changed(self, initial: Any, data: Any) -> bool:
        return not data.is_valid() or data.rows() != (initial or [])
