from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

MOST_DAYS: Final = 366
MOST_TOKENS: Final = 20


class Scope(models.TextChoices):
    """What a token may be used for; each resource of the API names its own by the part before the colon."""

    ACCOUNT_READ = "account:read", _("Read my account")
    ACCOUNT_WRITE = "account:write", _("Change my profile and settings")
    INBOX_READ = "inbox:read", _("Read my inbox")
    INBOX_WRITE = "inbox:write", _("Mark notices as read")
    WEBHOOKS_READ = "webhooks:read", _("Read my webhooks")
    WEBHOOKS_WRITE = "webhooks:write", _("Change my webhooks")
    JOBS_READ = "jobs:read", _("Read my jobs")
    JOBS_WRITE = "jobs:write", _("Cancel and repeat my jobs")
    DOCUMENTS_READ = "documents:read", _("Download files")
    SEARCH_READ = "search:read", _("Search")
    PARK_READ = "park:read", _("Read working days, rules and the audit trail")
    PARK_WRITE = "park:write", _("Change working days and rules")
    PEOPLE_READ = "people:read", _("Read people and invitations")
    PEOPLE_WRITE = "people:write", _("Change people and invitations")
    CALLS_READ = "calls:read", _("Read calls")
    CALLS_WRITE = "calls:write", _("Publish, extend and close calls")
    ORGANISATIONS_READ = "organisations:read", _("Read organisations")
    ORGANISATIONS_WRITE = "organisations:write", _("Change organisations")
    PROJECTS_READ = "projects:read", _("Read research projects")
    PROJECTS_WRITE = "projects:write", _("Change research projects")
    APPLICATIONS_READ = "applications:read", _("Read applications")
    APPLICATIONS_WRITE = "applications:write", _("Write and submit applications")
    REVIEWS_READ = "reviews:read", _("Read reviews and what waits for an opinion")
    REVIEWS_WRITE = "reviews:write", _("Write reviews and give opinions")
    DECISIONS_READ = "decisions:read", _("Read decisions, letters and awards")
    DATAROOMS_READ = "datarooms:read", _("Read data rooms, mine and those shared with me")
    DATAROOMS_WRITE = "datarooms:write", _("Fill and share my data rooms")
    DECISIONS_WRITE = "decisions:write", _("Change decisions, letters and awards")


# What only the park's staff could do with it: nobody else is offered these, as they would only ever be refused.
OF_STAFF: Final = (
    Scope.PARK_WRITE,
    Scope.PEOPLE_READ,
    Scope.PEOPLE_WRITE,
    Scope.CALLS_WRITE,
    Scope.DECISIONS_WRITE,
)
