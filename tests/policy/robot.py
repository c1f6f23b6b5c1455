"""Fills in the form that a page shows, as a person would who knows nothing but the page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from lxml import html

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
NOT_OURS = ("/i18n/setlang/", "/accounts/logout/", "/admin/logout/")


def fill_in(content: bytes, *, change: dict[str, Any], button: str = "") -> dict[str, Any] | None:
    """Return what the largest form of the page sends once every required field is filled; None when it has no form.

    ``button`` is the name of the button pressed, the form's first one if omitted. A form in which nothing was left to
    fill in gets a word added to its first text, so that sending it changes something.
    """
    document = html.document_fromstring(content.decode())
    forms = [
        form
        for form in document.forms
        if form.method == "POST" and not (form.action or "").endswith(NOT_OURS) and not _is_frame(form)
    ]
    if button:
        forms = [form for form in forms if any(b.get("name") == button for b in _buttons(form))]
    if not forms:
        return None
    form = max(forms, key=lambda form: len(form.inputs.keys()))
    sent: dict[str, Any] = {}
    for name, value in form.form_values():
        sent.setdefault(name, []).append(value)
    sent.pop("csrfmiddlewaretoken", None)
    filled = False
    for field in form.xpath(".//input | .//textarea | .//select"):
        name = field.get("name")
        if not name or name in change or field.get("disabled") is not None or not _required(field):
            continue
        if any(value.strip() for value in sent.get(name, [])):
            continue
        value = _value(field)
        if value is not None:
            sent[name], filled = [value], True
    if not filled and not change:
        _add_a_word(form, sent)
    for press in _buttons(form):
        if press.get("name") and (not button or press.get("name") == button):
            sent[press.get("name")] = [press.get("value", "")]
            break
    flat = {name: values[0] if len(values) == 1 else values for name, values in sent.items()}
    return {**flat, **change}


def fill_form(form: forms.BaseForm) -> dict[str, Any]:
    """Return what a program sends for the form of an act: every required field, by its kind."""
    sent: dict[str, Any] = {}
    for name, field in form.fields.items():
        if not field.required:
            continue
        initial = form.get_initial_for_field(field, name)
        match field:
            case forms.ModelChoiceField():
                sent[name] = getattr(initial, "pk", initial) or field.queryset[0].pk
            case forms.MultipleChoiceField():
                sent[name] = [next(value for value, _label in field.choices if value)]
            case forms.ChoiceField():
                sent[name] = initial or next(value for value, _label in field.choices if value)
            case forms.DateTimeField():
                sent[name] = (timezone.localtime() + timedelta(days=40)).strftime("%Y-%m-%dT17:00")
            case forms.DateField():
                sent[name] = (timezone.localdate() + timedelta(days=40)).isoformat()
            case forms.BooleanField():
                sent[name] = True
            case forms.IntegerField() | forms.DecimalField():
                sent[name] = initial or 1
            case forms.EmailField():
                sent[name] = "newcomer@policy.example"
            case _:
                sent[name] = str(initial or "理由充分")
    return sent


def _is_frame(form: Any) -> bool:
    return form.get("id") in ("changelist-search", "logout-form") or form.get("role") == "search"


def _buttons(form: Any) -> list[Any]:
    return form.xpath(".//button[not(@type) or @type='submit'] | .//input[@type='submit']")


def _required(field: Any) -> bool:
    return field.get("required") is not None or field.get("aria-required") == "true"


def _add_a_word(form: Any, sent: dict[str, list[Any]]) -> None:
    for field in form.xpath(".//textarea | .//input[@type='text' or not(@type)]"):
        name = field.get("name") or ""
        value = (sent.get(name) or [""])[0]
        if value.strip() and field.get("readonly") is None and not value.isascii():
            sent[name] = [f"{value}改"]
            return
    for field in form.xpath(".//textarea"):
        if field.get("name"):
            sent[field.get("name")] = ["补充一句。"]
            return


def _value(field: Any) -> Any:
    tomorrow = timezone.localtime() + timedelta(days=10)
    if field.tag == "select":
        options = [option.get("value") for option in field.xpath(".//option") if option.get("value")]
        return options[0] if options else None
    if field.tag == "textarea":
        return "理由：材料不全，请补充说明。"
    name = field.get("name", "")
    match field.get("type", "text"):
        case "checkbox" | "radio":
            return field.get("value", "on")
        case "file":
            return SimpleUploadedFile("计划书.pdf", PDF, content_type="application/pdf")
        case "email":
            return "newcomer@people.example"
        case "date":
            return tomorrow.date().isoformat()
        case "time":
            return "17:00"
        case "datetime-local":
            return tomorrow.strftime("%Y-%m-%dT17:00")
        case "number":
            return field.get("min") or "1"
        case "hidden" | "submit" | "button":
            return None
    classes = field.get("class", "")
    if "vDateField" in classes or name.endswith("_0"):
        return tomorrow.date().isoformat()
    if "vTimeField" in classes or name.endswith("_1"):
        return "17:00"
    if "email" in name:
        return "newcomer@people.example"
    return "理由充分"
