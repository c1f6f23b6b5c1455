"""A state has one colour, wherever it is shown."""

from __future__ import annotations

import re

import pgtrigger
import pytest
from django.apps import apps
from django.db import connection
from django.urls import reverse

from funding.applications.models import Application
from funding.applications.progress import state_line_of
from park_portal.core.admin.fields import _PILLS
from park_portal.core.tones import TONES, tone_of
from tests.factories.applications import make_submitted


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["withdrawn", "returned", "reserved", "declined"])
def test_a_state_is_coloured_alike_in_lists_on_its_page_and_in_the_administration(state, client_of):
    application = make_submitted()
    tone = tone_of(Application(state=state))
    owner = client_of(application.created_by)
    # How it came to its state, with a decision or without one, is not what this is about.
    with pgtrigger.ignore("funding.Application:application_decided_by_release"):
        Application.objects.bulk_update([_in(application, state)], ["state"])
        connection.check_constraints()

    listed = owner.get(reverse("applications:list")).content.decode()
    assert re.findall(r'badge-state tone-(\w+)"', listed) == [tone]
    assert state_line_of(application, application.created_by).tone == tone
    admin = client_of("officer").get(reverse("admin:funding_application_changelist")).content.decode()
    assert re.findall(r"staff-pill staff-pill-(\w+)", admin) == [_PILLS[tone]]


def _in(application: Application, state: str) -> Application:
    application.state = state
    return application


def test_only_known_tones_are_used():
    machines = {model.machine for model in apps.get_models() if hasattr(model, "machine")}
    used = {*TONES.values(), *(tone for machine in machines for tone in machine.tones.values())}
    assert used <= _PILLS.keys()


def test_what_was_withdrawn_by_its_own_people_is_no_alarm():
    assert [tone_of(Application(state=state)) for state in ("withdrawn", "rejected", "approved")] == [
        "neutral",
        "bad",
        "good",
    ]
