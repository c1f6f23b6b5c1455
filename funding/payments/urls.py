from django.urls import path

from funding.payments import views

app_name = "payments"

urlpatterns = [
    path("", views.PaymentList.as_view(), name="list"),
    path("new/", views.PaymentAsk.as_view(), name="ask"),
    path("<int:pk>/", views.PaymentPage.as_view(), name="detail"),
    path("<int:pk>/again/", views.PaymentAgain.as_view(), name="again"),
    path("<int:pk>/cancel/", views.PaymentCancel.as_view(), name="cancel"),
]
