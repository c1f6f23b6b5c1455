"""Every setting of the portal, read from environment variables. A value that makes no sense stops the start.

PARK_MODE says what this is:

    local        (the default) one person's machine: services from wheels, a key made under .local/, mails kept in a
                 folder, demo passwords. It answers to this machine's own names only, so it cannot serve a public site
                 by accident.
    production   nothing has a default that matters: SECRET_KEY, ALLOWED_HOSTS, DATABASE_URL, REDIS_URL and EMAIL_URL
                 must be given.

`docs/operating.md` has the table of all variables.
"""

import os
import secrets
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from psycopg2 import ProgrammingError
from psycopg2.extensions import parse_dsn

from park_portal import local

BASE_DIR = Path(__file__).resolve().parent.parent


# --- Reading the environment --------------------------------------------------------------------------------


def _text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(f"{name} must be set when PARK_MODE=production.")
    return default


def _flag(name: str, default: bool) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    if value == "":
        return default
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def _number(name: str, default: int, *, low: int = 0, high: int = 10**12) -> int:
    value = os.environ.get(name, "").strip()
    if value == "":
        return default
    if not value.isdecimal() or not low <= int(value) <= high:
        raise ImproperlyConfigured(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
    return int(value)


def _list(name: str, default: list[str] | None = None) -> list[str]:
    values = [value.strip() for value in os.environ.get(name, "").split(",") if value.strip()]
    if values:
        return values
    if default is None:
        raise ImproperlyConfigured(f"{name} must be set when PARK_MODE=production.")
    return default


PARK_MODE = os.environ.get("PARK_MODE", "").strip() or "local"
if PARK_MODE not in ("local", "production"):
    raise ImproperlyConfigured(f"PARK_MODE must be local or production, not {PARK_MODE!r}.")
LOCAL = PARK_MODE == "local"
if LOCAL and (os.environ.get("SECRET_KEY") or os.environ.get("ALLOWED_HOSTS")):
    raise ImproperlyConfigured(
        "SECRET_KEY and ALLOWED_HOSTS are for production: set PARK_MODE=production too."
    )

DEBUG = _flag("DEBUG", False)
if DEBUG and not LOCAL:
    raise ImproperlyConfigured("DEBUG shows secrets to visitors: it is possible in local mode only.")


def _local_secret() -> str:
    """The key of this checkout, made once. Written whole or not at all, whoever else starts at the same moment."""
    path = local.LOCAL / "secret_key"
    if not path.exists():
        local.LOCAL.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=local.LOCAL, delete=False) as file:
            file.write(secrets.token_urlsafe(64))
        try:
            os.link(file.name, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(file.name)
    return path.read_text()


# --- Who and where ------------------------------------------------------------------------------------------

SECRET_KEY = _local_secret() if LOCAL else _text("SECRET_KEY")
if len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY must have at least 50 characters.")
SECRET_KEY_FALLBACKS = _list("SECRET_KEY_FALLBACKS", [])

ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"] if LOCAL else _list("ALLOWED_HOSTS")
PORT = _number("PORT", 8000, low=1, high=65535)
# The address that mails and letters point to.
SITE_URL = _text("SITE_URL", f"http://localhost:{PORT}" if LOCAL else f"https://{ALLOWED_HOSTS[0]}").rstrip(
    "/"
)
if urlsplit(SITE_URL).scheme not in ("http", "https") or not urlsplit(SITE_URL).netloc:
    raise ImproperlyConfigured(
        f"SITE_URL must be an address such as https://park.example.cn, not {SITE_URL!r}."
    )
CSRF_TRUSTED_ORIGINS = _list("CSRF_TRUSTED_ORIGINS", [] if LOCAL else [SITE_URL])

# How many proxies of our own stand before the portal: as many last entries of X-Forwarded-For are believed.
TRUSTED_PROXIES = _number("TRUSTED_PROXIES", 0 if LOCAL else 1, high=5)

ROOT_URLCONF = "park_portal.urls"
WSGI_APPLICATION = "park_portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "modeltranslation",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "park_portal.apps.StaffAdminConfig",  # django.contrib.admin with the park's own site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "rules",
    "pgtrigger",
    "crispy_forms",
    "crispy_bootstrap5",
    "import_export",
    "django_htmx",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "park_portal.core",
    "incubator",
    "funding",
]

MIDDLEWARE = [
    "park_portal.core.middleware.OriginMiddleware",
    "park_portal.core.middleware.NulMiddleware",
    "park_portal.core.middleware.PlainHttpMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "park_portal.core.middleware.HeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "park_portal.core.measures.MeasureMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "park_portal.core.middleware.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "park_portal.core.accounts.middleware.KnownDeviceMiddleware",
    "park_portal.core.accounts.middleware.SessionMiddleware",
    "park_portal.core.accounts.middleware.SecondFactorMiddleware",
    "park_portal.core.accounts.viewing.ViewAsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "park_portal.core.middleware.RefusalMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "park_portal.core.frame.frame",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"
FILTERS_EMPTY_CHOICE_LABEL = _("All")


# --- PostgreSQL ---------------------------------------------------------------------------------------------

DATABASE_URL = _text("DATABASE_URL", local.database_url() if LOCAL else None)
if not DATABASE_URL.startswith(("postgres://", "postgresql://")):
    raise ImproperlyConfigured(
        "DATABASE_URL must begin with postgresql://: the portal relies on PostgreSQL itself."
    )
try:
    _dsn = parse_dsn(DATABASE_URL)
except ProgrammingError as error:
    raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {error}") from error
if not _dsn.get("dbname"):
    raise ImproperlyConfigured("DATABASE_URL must name a database: postgresql://user:password@host:5432/NAME")

# PostgreSQL tries every order of up to this many joins before it begins. Django writes the joins that filter first and
# those that only fetch names last, so the order of the rest is right as it stands; with the default of 8, finding out
# took ten times as long as reading a page of a list did.
_planner = f"{_dsn.pop('options', '')} -c join_collapse_limit=5".strip()

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _dsn.pop("dbname"),
        "USER": _dsn.pop("user", ""),
        "PASSWORD": _dsn.pop("password", ""),
        "HOST": _dsn.pop("host", ""),
        "PORT": _dsn.pop("port", ""),
        "CONN_MAX_AGE": _number("CONN_MAX_AGE", 600),
        "CONN_HEALTH_CHECKS": True,
        # A service owns its transaction; a request does not, so that what a service did stays done.
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {
            "connect_timeout": 5,
            **_dsn,
            "options": _planner,
            # What serves people may not change what is only ever added (core/rights.py); what migrates has no role.
            **({"assume_role": _role} if (_role := _text("DATABASE_ROLE", "")) else {}),
        },
        "TEST": {"NAME": os.environ.get("PARK_TEST_DB") or "test_park"},
    },
}
# Triggers are part of the migrations; installing them after every `migrate` again would hide one that was forgotten.
PGTRIGGER_INSTALL_ON_MIGRATE = False


# --- Redis or Valkey: Celery's doorbell, and a cache that may be lost at any time ---------------------------

REDIS_URL = _text("REDIS_URL", local.redis_url() if LOCAL else None)
_redis = urlsplit(REDIS_URL)
if _redis.scheme not in ("redis", "rediss", "unix"):
    raise ImproperlyConfigured(
        f"REDIS_URL must begin with redis://, rediss:// or unix://, not {_redis.scheme!r}."
    )
# Portals that share a server (two databases on one machine) must never take each other's messages.
REDIS_PREFIX = _text("REDIS_PREFIX", DATABASES["default"]["NAME"])


def _broker_url() -> str:
    """The same address in Celery's spelling, which differs for a socket."""
    if _redis.scheme != "unix":
        return REDIS_URL
    number = parse_qs(_redis.query).get("db", ["0"])[0]
    return f"redis+socket://{_redis.path}?virtual_host={number}"


CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": REDIS_PREFIX,
    },
    # Attempts to sign in, and codes that were used: in PostgreSQL, for an attacker would welcome a Redis that is lost.
    "limits": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "core_limit",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}

CELERY_BROKER_URL = _broker_url()
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": f"{REDIS_PREFIX}:",
    "visibility_timeout": 3600,
    "socket_connect_timeout": 2,
    "socket_timeout": 10,
    # A request that rings must not wait for a dead Redis: PostgreSQL has the message, the sweeper rings again.
    "retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0.1},
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True  # PostgreSQL is the truth; a result in Redis would be a second one.
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True  # Every task may run twice; none may be lost with its worker.
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 30 * 60
CELERY_TASK_SOFT_TIME_LIMIT = 25 * 60
CELERY_TASK_DEFAULT_QUEUE = "park"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BEAT_SCHEDULER = "park_portal.health:Scheduler"
CELERY_TIMEZONE = "Asia/Shanghai"
CELERY_ENABLE_UTC = True


# --- People -------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = [
    "rules.permissions.ObjectPermissionBackend",
    "park_portal.core.accounts.backends.RoleBackend",
    "park_portal.core.accounts.backends.AccountBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("name", "email", "phone")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    # The 20,000 of ten characters and more that stand most often in what was stolen elsewhere; Django's own list has 1,800.
    {
        "NAME": "django.contrib.auth.password_validation.CommonPasswordValidator",
        "OPTIONS": {"password_list_path": BASE_DIR / "park_portal/core/accounts/common_passwords.txt.gz"},
    },
    {"NAME": "park_portal.core.accounts.passwords.ParkWordsValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

ACCOUNT_ADAPTER = "park_portal.core.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_FORMS = {
    "login": "park_portal.core.accounts.forms.SignInForm",
    "signup": "park_portal.core.accounts.forms.RegisterForm",
    "add_email": "park_portal.core.accounts.forms.AddEmailForm",
    "change_password": "park_portal.core.accounts.forms.ChangePasswordForm",
    "set_password": "park_portal.core.accounts.forms.SetPasswordForm",
    "reset_password": "park_portal.core.accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "park_portal.core.accounts.forms.ResetPasswordKeyForm",
    "reauthenticate": "park_portal.core.accounts.forms.ReauthenticateForm",
}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
# By address and by account. The second does not lock the account's owner out: a browser in which they signed in before,
# or set a new password, has a count of its own (KNOWN_DEVICE_LIMIT), and a new password clears the account's.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,100/d/ip,5/5m/key,50/d/key",
    "signup": "20/m/ip",
    "reset_password": "20/m/ip,5/m/key",
    "reset_password_from_key": "20/m/ip",
    "reauthenticate": "10/m/user",
}
KNOWN_DEVICE_LIMIT = "10/5m/key"
KNOWN_DEVICE_COOKIE = "device" if LOCAL else "__Host-device"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(SITE_URL).scheme
# Who changes how they sign in is told of it, and asked for a password or code again if that was a while ago.
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 5 * 60

# Staff and liaisons must sign in with two steps. Not in local mode: its passwords are printed for everyone who starts
# it, so a second step would protect nothing and stop everybody who only wants to look.
REQUIRE_MFA = _flag("REQUIRE_MFA", not LOCAL)
MFA_ADAPTER = "park_portal.core.accounts.mfa_adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_FORMS = {
    "authenticate": "park_portal.core.accounts.forms.CodeForm",
    "reauthenticate": "park_portal.core.accounts.forms.CodeAgainForm",
    "activate_totp": "park_portal.core.accounts.forms.ActivateAppForm",
    "add_webauthn": "park_portal.core.accounts.forms.AddPasskeyForm",
    "edit_webauthn": "park_portal.core.accounts.forms.RenamePasskeyForm",
}

# The university's identity provider; without an issuer nobody is offered it. Which claim says where somebody belongs, and
# which values of `amr` or `acr` mean that they signed in with two steps over there.
OIDC_ISSUER = _text("OIDC_ISSUER", "").rstrip("/")
if OIDC_ISSUER and not LOCAL and not OIDC_ISSUER.startswith("https://"):
    raise ImproperlyConfigured("OIDC_ISSUER must begin with https://: who can answer for it signs anyone in.")
OIDC_CLIENT_ID = _text("OIDC_CLIENT_ID", None if OIDC_ISSUER and not LOCAL else "")
OIDC_CLIENT_SECRET = _text("OIDC_CLIENT_SECRET", None if OIDC_ISSUER and not LOCAL else "")
OIDC_CLAIM = _text("OIDC_CLAIM", "department")
OIDC_TWO_STEPS = _list("OIDC_TWO_STEPS", ["mfa"])
SOCIALACCOUNT_ADAPTER = "park_portal.core.accounts.university.SocialAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REAUTHENTICATION_REQUIRED = True
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, Any]] = {
    "openid_connect": {
        "provider_class": "park_portal.core.accounts.university.UniversityProvider",
        "APPS": [
            {
                "provider_id": "university",
                "name": "Fudan",
                "client_id": OIDC_CLIENT_ID,
                "secret": OIDC_CLIENT_SECRET,
                "settings": {"server_url": OIDC_ISSUER, "oauth_pkce_enabled": True},
            }
        ]
        if OIDC_ISSUER
        else [],
    }
}

# In PostgreSQL, so that losing Redis logs nobody out.
SESSION_ENGINE = "park_portal.core.accounts.sessions"
SESSION_COOKIE_AGE = _number("SESSION_HOURS", 24 * 7, low=1) * 3600
SESSION_IDLE_AGE = _number("SESSION_IDLE_HOURS", 24, low=1) * 3600
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # Of all sessions, the one in which it was changed stays.
# What a page says once waits there too: a cookie of its own would keep names and titles in the browser.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"


# --- The API ------------------------------------------------------------------------------------------------

# Lets webhooks call this very machine, by any port and without TLS. For trying them out, and for tests.
WEBHOOK_LOOPBACK = _flag("WEBHOOK_LOOPBACK", LOCAL)
if WEBHOOK_LOOPBACK and not LOCAL:
    raise ImproperlyConfigured("WEBHOOK_LOOPBACK opens this machine's own services: local mode only.")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "park_portal.core.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["park_portal.core.api.authentication.Scoped"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "park_portal.core.api.description.Schema",
    "EXCEPTION_HANDLER": "park_portal.core.api.problems.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Park Portal",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "OrganisationKindEnum": "incubator.organisations.states.OrganisationKind",
        "ApplicantKindEnum": "funding.calls.states.ApplicantKind",
        "StageKindEnum": "funding.calls.states.StageKind",
        "CriterionKindEnum": "funding.calls.states.CriterionKind",
        "ConflictKindEnum": "funding.reviews.states.ConflictKind",
        "FundKindEnum": "funding.funds.models.FundKind",
        "CallStateEnum": "funding.calls.states.CallState",
        "ApplicationStateEnum": "funding.applications.states.ApplicationState",
        "RunStateEnum": "funding.reviews.states.RunState",
        "ReviewStateEnum": "funding.reviews.states.ReviewState",
        "PlanStateEnum": "funding.reviews.states.PlanState",
        "DecisionStateEnum": "funding.decisions.states.DecisionState",
        "LetterStateEnum": "funding.decisions.states.LetterState",
        "AwardStateEnum": "funding.awards.states.AwardState",
        "AgreementStateEnum": "funding.awards.states.AgreementState",
        "AmendmentStateEnum": "funding.awards.states.AmendmentState",
        "MilestoneStateEnum": "funding.awards.states.MilestoneState",
        "ClawbackStateEnum": "funding.awards.states.ClawbackState",
        "ReportStateEnum": "funding.reports.states.ReportState",
        "DealStateEnum": "funding.deals.states.DealState",
        "DiligenceItemStateEnum": "funding.deals.states.ItemState",
        "DealStageEnum": "funding.deals.states.DealStage",
        "ValuationMethodEnum": "funding.deals.states.ValuationMethod",
        "PlanMethodEnum": "funding.reviews.states.PlanMethod",
        "RoundStateEnum": "funding.deals.states.RoundState",
        "CommitmentSourceEnum": "funding.funds.states.Source",
        "RoomSourceEnum": "funding.datarooms.states.Source",
        "VerdictEnum": "funding.decisions.states.Verdict",
        "StatementVerdictEnum": "funding.payments.states.LineVerdict",
        "PaymentStateEnum": "funding.payments.states.DisbursementState",
        "PaymentBatchStateEnum": "funding.payments.states.BatchState",
        "JobStateEnum": "park_portal.core.jobs.states.JobState",
        "DataRequestKindEnum": "park_portal.core.privacy.states.RequestKind",
        "DataRequestStateEnum": "park_portal.core.privacy.states.RequestState",
        "WebhookStateEnum": "park_portal.core.webhooks.states.WebhookState",
        "OrganisationStateEnum": "incubator.organisations.states.OrganisationState",
        "ProjectStateEnum": "incubator.projects.states.ProjectState",
        "RoleEnum": "incubator.organisations.states.Role",
        "ProjectRoleEnum": "incubator.projects.states.ProjectRole",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "park_portal.core.api.description.describe",
    ],
}


# --- Mail ---------------------------------------------------------------------------------------------------

# Local mode's sink keeps every mail as a file; production names a server: smtp://user:password@host:587?tls=1
MAIL_SINK = Path(os.environ.get("PARK_MAIL_SINK") or local.LOCAL / "mail") if LOCAL else None
MAIL_SINK_PORT = _number("MAIL_SINK_PORT", 2525, low=1, high=65535)
_mail = urlsplit(_text("EMAIL_URL", f"smtp://127.0.0.1:{MAIL_SINK_PORT}" if LOCAL else None))
if _mail.scheme not in ("smtp", "smtps") or not _mail.hostname:
    raise ImproperlyConfigured(
        "EMAIL_URL must look like smtp://user:password@host:587?tls=1 or smtps://…:465."
    )
EMAIL_BACKEND = "park_portal.core.outbox.mails.Backend"
EMAIL_HOST = _mail.hostname
EMAIL_PORT = _mail.port or (465 if _mail.scheme == "smtps" else 25)
EMAIL_HOST_USER = unquote(_mail.username or "")
EMAIL_HOST_PASSWORD = unquote(_mail.password or "")
EMAIL_USE_SSL = _mail.scheme == "smtps"
EMAIL_USE_TLS = parse_qs(_mail.query).get("tls", ["0"])[0] == "1"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = _text("MAIL_FROM", "portal@park.example" if LOCAL else None)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# The right-hand side of every Message-ID.
MAIL_DOMAIN = DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">").strip()


# --- Languages, time ----------------------------------------------------------------------------------------

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_HTTPONLY = True
MODELTRANSLATION_DEFAULT_LANGUAGE = "zh-hans"
MODELTRANSLATION_LANGUAGES = ("zh-hans", "en")
MODELTRANSLATION_FALLBACK_LANGUAGES = {"default": ("zh-hans", "en")}

TIME_ZONE = "Asia/Shanghai"
USE_TZ = True


# --- Files --------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = Path(_text("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
# Private: never under a public address. Documents leave only through an authorised view.
MEDIA_ROOT = Path(_text("MEDIA_ROOT", str(local.LOCAL / "media") if LOCAL else None))
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage",
    },
}
# Any S3-compatible store; its keys are read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
S3_BUCKET = _text("S3_BUCKET", "")
if S3_BUCKET:
    STORAGES["default"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": _text("S3_ENDPOINT", "") or None,
            "region_name": _text("S3_REGION", "") or None,
            "default_acl": None,
            "file_overwrite": False,
        },
    }
WHITENOISE_USE_FINDERS = LOCAL
WHITENOISE_AUTOREFRESH = DEBUG
# Where the nightly backup is written, and how many are kept; empty: none is made.
BACKUP_DIR = _text("BACKUP_DIR", "")
BACKUP_KEEP = _number("BACKUP_KEEP", 14, low=1)
# The location that nginx serves documents from after the portal said yes; empty: the portal sends them itself.
X_ACCEL_REDIRECT = _text("X_ACCEL_REDIRECT", "")
if S3_BUCKET and find_spec("boto3") is None:
    raise ImproperlyConfigured("S3_BUCKET needs the packages of deploy/requirements-s3.txt.")
if S3_BUCKET and X_ACCEL_REDIRECT:
    raise ImproperlyConfigured("X_ACCEL_REDIRECT serves a local disk: leave it empty when S3_BUCKET is set.")
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
UPLOAD_REQUEST_MAX = _number(
    "UPLOAD_REQUEST_MAX", 60 * 1024 * 1024
)  # Files of a larger request are not kept.
FILE_UPLOAD_HANDLERS = [
    "park_portal.core.documents.uploads.CappedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
# A form's text; files do not count. Wide enough that a million Chinese characters, nine bytes each on the way, reach
# the field that refuses them and the page that keeps them.
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000


# --- Safety -------------------------------------------------------------------------------------------------

# What a page may load and do: nothing but what stands here. There are no scripts or styles inside pages; should one be
# needed, it carries `request.csp_nonce`, which django-csp adds wherever NONCE stands.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        # A form that leads to the university is sent on to it.
        "form-action": [SELF, *(f"{u.scheme}://{u.netloc}" for u in [urlsplit(OIDC_ISSUER)] if OIDC_ISSUER)],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
# Below /admin/, as tight as Unfold runs: Alpine reads its attributes by `Function`, and writes some sizes into style
# attributes. Neither lets a script in that did not come from the portal.
ADMIN_CONTENT_SECURITY_POLICY = {
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src-attr": [UNSAFE_INLINE],
}
# Of all that a browser could lend a page, the portal uses the clipboard and the passkeys.
PERMISSIONS_POLICY = ", ".join(
    [
        *(
            f"{feature}=()"
            for feature in (
                "accelerometer",
                "autoplay",
                "browsing-topics",
                "camera",
                "display-capture",
                "encrypted-media",
                "fullscreen",
                "geolocation",
                "gyroscope",
                "hid",
                "idle-detection",
                "magnetometer",
                "microphone",
                "midi",
                "payment",
                "picture-in-picture",
                "screen-wake-lock",
                "serial",
                "usb",
                "xr-spatial-tracking",
            )
        ),
        "clipboard-write=(self)",
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
    ]
)
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
CROSS_ORIGIN_RESOURCE_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if not LOCAL:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = _flag("SECURE_SSL_REDIRECT", True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]
    SECURE_HSTS_SECONDS = _number("SECURE_HSTS_SECONDS", 365 * 24 * 3600)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = _flag("SECURE_HSTS_INCLUDE_SUBDOMAINS", True)
    # Being built into browsers cannot be taken back for months: the owner of the domain decides that, not a default.
    SECURE_HSTS_PRELOAD = _flag("SECURE_HSTS_PRELOAD", False)
    SILENCED_SYSTEM_CHECKS = ["security.W021"]  # … which is what this one would have.
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    LANGUAGE_COOKIE_SECURE = True
    # A browser takes a cookie of such a name only over HTTPS, for this very host, from nobody else in the domain.
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    LANGUAGE_COOKIE_NAME = "__Host-language"


# --- The staff admin ----------------------------------------------------------------------------------------

from park_portal.unfold import UNFOLD  # noqa: E402, F401  # names settings above

# --- Watching it ---------------------------------------------------------------------------------------------

# One line each, to the standard error that the supervisor keeps: objects for machines, or text for a person.
LOG_FORMAT = _text("LOG_FORMAT", "text" if LOCAL else "json")
if LOG_FORMAT not in ("text", "json"):
    raise ImproperlyConfigured(f"LOG_FORMAT must be text or json, not {LOG_FORMAT!r}.")
LOG_LEVEL = _text("LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "park_portal.core.logs.TextFormatter"},
        "json": {"()": "park_portal.core.logs.JsonFormatter"},
    },
    "filters": {"one_line": {"()": "park_portal.core.logs.OneLine"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["one_line"]}
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False},
        "celery": {"level": LOG_LEVEL},
        "celery.beat": {"level": "WARNING"},  # It says each second what the worker says again.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}

# The class of an embedder (funding/reviews/affinity.py) that compares applications and profiles by meaning too; by words only
# without one.
AFFINITY_EMBEDDER = _text("AFFINITY_EMBEDDER", "")

# Prometheus asks /metrics with this token; without one there is no such page, and nothing is counted.
METRICS_TOKEN = _text("METRICS_TOKEN", "")
if METRICS_TOKEN and len(METRICS_TOKEN) < 24:
    raise ImproperlyConfigured("METRICS_TOKEN must have at least 24 characters.")
# Where web and worker of one host keep what they counted: memory rather than disk, emptied when the host starts.
METRICS_DIR = Path(_text("METRICS_DIR", str(local.LOCAL / "metrics") if LOCAL or not METRICS_TOKEN else None))
# Errors to a Sentry, traces to an OpenTelemetry collector, each only if its address is given (park_portal/telemetry.py).
SENTRY_DSN = _text("SENTRY_DSN", "")
OTEL_ENDPOINT = _text("OTEL_EXPORTER_OTLP_ENDPOINT", "")
# The share of requests and tasks that are traced, in percent.
OTEL_PERCENT = _number("OTEL_PERCENT", 10, high=100)
# What this is called there, and the release that runs.
RELEASE = _text("RELEASE", "")
