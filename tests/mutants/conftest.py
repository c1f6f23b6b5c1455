from tests.policy.conftest import world  # noqa: F401 - a fixture
