"""Whatever people see of a model has a Chinese name: tables, columns, choices. A name that was never marked for
translation escapes the catalogues, so this looks at what is shown."""

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import get_resolver
from django.utils import translation

from park_portal.core.admin.labels import act_label

HAN = re.compile(r"[\u4e00-\u9fff]")
SAME_EVERYWHERE = {"ID", "English", "TRL", "ORCID", "IP", "SHA-256", "%", "PDF", "DOI"}
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


def recorded_acts():
    """The codes of all acts that the audit trail is told of by name, wherever ``record(…)`` is called."""
    root = Path(__file__).parents[2]
    found = set()
    for top in ("park_portal", "incubator", "funding"):
        for path in (root / top).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "record" and node.args:
                    code = node.args[0]
                    if isinstance(code, ast.Constant) and re.fullmatch(r"[a-z_]+\.[a-z_]+", str(code.value)):
                        found.add(code.value)
    return found


def test_acts_in_the_audit_trail_are_named_in_chinese():
    assert get_resolver().url_patterns  # reading them loads every page, and with it the names it gives
    acts = recorded_acts()
    assert {"decision.propose", "call.extend", "user.set_roles"} <= acts  # the walk finds them
    with translation.override("zh-hans"):
        assert sorted(act for act in acts if not HAN.search(act_label(act))) == []
