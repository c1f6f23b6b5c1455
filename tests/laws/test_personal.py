"""Every column of every table is declared: whose it is and what becomes of it, or that it is nobody's."""

from django.apps import apps
from django.db import models
from django.utils import translation

from park_portal.core.accounts.models import User
from park_portal.core.personal import HOLDINGS, Erasure, Keep, tables_of_the_portal, undeclared
from park_portal.core.policies.shipped import SHIPPED
from park_portal.core.privacy.held import column_label, table_label
from tests.laws.test_labels import HAN, SAME_EVERYWHERE

RULES = {figure.key for figure in SHIPPED}


def test_every_column_is_declared_once():
    assert undeclared() == {}


def test_a_column_that_nobody_declared_is_named(monkeypatch):
    kept = HOLDINGS["incubator.Membership"]
    monkeypatch.delitem(HOLDINGS, "incubator.Membership")
    monkeypatch.setitem(HOLDINGS, "core.Gone", kept)
    assert undeclared() == {
        "incubator.Membership": ["created_at", "id", "organisation", "role", "user"],
        "core.Gone": ["no such table"],
    }


def test_whatever_points_to_a_person_is_personal():
    found = [
        f"{model._meta.label}.{field.name}"
        for model in tables_of_the_portal()
        for field in model._meta.local_concrete_fields
        if field.related_model is User and field.name not in HOLDINGS[model._meta.label].columns
    ]
    assert found == []


def test_addresses_and_names_of_people_are_personal():
    """By the kind of column: what could be an address of a person is none of those that are nobody's."""
    nobodys = {"core.ChatChannel.name"}
    found = [
        f"{model._meta.label}.{field.name}"
        for model in tables_of_the_portal()
        for field in model._meta.local_concrete_fields
        if isinstance(field, models.EmailField | models.GenericIPAddressField)
        and field.name not in HOLDINGS[model._meta.label].columns
    ]
    assert set(found) - nobodys == set()


def test_people_are_reached_by_paths_that_exist():
    for holding in HOLDINGS.values():
        if holding.people:
            assert str(holding.rows_of(User(pk=1)).query)


def test_how_long_is_a_dated_rule_or_a_reason():
    keeps = {holding.keep for holding in HOLDINGS.values() if holding.keep is not None}
    assert keeps - set(Keep.values) - RULES == set()


def test_what_stays_names_its_law_and_rows_that_go_go_as_wholes():
    for holding in HOLDINGS.values():
        assert set(holding.laws) == set(holding.names(Erasure.KEPT))
        if holding.names(Erasure.DELETED):
            assert set(holding.columns.values()) == {Erasure.DELETED}, holding.label
            assert holding.people or holding.by_marks or holding.deed
        pointers = [
            apps.get_model(holding.label)._meta.get_field(name) for name in holding.names(Erasure.LINKED)
        ]
        assert all(field.is_relation or field.name in ("object_id", "on_behalf_of") for field in pointers)


def test_what_people_read_of_their_data_is_in_chinese():
    with translation.override("zh-hans"):
        shown = [
            text
            for holding in HOLDINGS.values()
            if holding.people
            for text in (table_label(holding), *(column_label(holding, name) for name in holding.columns))
        ]
    assert [text for text in shown if not HAN.search(text) and text not in SAME_EVERYWHERE] == []
