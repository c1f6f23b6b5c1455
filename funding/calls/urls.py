from django.urls import path

from funding.calls import views

app_name = "calls"

urlpatterns = [
    path("", views.CallList.as_view(), name="list"),
    path("<str:code>/", views.CallPage.as_view(), name="detail"),
]
