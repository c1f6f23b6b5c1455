"""What every test may ask for. Tests use the same local PostgreSQL and Valkey as the portal, in databases of their own.

PARK_TEST_DB names the test database, so that several runs at once do not meet.
"""

import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from park_portal import translations
from park_portal.core.accounts.models import User
from park_portal.local import ensure_for_this_process
from tests import databases, factories
from tests.browser import browser, nothing_forbidden, page  # noqa: F401 - fixtures
from tests.personas import person
from tests.stack import idle_stack_stops, live_database, live_stack, running_stack  # noqa: F401 - fixtures

# The suite says the same of the same code: its examples are drawn from the tests themselves. HYPOTHESIS_PROFILE=default
# looks for new ones.
hypothesis.settings.register_profile("suite", derandomize=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def pytest_configure() -> None:
    ensure_for_this_process()
    translations.build(quiet=True, force=False)
    # What a test rings or caches must reach neither a portal that runs from this checkout nor another test process,
    # nor the next run, whose people have the same keys again.
    mine = f"{settings.DATABASES['default']['TEST']['NAME']}-{os.getpid()}"
    settings.REDIS_PREFIX = mine
    settings.CACHES["default"]["KEY_PREFIX"] = mine
    settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"] = f"{mine}:"
    settings.MEDIA_ROOT = Path(tempfile.mkdtemp(prefix="park-test-media-"))
    # Else each client of a test reads the list of all static files anew.
    settings.WHITENOISE_AUTOREFRESH = True
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher"
    ]  # Fast; nothing is protected here.
    factories.load()


def pytest_sessionstart() -> None:
    """Run without one of the portal's guards, when `make mutants` asks whether a test misses it."""
    if mutant := os.environ.get("PARK_MUTANT"):
        from tests.mutants.mutations import apply_for_good

        apply_for_good(mutant)


def pytest_unconfigure() -> None:
    import shutil

    if str(settings.MEDIA_ROOT).startswith(tempfile.gettempdir()):
        shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Files are named by their argument: their bytes hold the time they were made at, which differs between processes."""
    return argname if isinstance(val, bytes) else None


@pytest.hookimpl(
    wrapper=True, tryfirst=True
)  # Before xdist reads the groups, and after pytest-django sorted.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Tests of the running portal share one, so they run in one process; the story in Chinese, the longest beside the
    one in English, may have the other process and a portal of its own. They begin first, and the demo park next:
    nothing else takes as long.
    """
    for item in items:
        if is_live(item):
            item.add_marker("e2e")
            is_second = item.name.startswith("test_from_the_call_to_the_award[zh-hans")
            item.add_marker(pytest.mark.xdist_group("second live" if is_second else "live"))
    yield
    items.sort(key=lambda item: (not is_live(item), item.get_closest_marker("xdist_group") is None))
    # What is there by now stays: the collector need not go through it again with every test.
    gc.collect()
    gc.freeze()


def is_live(item: pytest.Item) -> bool:
    return "live_stack" in getattr(item, "fixturenames", ())


@pytest.fixture(autouse=True)
def own_language():
    """A request leaves its language behind in the thread: each test begins with the portal's."""
    translation.activate(settings.LANGUAGE_CODE)
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Copy a database that is migrated already: half a minute less for each process."""
    settings.DATABASES["default"]["TEST"]["TEMPLATE"] = databases.template()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Let tests that commit empty their database afterwards; append-only tables refuse that everywhere else."""
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        cursor.execute(f"ALTER DATABASE {name} SET park.allow_truncate = 'on'")
        cursor.execute("SET park.allow_truncate = 'on'")
        # Nobody misses a test's data after a power cut; waiting for the disk would take most of the time.
        cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = 'off'")
        cursor.execute("SET synchronous_commit = 'off'")
        # A test's rows are never committed: whoever counts them meanwhile finds none, and PostgreSQL then plans for empty
        # tables, which now and then takes minutes. Where nobody has counted it is careful.
        cursor.execute(
            "SELECT format('ALTER TABLE %I SET (autovacuum_enabled = off)', relname) FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)


@pytest.fixture
def people(db) -> Callable[[str], User]:
    """The personas by name, each made when first asked for: `people("officer")`."""
    return person


@pytest.fixture
def client_of(people) -> Callable[[str | User], Client]:
    """A test client in which a persona is logged in: `client_of("stranger").get(…)`."""

    def login(who: str | User) -> Client:
        client = Client()
        client.force_login(people(who) if isinstance(who, str) else who, settings.AUTHENTICATION_BACKENDS[1])
        return client

    return login
