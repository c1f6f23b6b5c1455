import pytest

from park_portal.core.documents import services as documents


@pytest.fixture(autouse=True)
def _own_media(settings, tmp_path):
    """Files of these tests go nowhere near the portal's own."""
    settings.MEDIA_ROOT = tmp_path / "media"
    assert documents is not None
