from django.urls import path

from park_portal.core.webhooks.views import (
    ChangePage,
    PausePage,
    RemovePage,
    ResumePage,
    SecretPage,
    WebhookPage,
    WebhooksPage,
)

urlpatterns = [
    path("account/webhooks/", WebhooksPage.as_view(), name="webhooks"),
    path("account/webhooks/<int:pk>/", WebhookPage.as_view(), name="webhook"),
    path("account/webhooks/<int:pk>/change/", ChangePage.as_view(), name="webhook-change"),
    path("account/webhooks/<int:pk>/pause/", PausePage.as_view(), name="webhook-pause"),
    path("account/webhooks/<int:pk>/resume/", ResumePage.as_view(), name="webhook-resume"),
    path("account/webhooks/<int:pk>/secret/", SecretPage.as_view(), name="webhook-secret"),
    path("account/webhooks/<int:pk>/remove/", RemovePage.as_view(), name="webhook-remove"),
]
