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
    model._meta.label for model in apps.get_models() if hasattr(model._default_manager.all(), "visible_to")
)

# Whose names everybody may know: of funds everybody at all, of faculties who has signed in.
OPEN_TO_STRANGERS: Final = frozenset(
    {"funding.Fund", "funding.NoticeLine", "funding.PublicNotice", "incubator.Faculty"}
)
OPEN_TO_ALL: Final = frozenset({"funding.Fund", "funding.NoticeLine", "funding.PublicNotice"})


def seen(model: type[models.Model], user: Any) -> bool:
    rows: Any = model._default_manager.all()
    return bool(rows.visible_to(user).exists())


def test_there_are_rows_to_guard():
    assert {"funding.Application", "funding.Review", "incubator.Organisation"} <= set(GUARDED)


@pytest.mark.parametrize("label", GUARDED)
def test_a_stranger_and_nobody_see_none(label):
    row = make(label)
    model = type(row)
    assert model._default_manager.filter(pk=row.pk).exists()
    assert seen(model, person("stranger")) == (label in OPEN_TO_STRANGERS)
    assert seen(model, AnonymousUser()) == (label in OPEN_TO_ALL)
