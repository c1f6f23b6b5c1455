from django.urls import path

from park_portal.core.privacy import views

urlpatterns = [
    path("account/data/", views.MyDataPage.as_view(), name="my-data"),
    path("account/data/copy/", views.CopyPage.as_view(), name="my-data-copy"),
    path("account/data/consents/", views.ConsentsPage.as_view(), name="my-consents"),
    path("account/data/request/", views.AskPage.as_view(), name="my-data-ask"),
    path("account/data/erase/", views.ErasePage.as_view(), name="my-data-erase"),
    path("account/data/request/<int:pk>/withdraw/", views.WithdrawPage.as_view(), name="my-data-withdraw"),
]
