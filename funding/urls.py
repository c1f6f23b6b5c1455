"""Contents page: the addresses of every room of calls and funds."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("calls/", include("funding.calls.urls")),
    path("applications/", include("funding.applications.urls")),
    path("", include("funding.reviews.urls")),
    path("panels/", include("funding.panels.urls")),
    path("awards/", include("funding.awards.urls")),
    path("reports/", include("funding.reports.urls")),
    path("data-rooms/", include("funding.datarooms.urls")),
    path("payments/", include("funding.payments.urls")),
    path("applications/", include("funding.decisions.urls")),
]
