from django.urls import path

from park_portal.core.documents.views import download

urlpatterns = [path("documents/<uuid:public_id>/", download, name="document")]
