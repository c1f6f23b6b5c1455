"""Contents page: every address of the ground floor."""

from django.urls import include, path

urlpatterns = [
    path("", include("park_portal.core.documents.urls")),
    path("", include("park_portal.core.jobs.urls")),
    path("", include("park_portal.core.outbox.urls")),
    path("", include("park_portal.core.accounts.urls")),
    path("", include("park_portal.core.privacy.urls")),
    path("", include("park_portal.core.search.urls")),
    path("", include("park_portal.core.tokens.urls")),
    path("", include("park_portal.core.webhooks.urls")),
]
