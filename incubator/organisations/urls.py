from django.urls import path

from incubator.organisations import views

app_name = "organisations"
urlpatterns = [
    path("", views.OrganisationList.as_view(), name="list"),
    path("new/", views.OrganisationCreate.as_view(), name="create"),
    path("check/", views.OrganisationCheck.as_view(), name="check"),
    path("join/<str:token>/", views.OrganisationJoin.as_view(), name="join"),
    path("<int:pk>/", views.OrganisationPage.as_view(), name="detail"),
    path("<int:pk>/edit/", views.OrganisationEdit.as_view(), name="edit"),
    path("<int:pk>/leave/", views.MemberLeave.as_view(), name="leave"),
    path("<int:pk>/members/", views.MembersPage.as_view(), name="members"),
    path("<int:pk>/members/invite/", views.MemberInvite.as_view(), name="invite"),
    path(
        "<int:pk>/invitations/<int:invitation>/resend/",
        views.InvitationResend.as_view(),
        name="invitation-resend",
    ),
    path(
        "<int:pk>/invitations/<int:invitation>/revoke/",
        views.InvitationRevoke.as_view(),
        name="invitation-revoke",
    ),
    path("<int:organisation>/members/<int:pk>/role/", views.MemberRole.as_view(), name="member-role"),
    path("<int:organisation>/members/<int:pk>/remove/", views.MemberRemove.as_view(), name="member-remove"),
]
