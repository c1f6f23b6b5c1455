from django.urls import path

from funding.reports import views

app_name = "reports"

urlpatterns = [
    path("", views.ReportList.as_view(), name="list"),
    path("<int:pk>/", views.ReportPage.as_view(), name="detail"),
    path("<int:pk>/write/", views.WritePage.as_view(), name="write"),
    path("<int:pk>/send/", views.SendPage.as_view(), name="send"),
    path("<int:pk>/expenses/new/", views.ExpenseAdd.as_view(), name="add-expense"),
    path("<int:pk>/expenses/<int:expense>/remove/", views.ExpenseRemove.as_view(), name="remove-expense"),
]
