"""What every answer says to the browser: loads nothing from elsewhere, runs nothing that stands in a page, in no frame."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser

from tests.browser import FORBIDDEN, new_context
from tests.test_settings import PRODUCTION

ROOT = Path(__file__).resolve().parent.parent
PORTAL = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
ADMIN = {**PORTAL, "script-src": "'self' 'unsafe-eval'", "style-src-attr": "'unsafe-inline'"}


def policy(response) -> dict[str, str]:
    parts = [part.strip().partition(" ") for part in response["Content-Security-Policy"].split(";")]
    return {name: rest for name, _space, rest in parts if name}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/accounts/login/",
        "/calls/",
        "/nowhere/",
        "/jsi18n/?language=en",
        "/healthz",
        "/static/css/portal.css",
    ],
)
def test_the_portal_runs_nothing_but_its_own_files(path):
    response = Client().get(path)
    assert policy(response) == PORTAL
    assert response.get("X-Frame-Options") == (None if path.startswith("/static/") else "DENY")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in response["Permissions-Policy"]
    assert "publickey-credentials-get=(self)" in response["Permissions-Policy"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("superuser", "/admin/", 200),
        ("superuser", "/admin/funding/call/", 200),
        ("superuser", "/admin/nowhere/", 404),
        ("stranger", "/admin/", 302),
    ],
)
def test_the_admin_gets_what_unfold_needs_and_no_more(client_of, who, path, status):
    response = client_of(who).get(path)
    assert response.status_code == status
    assert policy(response) == ADMIN


@pytest.mark.django_db
def test_an_error_of_ours_is_no_hole(monkeypatch):
    client = Client(raise_request_exception=False)
    monkeypatch.setattr("park_portal.home.HomePage.get", lambda *args, **kwargs: 1 / 0)
    response = client.get("/")
    assert (response.status_code, policy(response)) == (500, PORTAL)


@pytest.mark.django_db
def test_the_local_mail_shows_a_mail_in_a_frame_that_runs_nothing(settings, tmp_path):
    settings.MAIL_SINK = tmp_path
    (tmp_path / "1-2-3.eml").write_bytes(
        b"Subject: x\r\nContent-Type: text/html\r\n\r\n<p onclick='x()'>Hello</p><script>x()</script>"
    )
    page, frame = Client().get("/local/mail/1-2-3/"), Client().get("/local/mail/1-2-3/html/")
    assert policy(page) == {**PORTAL, "frame-src": "'self'"}
    assert policy(frame) == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": "'unsafe-inline'",
        "frame-ancestors": "'self'",
        "sandbox": "allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation",
    }
    assert frame["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db
def test_over_tls_browsers_are_told_to_come_back_that_way_for_a_year(settings, monkeypatch):
    production = {"SECURE_HSTS_SECONDS": 365 * 24 * 3600, "SECURE_HSTS_INCLUDE_SUBDOMAINS": True}
    for name, value in production.items():
        setattr(settings, name, value)
    assert (
        Client().get("/", secure=True)["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    )


@pytest.mark.django_db
def test_no_browser_keeps_a_copy_of_what_was_answered_to_somebody_known(client_of):
    for path in ("/", "/account/profile/", "/nowhere/", "/accounts/sessions/"):
        assert client_of("founder").get(path)["Cache-Control"] == "private, no-store", path
    assert client_of("officer").get("/admin/")["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    asked = Client().get("/api/v1/calls/", headers={"Authorization": "Bearer park_x"})
    assert asked["Cache-Control"] == "private, no-store"
    assert "Cache-Control" not in Client().get("/calls/")
    assert "max-age=" in client_of("founder").get("/static/css/portal.css")["Cache-Control"]


@pytest.mark.django_db
def test_a_program_that_speaks_plain_http_is_refused_and_a_browser_is_led_on(settings):
    settings.SECURE_SSL_REDIRECT = True
    client = Client()
    answer = client.get("/api/v1/calls/", headers={"Accept-Language": "en"})
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    assert (answer.json()["code"], "revoke it" in answer.json()["title"]) == ("plain_http", True)
    assert client.get("/calls/").headers["Location"] == "https://testserver/calls/"
    assert client.get("/api/v1/calls/", secure=True).status_code == 200


def production(**more: str) -> subprocess.CompletedProcess[str]:
    """Run Django's own checks for production, in an environment that holds nothing else."""
    given = {**PRODUCTION, "SECRET_KEY": secrets.token_urlsafe(64), **more}
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**kept, **given},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_django_finds_nothing_to_say_about_production():
    found = production()
    assert (found.returncode, "no issues" in found.stdout) == (0, True), found.stderr


def test_django_would_say_so():
    found = production(SECURE_HSTS_SECONDS="0", SECURE_SSL_REDIRECT="0")
    assert found.returncode == 1
    assert "security.W004" in found.stderr
    assert "security.W008" in found.stderr


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("path", "script", "directive"),
    [
        ("/", "const s = document.createElement('script'); s.text = 'document.title=\"ran\"'; document.body.append(s)", "script-src-elem"),
        ("/", "document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\">x</p>')", "style-src-attr"),
        ("/", "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title=1\">')", "script-src-attr"),
        ("/", "document.body.insertAdjacentHTML('beforeend', '<img src=\"https://evil.example/x.png\">')", "img-src"),
        ("/", "fetch('https://evil.example/').catch(() => {})", "connect-src"),
        ("/", "document.body.insertAdjacentHTML('beforeend', '<iframe src=\"/about/\"></iframe>')", "frame-src"),
        ("/", "document.head.insertAdjacentHTML('beforeend', '<base href=\"https://evil.example/\">')", "base-uri"),
    ],
    ids=["script", "style", "handler", "picture", "fetch", "frame", "base"],
)  # fmt: skip
def test_a_browser_keeps_to_the_policy_and_tests_hear_of_it(
    browser: Browser, live_server, path, script, directive
):
    context = new_context(browser)
    page = context.new_page()
    page.goto(f"{live_server.url}{path}")
    title = page.title()
    assert page.complaints == []
    page.evaluate(f"() => {{ {script} }}")
    page.wait_for_timeout(200)
    assert page.title() == title
    assert any(f"Content-Security-Policy {directive}" in text for text in page.complaints), page.complaints
    assert len(FORBIDDEN) > 0
    FORBIDDEN.clear()  # This is the one test that wants some.
    context.close()


def test_no_page_needs_a_nonce():
    """There is no script and no style inside a page of ours; if one comes, its policy has to name NONCE."""
    assert "'nonce" not in str(settings.CONTENT_SECURITY_POLICY)
    inside = [
        path.relative_to(ROOT)
        for path in (ROOT / "templates").rglob("*.html")
        if "templates/mail/" not in str(path)
        and any(
            mark in path.read_text()
            for mark in ("<style", " onclick=", " onsubmit=", " onchange=", "javascript:")
        )
    ]
    assert inside == []


def test_nginx_says_of_documents_what_the_portal_says():
    """Of the answer that sends it to a file, nginx drops all headers but a few."""
    place = (ROOT / "deploy/nginx.conf").read_text().partition("location /protected/")[2].partition("}")[0]
    assert "internal;" in place
    for header in (
        "Strict-Transport-Security $upstream_http_strict_transport_security",
        "X-Content-Type-Options nosniff",
        "Content-Security-Policy \"sandbox; default-src 'none'; frame-ancestors 'none'\"",
        "Cross-Origin-Resource-Policy same-origin",
        "Referrer-Policy same-origin",
        "X-Frame-Options DENY",
    ):
        assert f"add_header {header} always;" in place


def test_nginx_speaks_only_what_is_thought_safe_and_leads_no_program_on():
    given = (ROOT / "deploy/nginx.conf").read_text()
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in given
    [suites] = re.findall(r"ssl_ciphers (\S+);", given)
    assert all(
        one.startswith("ECDHE-") and one.endswith(("-GCM-SHA256", "-GCM-SHA384", "-CHACHA20-POLY1305"))
        for one in suites.split(":")
    )
    plain = given.partition("listen 80")[2].partition("listen 443")[0]
    assert plain.index("location /api/") < plain.index("return 403") < plain.index("return 301")
    for name in ("own_hsts", "own_policy", "own_nosniff"):
        assert re.search(rf"add_header \S+ \${name} always;", given), name


def test_no_service_reads_the_history_of_its_own_source():
    for unit in (ROOT / "deploy/systemd").glob("*.service"):
        assert "InaccessiblePaths=-/srv/park/.git" in unit.read_text(), unit.name
    assert ".git" in (ROOT / ".dockerignore").read_text().splitlines()
