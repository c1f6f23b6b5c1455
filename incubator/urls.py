"""Contents page: every address of the park."""

from django.urls import include, path

urlpatterns = [
    path("organisations/", include("incubator.organisations.urls")),
    path("projects/", include("incubator.projects.urls")),
]
