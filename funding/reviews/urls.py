from django.urls import path

from funding.reviews import views

app_name = "reviews"

urlpatterns = [
    path("reviews/", views.ReviewList.as_view(), name="list"),
    path("reviews/invitations/", views.InvitationsPage.as_view(), name="invitations"),
    path("reviews/ties/", views.TieList.as_view(), name="ties"),
    path("reviews/ties/new/", views.TiePage.as_view(), name="tie-add"),
    path("reviews/ties/<int:pk>/withdraw/", views.TieWithdrawPage.as_view(), name="tie-withdraw"),
    path("reviews/profile/", views.ProfilePage.as_view(), name="profile"),
    path("reviews/profile/publications/add/", views.PublicationAdd.as_view(), name="publication-add"),
    path("reviews/profile/publications/paste/", views.PublicationPaste.as_view(), name="publication-paste"),
    path(
        "reviews/profile/publications/<int:pk>/",
        views.PublicationChange.as_view(),
        name="publication-change",
    ),
    path(
        "reviews/profile/publications/<int:pk>/remove/",
        views.PublicationRemove.as_view(),
        name="publication-remove",
    ),
    path("reviews/record/", views.RecordPage.as_view(), name="record"),
    path("reviews/<int:pk>/", views.ReviewPage.as_view(), name="detail"),
    path("reviews/<int:pk>/accept/", views.AcceptPage.as_view(), name="accept"),
    path("reviews/<int:pk>/decline/", views.DeclinePage.as_view(), name="decline"),
    path("reviews/<int:pk>/conflict/", views.RecusePage.as_view(), name="recuse"),
    path("reviews/<int:pk>/match/", views.MatchPage.as_view(), name="match"),
    path("reviews/<int:pk>/save/<str:key>/", views.FieldEndpoint.as_view(), name="save"),
    path("reviews/<int:pk>/ping/", views.Ping.as_view(), name="ping"),
    path("reviews/<int:pk>/check/", views.SubmitPage.as_view(), name="submit"),
    path("university/queue/", views.QueueList.as_view(), name="queue"),
    path("university/queue/<int:pk>/", views.QueuePage.as_view(), name="act"),
    path("notices/", views.NoticeList.as_view(), name="notices"),
    path("notices/<int:pk>/", views.NoticePage.as_view(), name="notice"),
    path("notices/lines/<int:pk>/objection/", views.ObjectionPage.as_view(), name="object"),
]
