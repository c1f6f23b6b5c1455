from django.urls import path

from park_portal.core.tokens.views import RevokePage, TokensPage

urlpatterns = [
    path("account/tokens/", TokensPage.as_view(), name="tokens"),
    path("account/tokens/<int:pk>/revoke/", RevokePage.as_view(), name="token-revoke"),
]
