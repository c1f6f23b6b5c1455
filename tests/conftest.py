"""What every test may ask for. Tests use the same local PostgreSQL and Valkey as the portal, in databases of their own.

PARK_TEST_DB names the test database, so that several runs at once do not meet.
"""

import pytest

from park_portal.local import ensure_for_this_process


def pytest_configure() -> None:
    ensure_for_this_process()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Let tests that commit empty their database afterwards; append-only tables refuse that everywhere else."""
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        cursor.execute(f"ALTER DATABASE {name} SET park.allow_truncate = 'on'")
        cursor.execute("SET park.allow_truncate = 'on'")
