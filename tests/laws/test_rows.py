"""Rows that are somebody's are nobody else's: of every model that says whose they are."""

from typing import Any, Final

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import models

from tests.factories import make
from tests.personas import person

pytestmark = pytest.mark.django_db

GUARDED: Final = sorted(
    model._meta.label
    for model in apps.get_models()
    if "visible_to" in type(model._default_manager.all()).__dict__
)


def seen(model: type[models.Model], user: Any) -> bool:
    rows: Any = model._default_manager.all()
    return bool(rows.visible_to(user).exists())


@pytest.mark.parametrize("label", GUARDED)
def test_a_stranger_and_nobody_see_none(label):
    row = make(label)
    model = type(row)
    assert model._default_manager.filter(pk=row.pk).exists()
    assert not seen(model, person("stranger"))
    assert not seen(model, AnonymousUser())
