"""How values are typed and shown in the admin: money in yuan, texts in two languages, JSON, states."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxLengthValidator
from django.db import models
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import get_language, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from modeltranslation.fields import TranslationField
from modeltranslation.translator import NotRegistered, translator
from unfold.decorators import display
from unfold.widgets import (
    BASE_CLASSES,
    CHECKBOX_CLASSES,
    FILE_CLASSES,
    INPUT_CLASSES,
    SELECT_CLASSES,
    TEXTAREA_CLASSES,
    UnfoldAdminTextInputWidget,
)

from park_portal.core.errors import DomainError, Text
from park_portal.core.money import MoneyField, fen_to_yuan, format_yuan, parse_money
from park_portal.core.text import choice_label, escape
from park_portal.core.tones import tone_of

F = TypeVar("F", bound=forms.BaseForm)

# --- money


class YuanInput(UnfoldAdminTextInputWidget):
    """A text input for an amount, with its unit beside it."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(
            attrs={"inputmode": "decimal", "autocomplete": "off", "placeholder": "0.00", **(attrs or {})}
        )

    def format_value(self, value: Any) -> str | None:
        return None if value in (None, "") else str(value)


class YuanField(forms.CharField):
    """An amount typed in yuan (¥, 万元 and thousands separators are understood) and stored in fen."""

    widget = YuanInput

    def __init__(self, *args: Any, min_value: Any = None, max_value: Any = None, **kwargs: Any) -> None:
        # What a whole-number column would say about its range is said by parse_money.
        kwargs.setdefault("help_text", "")
        kwargs["help_text"] = kwargs["help_text"] or _("In yuan; “50 万” is understood too.")
        kwargs["widget"] = YuanInput
        super().__init__(*args, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return f"{fen_to_yuan(value):.2f}" if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return None if text in (None, "") else text

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if text is None or isinstance(text, int):
            return text
        try:
            return parse_money(text)
        except DomainError as error:
            raise ValidationError(str(error), code=error.code) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.clean(data) != initial
        except ValidationError:
            return True


def money(field: str, label: Text) -> Callable[[Any, Any], str]:
    """Return a column for ``list_display`` and read-only fields that shows the fen in ``field`` as yuan."""

    def show(model_admin: Any, obj: Any) -> str:
        return format_yuan(getattr(obj, field)) or "—"

    show.__name__ = f"{field}_yuan"
    return display(description=label, ordering=field)(show)


# --- states


_PILLS: Final[dict[str, str]] = {
    "neutral": "default",
    "info": "info",
    "wait": "warning",
    "good": "success",
    "bad": "danger",
}


def state_label(field: str = "state", *, label: Text | None = None) -> Callable[[Any, Any], SafeString]:
    """Return a column that shows a state as a word, coloured as everywhere (``core/tones.py``)."""

    def show(model_admin: Any, obj: Any) -> SafeString:
        return pill(choice_label(obj, field), _PILLS[tone_of(obj, field)])

    show.__name__ = f"{field}_label"
    return display(description=label or _("state"), ordering=field)(show)


def pill(text: Any, tone: str = "default") -> SafeString:
    """Return ``text`` as a coloured word; tone is default, success, info, warning or danger."""
    return mark_safe(f'<span class="staff-pill staff-pill-{tone or "default"}">{escape(text)}</span>')


# --- JSON


def pretty_json(value: Any) -> SafeString:
    """Return ``value`` as readable JSON, Chinese as it is."""
    if value in (None, "", {}, []):
        return mark_safe("—")
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, cls=DjangoJSONEncoder)
    return format_html('<pre class="staff-json" tabindex="0">{}</pre>', text)


def json_field(field: str, label: Text) -> Callable[[Any, Any], SafeString]:
    """Return a read-only field that shows the JSON in ``field`` readably."""

    def show(model_admin: Any, obj: Any) -> SafeString:
        return pretty_json(getattr(obj, field))

    show.__name__ = f"{field}_json"
    return display(description=label)(show)


def in_language(texts: Mapping[str, str] | None) -> str:
    """Return the text of a {language: text} mapping in the language being read, or the other one."""
    texts = texts or {}
    return texts.get(get_language() or "") or next((text for text in texts.values() if text), "")


# --- texts in two languages


def translated_fields(model: type[models.Model]) -> dict[str, list[str]]:
    """Return {field: [its column in each language]} of a model whose texts are kept in two languages."""
    try:
        options = translator.get_options_for_model(model)
    except NotRegistered:
        return {}
    fields: Any = getattr(options, "all_fields", None) or options.fields  # type: ignore[attr-defined] # by the version of the library
    # The library keeps them as a set: put the languages into the portal's own order.
    order = [code for code, _name in settings.LANGUAGES]
    return {
        name: [column.name for column in sorted(columns, key=lambda column: order.index(column.language))]
        for name, columns in fields.items()
    }


def side_by_side(model: type[models.Model], names: Iterable[Any]) -> list[Any]:
    """Return the field names of a form with each text in two languages as one row: Chinese left, English right."""
    pairs = translated_fields(model)
    columns = {column for row in pairs.values() for column in row}
    rows: list[Any] = []
    for name in names:
        if isinstance(name, list | tuple):
            rows.append(tuple(flat for one in name for flat in (pairs.get(one) or [one])))
        elif name in pairs:
            rows.append(tuple(pairs[name]))
        elif name not in columns:
            rows.append(name)
        elif name not in {flat for row in rows if isinstance(row, tuple) for flat in row}:
            owner = next(row for row in pairs.values() if name in row)
            rows.append(tuple(owner))
    return rows


LANGUAGE_NAMES: Final[Mapping[str, Text]] = {
    "zh-hans": pgettext_lazy("field in a language", "Chinese"),
    "en": pgettext_lazy("field in a language", "English"),
}


def label_translated(db_field: models.Field[Any, Any], formfield: Any) -> None:
    """Say in a field's label which language it is for, and tell the browser too."""
    if not isinstance(db_field, TranslationField):
        return
    language = db_field.language
    formfield.label = _InLanguage(db_field.translated_field.verbose_name, LANGUAGE_NAMES[language])
    formfield.widget.attrs["lang"] = "zh-Hans" if language == "zh-hans" else language


class _InLanguage:
    """A label with its language, put together when it is read."""

    def __init__(self, label: Any, language: Any) -> None:
        self.label, self.language = label, language

    def __str__(self) -> str:
        return pgettext("field in a language", "%(label)s in %(language)s") % {
            "label": capfirst(str(self.label)),
            "language": self.language,
        }

    def replace(self, old: str, new: str) -> str:
        return str(self).replace(old, new)

    def __contains__(self, text: str) -> bool:
        return text in str(self)


# --- plain Django forms in the admin's clothes


def dress(form: F) -> F:
    """Give the widgets of a plain form the admin's look, and dates and moments the browser's own picker."""
    for field in form.fields.values():
        if field.label:
            field.label = capfirst(field.label)
        limit_text(field)
        widget = field.widget
        if type(widget) is forms.DateTimeInput:
            widget = field.widget = forms.DateTimeInput(
                attrs={**widget.attrs, "type": "datetime-local", "step": "60"}, format="%Y-%m-%dT%H:%M"
            )
        elif type(widget) is forms.DateInput:
            widget = field.widget = forms.DateInput(attrs={**widget.attrs, "type": "date"}, format="%Y-%m-%d")
        classes = _classes_of(widget)
        if classes and "class" not in widget.attrs:
            widget.attrs["class"] = " ".join(classes)
        if isinstance(widget, forms.Textarea):
            widget.attrs.setdefault("rows", 4)
    return form


def say_plainly(field: forms.Field) -> None:
    """Replace what Django says of a short name and of a value that is taken, in words of its own trade."""
    field.error_messages["unique"] = _("Another record already has this value.")
    if isinstance(field, forms.SlugField):
        field.error_messages["invalid"] = _(
            "Use only letters from a to z, digits, hyphens and underscores, without spaces."
        )


LONGEST: Final = 50_000


def limit_text(field: forms.Field) -> None:
    """Give a text field without a limit the longest one there is, which the browser keeps and the field checks."""
    if type(field) is not forms.CharField or isinstance(field.widget, forms.HiddenInput):
        return
    if field.max_length is None:
        field.max_length = LONGEST
        field.validators.append(MaxLengthValidator(LONGEST))
    field.widget.attrs.setdefault("maxlength", str(field.max_length))


def _classes_of(widget: forms.Widget) -> list[str]:
    if isinstance(widget, forms.RadioSelect):
        return []  # of both kinds; their class would go to the box around them as well
    if isinstance(widget, forms.CheckboxInput):
        return CHECKBOX_CLASSES
    if isinstance(widget, forms.SelectMultiple):
        return [*BASE_CLASSES, "px-3", "py-2", "w-full", "max-w-2xl"]
    if isinstance(widget, forms.Select):
        return SELECT_CLASSES
    if isinstance(widget, forms.Textarea):
        return TEXTAREA_CLASSES
    if isinstance(widget, forms.FileInput):
        return FILE_CLASSES
    if isinstance(widget, forms.HiddenInput):
        return []
    return (
        INPUT_CLASSES
        if isinstance(
            widget,
            forms.TextInput | forms.NumberInput | forms.DateInput | forms.TimeInput | forms.DateTimeInput,
        )
        else []
    )


FORMFIELDS: Final[dict[Any, dict[str, Any]]] = {MoneyField: {"form_class": YuanField, "widget": YuanInput}}
