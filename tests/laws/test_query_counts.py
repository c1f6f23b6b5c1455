"""A list page knows its cost: as many queries for 30 rows as for one. Every list page there is must be measured here.

A portal's list page is registered with `tests.factories.list_page`; an admin's list is filled by the model's factory.
"""

from collections.abc import Iterator
from typing import Final

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.templatetags.admin_urls import admin_urlname
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from park_portal.core import views
from tests.factories import list_pages, make
from tests.personas import person

pytestmark = pytest.mark.django_db

OURS = ("core", "incubator", "funding")
LISTS = [
    model for model in apps.get_models() if model in admin.site._registry and model._meta.app_label in OURS
]


def portal_lists(resolver: URLResolver | None = None, namespace: str = "") -> Iterator[str]:
    """The route names of every list page of the portal."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace == "admin":
                continue
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from portal_lists(pattern, inner)
        elif isinstance(pattern, URLPattern):
            view = getattr(pattern.callback, "view_class", None)
            if isinstance(view, type) and issubclass(view, views.ListPage):
                yield f"{namespace}{pattern.name}"


def queries(client: Client, address: str) -> list[str]:
    """The queries of one request, after one that fills what is cached for the whole process."""
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address)
    assert response.status_code == 200, f"{address}: {response.status_code}"
    return [query["sql"] for query in captured.captured_queries]


def explain(few: list[str], many: list[str]) -> str:
    """The statements that came more often with more rows, with their values left out."""
    import re
    from collections import Counter

    def shape(statement: str) -> str:
        return re.sub(r"'[^']*'|\b\d+\b", "?", statement)[:300]

    more = Counter(map(shape, many)) - Counter(map(shape, few))
    return "\n".join(f"{count} more: {statement}" for statement, count in more.most_common(8))


def test_every_portal_list_is_measured():
    assert sorted(set(portal_lists()) - set(list_pages())) == []


@pytest.mark.parametrize("route", sorted(list_pages()))
def test_portal_list_costs_the_same_for_many_rows(route):
    persona, fill = list_pages()[route]
    client = Client()
    client.force_login(person(persona), settings.AUTHENTICATION_BACKENDS[1])
    fill(1)
    few = queries(client, reverse(route))
    fill(29)
    many = queries(client, reverse(route))
    assert len(many) == len(few), explain(few, many)
    assert len(few) <= 12


# An application takes long to be brought to its letter: the lists of all that it comes by are measured with that.
COMES_BY: Final = {
    "funding.Letter": ("funding.StageRun", "funding.Decision"),
}
MADE_ELSEWHERE: Final = {label for labels in COMES_BY.values() for label in labels}


@pytest.mark.parametrize(
    "label", [model._meta.label for model in LISTS if model._meta.label not in MADE_ELSEWHERE]
)
def test_admin_list_costs_the_same_for_many_rows(label: str):
    client = Client()
    client.force_login(person("superuser"), settings.AUTHENTICATION_BACKENDS[1])
    measured = [apps.get_model(one) for one in (label, *COMES_BY.get(label, ()))]
    addresses = {model: reverse(admin_urlname(model._meta, "changelist")) for model in measured}
    make(label)
    few = {model: queries(client, address) for model, address in addresses.items()}
    for _ in range(29):
        make(label)
    for model, address in addresses.items():
        assert model._meta.label == label or model._default_manager.count() >= 30
        many = queries(client, address)
        assert len(many) == len(few[model]), f"{model._meta.label}: {explain(few[model], many)}"
