from django.urls import path

from park_portal.core.accounts.views import EndViewPage, InvitationPage, ProfilePage, ViewAsPage

urlpatterns = [
    path("account/profile/", ProfilePage.as_view(), name="profile"),
    path("account/view-as/end/", EndViewPage.as_view(), name="view-as-end"),
    path("account/view-as/<int:pk>/", ViewAsPage.as_view(), name="view-as"),
    path("invitations/<str:token>/", InvitationPage.as_view(), name="invitation"),
]
