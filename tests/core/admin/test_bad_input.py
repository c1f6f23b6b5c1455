"""What nobody types on purpose: NUL characters, texts without end, addresses that lead nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse

from park_portal.core.middleware import NulMiddleware
from tests.factories import list_pages, make
from tests.laws.test_query_counts import LISTS
from tests.personas import person

pytestmark = pytest.mark.django_db


def signed_in(name: str) -> Client:
    client = Client(raise_request_exception=True)
    client.force_login(person(name), settings.AUTHENTICATION_BACKENDS[1])
    return client


def parameters(model: Any) -> list[str]:
    """Every filter of a model's list in the ways an address can ask for it, its search, its order and its page."""
    model_admin = admin.site._registry[model]
    names = ["q", "o", "p", "pk", "id__in"]
    for entry in model_admin.list_filter:
        field = entry[0] if isinstance(entry, tuple) else entry
        if isinstance(field, str):
            names += [field, f"{field}__exact", f"{field}__in", f"{field}__id__exact", f"{field}__gte"]
        else:
            names.append(field.parameter_name)
    return [*names, *getattr(model_admin, "lookup_params", [])]


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model._meta.label)
def test_nul_in_an_admin_list_is_left_out(model):
    client = signed_in("superuser")
    make(model._meta.label)
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for value in ("%00", "1,%00"):
        query = "&".join(f"{name}={value}" for name in parameters(model))
        assert client.get(f"{address}?{query}", follow=True).status_code == 200, query


@pytest.mark.parametrize("route", sorted(list_pages()))
def test_nul_in_a_portal_list_is_left_out(route):
    persona, fill = list_pages()[route]
    client = signed_in(persona)
    fill(1)
    names = ("q", "sort", "page", "state", "call", "kind", "after", "view", "faculty")
    query = "&".join(f"{name}=a%00b" for name in names)
    assert client.get(f"{reverse(route)}?{query}").status_code == 200


def test_the_rest_of_the_address_stays():
    request = RequestFactory().get("/?q=%E6%B5%8B%00%E8%AF%95&state=%0%000open&x=%2500")
    seen = []
    NulMiddleware(lambda request: seen.append(request.GET.dict()))(request)
    assert seen == [{"q": "测试", "state": "open", "x": "%00"}]


def test_nul_in_a_form_is_refused_where_no_field_did(client):
    client = signed_in("superuser")
    response = client.post(reverse("admin:core_user_changelist"), {"action": "act_\0", "index": "\0"})
    assert response.status_code < 500
