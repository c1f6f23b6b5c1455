"""What every test may ask for. Tests use the same local PostgreSQL and Valkey as the portal, in databases of their own.

PARK_TEST_DB names the test database, so that several runs at once do not meet.
"""

from park_portal.local import ensure_for_this_process


def pytest_configure() -> None:
    ensure_for_this_process()
