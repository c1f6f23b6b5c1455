from django.urls import path

from park_portal.core.accounts.views import InvitationPage, ProfilePage

urlpatterns = [
    path("account/profile/", ProfilePage.as_view(), name="profile"),
    path("invitations/<str:token>/", InvitationPage.as_view(), name="invitation"),
]
