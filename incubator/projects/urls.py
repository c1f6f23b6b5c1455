from django.urls import path

from incubator.projects import views

app_name = "projects"
urlpatterns = [
    path("", views.ProjectList.as_view(), name="list"),
    path("care/", views.CareList.as_view(), name="care"),
    path("new/", views.ProjectCreate.as_view(), name="create"),
    path("<int:pk>/", views.ProjectPage.as_view(), name="detail"),
    path("<int:pk>/edit/", views.ProjectEdit.as_view(), name="edit"),
    path("<int:pk>/move/<slug:name>/", views.ProjectMove.as_view(), name="move"),
    path("<int:pk>/leave/", views.TeamLeave.as_view(), name="leave"),
    path("<int:pk>/team/add/", views.TeamAdd.as_view(), name="team-add"),
    path("<int:project>/team/<int:pk>/role/", views.TeamChange.as_view(), name="team-change"),
    path("<int:project>/team/<int:pk>/remove/", views.TeamRemove.as_view(), name="team-remove"),
    path("<int:project>/team/<int:pk>/invite/", views.TeamInvite.as_view(), name="team-invite"),
]
