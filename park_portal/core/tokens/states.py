from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

MOST_DAYS: Final = 366
MOST_TOKENS: Final = 20


class Scope(models.TextChoices):
    """What a token may be used for; each resource of the API names its own by the part before the colon."""

    ACCOUNT_READ = "account:read", _("Read my account")
    INBOX_READ = "inbox:read", _("Read my inbox")
    INBOX_WRITE = "inbox:write", _("Mark notices as read")
    WEBHOOKS_READ = "webhooks:read", _("Read my webhooks")
    WEBHOOKS_WRITE = "webhooks:write", _("Change my webhooks")
    CALLS_READ = "calls:read", _("Read calls")
    ORGANISATIONS_READ = "organisations:read", _("Read organisations")
    ORGANISATIONS_WRITE = "organisations:write", _("Change organisations")
    PROJECTS_READ = "projects:read", _("Read research projects")
    PROJECTS_WRITE = "projects:write", _("Change research projects")
    APPLICATIONS_READ = "applications:read", _("Read applications")
    APPLICATIONS_WRITE = "applications:write", _("Write and submit applications")
