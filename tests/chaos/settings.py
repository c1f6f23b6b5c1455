"""The portal's own settings, and an effect that nothing guards."""

from park_portal.settings import *  # noqa: F403
from park_portal.settings import INSTALLED_APPS

# First: who comes last is told to set up the roles.
INSTALLED_APPS = ["tests.chaos.app.Chaos", *INSTALLED_APPS]
