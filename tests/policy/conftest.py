import copy
import logging
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction
from django.test import override_settings

from tests.policy.asking import fingerprint
from tests.policy.world import make_world


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """One park for all cells of a process; it is taken back at the end, and every cell takes back what it did."""
    templates = copy.deepcopy(settings.TEMPLATES)
    templates[0]["DIRS"] = [Path(__file__).with_name("templates"), *templates[0]["DIRS"]]
    # Some thousand refusals, each with its line.
    logging.disable(logging.CRITICAL)
    with django_db_blocker.unblock(), transaction.atomic(), override_settings(TEMPLATES=templates):
        yield make_world()
        transaction.set_rollback(True)
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def untouched(world, django_db_blocker):
    """The park as it is before anything is asked."""
    with django_db_blocker.unblock():
        return fingerprint()
