from django.urls import path

from funding.applications import autosave, views

app_name = "applications"

urlpatterns = [
    path("", views.ApplicationList.as_view(), name="list"),
    path("start/<str:code>/", views.StartPage.as_view(), name="start"),
    path("<int:pk>/", views.ApplicationPage.as_view(), name="detail"),
    path("<int:pk>/form/", views.FormPage.as_view(), name="form"),
    path("<int:pk>/check/", views.CheckPage.as_view(), name="check"),
    path("<int:pk>/withdraw/", views.WithdrawPage.as_view(), name="withdraw"),
    path("<int:pk>/receipt/<int:number>/", views.ReceiptPage.as_view(), name="receipt"),
    path("<int:pk>/versions/<int:number>/", views.VersionPage.as_view(), name="version"),
    path("<int:pk>/versions/<int:number>/changes/", views.ChangesPage.as_view(), name="changes"),
    path("<int:pk>/answers/<str:key>/", autosave.AnswerEndpoint.as_view(), name="answer"),
    path("<int:pk>/files/<str:key>/", autosave.FileEndpoint.as_view(), name="file"),
    path("<int:pk>/files/<int:file>/remove/", autosave.RemoveFileEndpoint.as_view(), name="remove-file"),
    path("<int:pk>/ping/", autosave.Ping.as_view(), name="ping"),
]
