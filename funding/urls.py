"""Contents page: the addresses of every room of calls and funds."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
