"""Settings come from the environment, and stop the start when it makes no sense."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "PARK_MODE": "production",
    "SECRET_KEY": "x" * 50,
    "ALLOWED_HOSTS": "park.example.cn,www.park.example.cn",
    "DATABASE_URL": "postgresql://park:p%40ss@db.internal:5433/park?sslmode=require&options=-c%20statement_timeout%3D9s",
    "REDIS_URL": "redis://cache.internal:6379/3",
    "EMAIL_URL": "smtp://me:s%3Acret@mail.internal:587?tls=1",
    "MAIL_FROM": "Park <park@example.cn>",
    "MEDIA_ROOT": "/srv/media",
}


@pytest.fixture
def load(monkeypatch):
    """Reads the settings file in an environment that holds only what is given."""

    def run(**environment: str) -> dict[str, Any]:
        names = set(
            re.findall(
                r'_(?:text|flag|number|list)\(\s*"([A-Z0-9_]+)"',
                (ROOT / "park_portal/settings.py").read_text(),
            )
        )
        for name in names | {"PARK_MODE", "PARK_TEST_DB", "PARK_MAIL_SINK"}:
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "park_portal" / "settings.py"))

    return run


def test_local_mode_needs_nothing_and_serves_only_this_machine(load):
    settings = load()
    assert settings["DEBUG"] is False
    assert settings["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert settings["SITE_URL"] == "http://localhost:8000"
    assert settings["MAIL_SINK"] is not None
    assert load()["SECRET_KEY"] == settings["SECRET_KEY"]
    assert len(settings["SECRET_KEY"]) >= 50


def test_production_reads_everything_from_the_environment(load):
    settings = load(**PRODUCTION)
    database = settings["DATABASES"]["default"]
    assert (database["NAME"], database["USER"], database["PASSWORD"]) == ("park", "park", "p@ss")
    assert (database["HOST"], database["PORT"]) == ("db.internal", "5433")
    assert database["OPTIONS"] == {
        "connect_timeout": 5,
        "sslmode": "require",
        "options": "-c statement_timeout=9s -c join_collapse_limit=5",
    }
    assert settings["CELERY_BROKER_URL"] == "redis://cache.internal:6379/3"
    assert (settings["EMAIL_HOST"], settings["EMAIL_PORT"], settings["EMAIL_USE_TLS"]) == (
        "mail.internal",
        587,
        True,
    )
    assert settings["EMAIL_HOST_PASSWORD"] == "s:cret"
    assert settings["SITE_URL"] == "https://park.example.cn"
    assert settings["SESSION_COOKIE_SECURE"] is settings["CSRF_COOKIE_SECURE"] is True
    assert settings["SECURE_SSL_REDIRECT"] is True
    assert settings["MAIL_SINK"] is None
    assert settings["LOGGING"]["handlers"]["console"]["formatter"] == "json"
    assert settings["STORAGES"]["staticfiles"]["BACKEND"].endswith("CompressedManifestStaticFilesStorage")


@pytest.mark.parametrize("name", sorted(set(PRODUCTION) - {"PARK_MODE"}))
def test_production_names_what_is_missing(load, name):
    with pytest.raises(ImproperlyConfigured, match=rf"^{name} must be set when PARK_MODE=production\.$"):
        load(**{key: value for key, value in PRODUCTION.items() if key != name})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"PARK_MODE": "prod"}, "PARK_MODE must be local or production, not 'prod'"),
        ({"DEBUG": "1"}, "DEBUG shows secrets"),
        ({"DEBUG": "maybe"}, "DEBUG must be 1 or 0"),
        ({"SECRET_KEY": "short"}, "at least 50 characters"),
        ({"DATABASE_URL": "sqlite:///park.db"}, "must begin with postgresql://"),
        ({"DATABASE_URL": "postgresql://db.internal/park?nonsense=1"}, "DATABASE_URL cannot be read"),
        ({"DATABASE_URL": "postgresql://db.internal"}, "must name a database"),
        ({"REDIS_URL": "amqp://broker"}, "REDIS_URL must begin with"),
        ({"EMAIL_URL": "mail.internal"}, "EMAIL_URL must look like"),
        ({"PORT": "eighty"}, "PORT must be a whole number"),
        ({"SITE_URL": "park.example.cn"}, "SITE_URL must be an address"),
        ({"OIDC_ISSUER": "http://id.example.cn"}, "OIDC_ISSUER must begin with https://"),
        ({"OIDC_ISSUER": "https://id.example.cn"}, "OIDC_CLIENT_ID must be set"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT must be text or json"),
        ({"METRICS_TOKEN": "short"}, "METRICS_TOKEN must have at least 24 characters"),
        ({"METRICS_TOKEN": "x" * 24}, "METRICS_DIR must be set"),
        ({"OTEL_PERCENT": "101"}, "OTEL_PERCENT must be a whole number from 0 to 100"),
    ],
)
def test_nonsense_stops_the_start(load, change, words):
    with pytest.raises(ImproperlyConfigured, match=words):
        load(**{**PRODUCTION, **change})


def test_a_form_may_lead_to_the_university_and_nowhere_else(load):
    told = {
        "OIDC_ISSUER": "https://id.example.cn/realms/fudan",
        "OIDC_CLIENT_ID": "a",
        "OIDC_CLIENT_SECRET": "b",
    }
    for given, wanted in (({}, ["'self'"]), (told, ["'self'", "https://id.example.cn"])):
        settings = load(**PRODUCTION, **given)
        assert settings["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]["form-action"] == wanted
    [app] = settings["SOCIALACCOUNT_PROVIDERS"]["openid_connect"]["APPS"]
    assert app["settings"] == {"server_url": told["OIDC_ISSUER"], "oauth_pkce_enabled": True}


def test_production_values_without_production_mode_stop_the_start(load):
    with pytest.raises(ImproperlyConfigured, match="set PARK_MODE=production too"):
        load(SECRET_KEY="x" * 50)


def test_two_databases_on_one_redis_do_not_share_messages(load):
    one = load(DATABASE_URL="postgresql:///one")
    two = load(DATABASE_URL="postgresql:///two")
    assert one["CELERY_BROKER_TRANSPORT_OPTIONS"]["global_keyprefix"] == "one:"
    assert two["CACHES"]["default"]["KEY_PREFIX"] == "two"


def test_every_variable_is_in_the_operators_table():
    sources = [ROOT / "park_portal/settings.py", ROOT / "deploy/gunicorn.conf.py"]
    text = "\n".join(path.read_text() for path in sources)
    names = set(re.findall(r'(?:_text|_flag|_number|_list|environ\.get)\(\s*"([A-Z0-9_]+)"', text))
    documented = set(re.findall(r"`([A-Z0-9_]+)`", (ROOT / "docs/operating.md").read_text()))
    assert sorted(names - documented) == []
