from django.urls import path

from park_portal.core.search.views import search_page, suggest

urlpatterns = [
    path("search/", search_page, name="search"),
    path("search/suggest/", suggest, name="search_suggest"),
]
