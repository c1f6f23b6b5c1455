"""Whatever people see of a model has a Chinese name: tables, columns, choices. A name that was never marked for
translation escapes the catalogues, so this looks at what is shown."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.utils import translation

HAN = re.compile(r"[\u4e00-\u9fff]")
SAME_EVERYWHERE = {"ID", "English", "TRL", "ORCID", "IP", "SHA-256", "%", "PDF"}
MODELS = [
    model for label in ("core", "incubator", "funding") for model in apps.get_app_config(label).get_models()
]
# Those that staff see as records of their own, or as rows of one.
IN_ADMIN = {
    *admin.site._registry,
    *(inline.model for one in admin.site._registry.values() for inline in one.inlines),
}


def untranslated(*texts: object) -> list[str]:
    with translation.override("zh-hans"):
        return [text for text in map(str, texts) if not HAN.search(text) and text not in SAME_EVERYWHERE]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_model_is_named_in_chinese(model):
    assert untranslated(model._meta.verbose_name, model._meta.verbose_name_plural) == []


@pytest.mark.parametrize("model", [m for m in MODELS if m in IN_ADMIN], ids=lambda model: model._meta.label)
def test_columns_that_people_see_are_named_in_chinese(model):
    shown = [f for f in model._meta.concrete_fields if f.editable and not f.primary_key]
    found = {field.name: untranslated(field.verbose_name) for field in shown}
    assert {name: texts for name, texts in found.items() if texts} == {}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_choices_are_named_in_chinese(model):
    found = {
        field.name: untranslated(*(label for value, label in field.flatchoices if value not in ("", None)))
        for field in model._meta.concrete_fields
        if field.choices
    }
    assert {name: texts for name, texts in found.items() if texts} == {}
