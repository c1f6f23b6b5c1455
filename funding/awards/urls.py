from django.urls import path

from funding.awards import views

app_name = "awards"

urlpatterns = [
    path("", views.AwardList.as_view(), name="list"),
    path("<int:pk>/", views.LifePage.as_view(), name="life"),
    path("<int:pk>/milestones/<int:number>/", views.MilestonePage.as_view(), name="milestone"),
    path("<int:pk>/shift/", views.ShiftPage.as_view(), name="shift"),
    path("<int:pk>/amend/", views.AmendPage.as_view(), name="amend"),
    path("<int:pk>/amendments/<int:number>/withdraw/", views.WithdrawAmendment.as_view(), name="withdraw"),
]
