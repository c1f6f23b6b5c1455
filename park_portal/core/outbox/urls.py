from django.urls import path

from park_portal.core.outbox.views import InboxItemPage, InboxPage, PreferencesPage

urlpatterns = [
    path("inbox/", InboxPage.as_view(), name="inbox"),
    path("inbox/<uuid:public_id>/", InboxItemPage.as_view(), name="inbox_item"),
    path("account/notifications/", PreferencesPage.as_view(), name="preferences"),
]
