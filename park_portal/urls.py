"""Every address of the portal: one line a room."""

from django.conf import settings
from django.contrib import admin
from django.http import Http404
from django.urls import include, path, re_path
from django.views.decorators.cache import cache_control
from django.views.i18n import JavaScriptCatalog

from park_portal import mailbox, system_health  # noqa: F401 # the second registers a page of the admin
from park_portal.core.accounts.university import callback as university_callback
from park_portal.core.accounts.views import (
    AddressesPage,
    ConfirmAddressPage,
    RecoveryCodesPage,
    SessionsPage,
)
from park_portal.core.handlers import page_not_found
from park_portal.health import healthz
from park_portal.home import AboutPage, AccessibilityPage, HomePage, PrivacyPage
from park_portal.metrics import metrics

urlpatterns = [
    path("", HomePage.as_view(), name="home"),
    path("about/", AboutPage.as_view(), name="about"),
    path("privacy/", PrivacyPage.as_view(), name="privacy"),
    path("accessibility/", AccessibilityPage.as_view(), name="accessibility"),
    path("admin/", admin.site.urls),
    # Our own page in the place of allauth's.
    re_path(
        r"^accounts/confirm-email/(?P<key>[-:\w]+)/$",
        ConfirmAddressPage.as_view(),
        name="account_confirm_email",
    ),
    path("accounts/email/", AddressesPage.as_view(), name="account_email"),
    path("accounts/2fa/recovery-codes/", RecoveryCodesPage.as_view(), name="mfa_view_recovery_codes"),
    # Shown once means once: the page itself holds the file.
    path("accounts/2fa/recovery-codes/download/", page_not_found, {"exception": Http404()}),
    path("accounts/sessions/", SessionsPage.as_view(), name="usersessions_list"),
    path(
        "accounts/oidc/<str:provider_id>/login/callback/", university_callback, name="openid_connect_callback"
    ),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    # Pages ask for it with their language in the address, so that a browser may keep it for an hour.
    path(
        "jsi18n/",
        cache_control(private=True, max_age=3600)(JavaScriptCatalog.as_view()),
        name="javascript-catalog",
    ),
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("api/", include("park_portal.api")),
    path("", include("park_portal.core.urls")),
    path("", include("funding.urls")),
    path("", include("incubator.urls")),
]

handler403 = "park_portal.core.handlers.permission_denied"
handler404 = "park_portal.core.handlers.page_not_found"
handler400 = "park_portal.core.handlers.bad_request"

if settings.LOCAL:
    urlpatterns += [
        path("local/mail/", mailbox.mail_list, name="local-mail"),
        path("local/mail/clear/", mailbox.mail_clear, name="local-mail-clear"),
        path("local/mail/<str:name>/", mailbox.mail_detail, name="local-mail-detail"),
        path("local/mail/<str:name>/html/", mailbox.mail_html, name="local-mail-html"),
    ]
