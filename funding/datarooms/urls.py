from django.urls import path

from funding.datarooms import views

app_name = "datarooms"

urlpatterns = [
    path("", views.IndexPage.as_view(), name="index"),
    path("ask/", views.AskPage.as_view(), name="ask"),
    path("accesses/", views.AccessList.as_view(), name="accesses"),
    path("shared/<int:organisation>/", views.SharedPage.as_view(), name="shared"),
    path("items/<uuid:item>/", views.ItemPage.as_view(), name="item"),
    path("items/<uuid:item>/pages/<int:number>/", views.PagePicture.as_view(), name="page"),
    path("items/<uuid:item>/file/", views.FileCopy.as_view(), name="file"),
    path("<int:organisation>/", views.RoomPage.as_view(), name="room"),
    path("<int:organisation>/files/new/", views.FileAdd.as_view(), name="add-file"),
    path("<int:organisation>/fields/new/", views.FactAdd.as_view(), name="add-fact"),
    path("<int:organisation>/items/<uuid:item>/edit/", views.ItemEdit.as_view(), name="item-edit"),
    path("<int:organisation>/items/<uuid:item>/replace/", views.ItemReplace.as_view(), name="item-replace"),
    path("<int:organisation>/items/<uuid:item>/remove/", views.ItemRemove.as_view(), name="item-remove"),
    path("<int:organisation>/investors/new/", views.InvestorInvite.as_view(), name="invite"),
    path(
        "<int:organisation>/investors/<int:investor>/again/",
        views.InvestorAgain.as_view(),
        name="investor-again",
    ),
    path(
        "<int:organisation>/investors/<int:investor>/remove/",
        views.InvestorRemove.as_view(),
        name="investor-remove",
    ),
    path("<int:organisation>/share/", views.GrantPage.as_view(), name="share"),
    path("<int:organisation>/grants/<int:grant>/revoke/", views.GrantRevoke.as_view(), name="revoke"),
    path("<int:organisation>/requests/<int:pk>/accept/", views.RequestAccept.as_view(), name="accept"),
    path("<int:organisation>/requests/<int:pk>/decline/", views.RequestDecline.as_view(), name="decline"),
]
