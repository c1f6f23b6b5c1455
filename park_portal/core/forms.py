"""The one form style of the portal: crispy, Bootstrap 5, errors listed on top and beside each field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crispy_forms.helper import FormHelper
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from park_portal.core.errors import DomainError, Problem
from park_portal.core.money import fen_to_yuan, parse_money
from park_portal.core.text import clean

if TYPE_CHECKING:  # what the mixin is mixed into
    from django.forms import BaseForm as _Form
else:
    _Form = object


class PortalFormMixin(_Form):
    """Gives a form the portal's markup and takes the errors of a service."""

    submit_label: Any = _("Save")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True
        helper.show_errors = True
        helper.form_show_errors = True
        helper.html5_required = True
        self.helper = helper
        for field in self.fields.values():
            if isinstance(field, forms.CharField) and field.strip:
                widget = field.widget
                if isinstance(widget, forms.Textarea) and "rows" not in widget.attrs:
                    widget.attrs["rows"] = 5

    def take(self, error: DomainError) -> None:
        """Show what a service refused: beside its field where it names one, else on top."""
        for problem in error.problems or [Problem(error.message, field=error.field)]:
            known = problem.field if problem.field in self.fields else None
            self.add_error(known, ValidationError(str(problem.message), code=error.code))


class PortalForm(PortalFormMixin, forms.Form):
    """A form that is no model's."""


class PortalModelForm(PortalFormMixin, forms.ModelForm):
    """A form whose fields are a model's; saving is the view's service call, never ``form.save()``."""

    def save(self, commit: bool = True) -> Any:
        raise TypeError("a service saves what this form parsed")

    def _post_clean(self) -> None:
        """Parse into ``cleaned_data`` and check the model's rules on a copy; the instance itself stays as it is."""
        held = self.instance
        self.instance = type(held)(
            **{f.attname: getattr(held, f.attname) for f in held._meta.concrete_fields}
        )
        self.instance._state.adding = held._state.adding
        super()._post_clean()  # type: ignore[misc] # private, and so unknown to the stubs
        self.instance = held


class TextField(forms.CharField):
    """Text of people: null bytes are refused, other control characters fall out, line ends are plain."""

    def to_python(self, value: Any) -> str | None:
        if isinstance(value, str) and "\x00" not in value:
            value = clean(value)
        return super().to_python(value)  # Django's own validator says what is wrong with a null byte.


class MoneyInput(forms.CharField):
    """An amount typed in yuan (or 万元 when written so), parsed to whole fen."""

    def __init__(self, *args: Any, unit: str = "yuan", **kwargs: Any) -> None:
        self.unit = unit
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(*args, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return f"{fen_to_yuan(value)}" if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text in self.empty_values:
            return None
        try:
            return parse_money(text, unit=self.unit)
        except DomainError as error:
            raise ValidationError(str(error), code=error.code) from error
