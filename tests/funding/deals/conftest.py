import pytest
from django.utils import translation


@pytest.fixture(autouse=True)
def in_english():
    """Refusals are compared in English; pages speak the language of who reads them."""
    with translation.override("en"):
        yield
