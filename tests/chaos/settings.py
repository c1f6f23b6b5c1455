"""The portal's own settings, and an effect that nothing guards."""

from park_portal.settings import *  # noqa: F403
from park_portal.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.app.Chaos"]
