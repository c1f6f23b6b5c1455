from django.urls import path

from funding.panels import views

app_name = "panels"

urlpatterns = [
    path("", views.MeetingList.as_view(), name="list"),
    path("<int:pk>/", views.MeetingPage.as_view(), name="detail"),
    path("<int:pk>/live/", views.LiveFragment.as_view(), name="live"),
    path("<int:pk>/declare/", views.DeclarePage.as_view(), name="declare"),
    path("<int:pk>/agenda/", views.AgendaPage.as_view(), name="agenda"),
    path("<int:pk>/sign/", views.SignPage.as_view(), name="sign"),
    path("<int:pk>/calendar.ics", views.CalendarFile.as_view(), name="calendar"),
    path("<int:pk>/act/<slug:act>/", views.MeetingAct.as_view(), name="act"),
    path("<int:pk>/items/<int:item>/", views.ItemPage.as_view(), name="item"),
    path("<int:pk>/items/<int:item>/conflict/", views.ConflictPage.as_view(), name="conflict"),
    path("<int:pk>/items/<int:item>/act/<slug:act>/", views.ItemAct.as_view(), name="item-act"),
]
