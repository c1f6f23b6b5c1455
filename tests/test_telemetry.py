"""SENTRY_DSN and OTEL_EXPORTER_OTLP_ENDPOINT do what they say, and send nobody's data."""

import gzip
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import connection
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from park_portal import local, telemetry
from tests import databases

SCRIPT = """
import django
django.setup()
from django.test import Client
from park_portal.core.accounts import views
def broken(self, request, *args, **kwargs):
    name = "Zhang Wei"
    raise ValueError("no place for zhang.wei@fudan.edu.cn, 13812345678")
views.InvitationPage.get = broken
client = Client(SERVER_NAME="localhost", raise_request_exception=False)
client.cookies["sessionid"] = "cookie-4711"
answer = client.get(
    "/invitations/3f9ac2d1e8b7465a90cc/?who=zhangwei",
    headers={"X-Request-ID": "req-12345678", "Authorization": "Bearer 4711-4712-4713"},
    REMOTE_ADDR="203.0.113.77",
)
assert answer.status_code == 500, answer.status_code
import sys
if "sentry_sdk" in sys.modules:
    sys.modules["sentry_sdk"].flush(10)
if "opentelemetry.sdk" in sys.modules:
    from opentelemetry import trace
    trace.get_tracer_provider().force_flush(10_000)
print(sorted(name for name in ("sentry_sdk", "opentelemetry.sdk") if name in sys.modules))
"""
PERSONAL = (
    "zhang", "Zhang", "138123", "4711", "3f9ac2d1e8b7465a90cc", "203.0.113.77", "who=",
)  # fmt: skip


@pytest.fixture
def sink():
    """A server that keeps whatever is posted to it, as (path, body)."""
    got: list[tuple[str, bytes]] = []

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            packed = self.headers.get("Content-Encoding") == "gzip"
            got.append((self.path, gzip.decompress(body) if packed else body))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, got
    server.shutdown()
    server.server_close()


def play(**environment: str) -> str:
    names = ("SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_PERCENT")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=local.ROOT,
        env={
            **{key: value for key, value in os.environ.items() if key not in names},
            "DJANGO_SETTINGS_MODULE": "park_portal.settings",
            "DATABASE_URL": databases.url(connection.settings_dict["NAME"]),
            "LOG_LEVEL": "CRITICAL",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.django_db
def test_both_send_what_helps_and_nobodys_data(sink):
    port, got = sink
    said = play(
        SENTRY_DSN=f"http://key@127.0.0.1:{port}/1",
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}",
        OTEL_PERCENT="100",
        RELEASE="2026.11",
    )
    assert said == "['opentelemetry.sdk', 'sentry_sdk']"
    [event] = [body.decode() for path, body in got if path == "/api/1/envelope/"]
    assert [word for word in PERSONAL if word in event] == []
    for word in (
        '"request_id":"req-12345678"',
        "ValueError",
        "no place for",
        '"release":"2026.11"',
        "invitation",
    ):
        assert word in event
    [trace] = [body for path, body in got if path == "/v1/traces"]
    assert [word for word in PERSONAL if word.encode() in trace] == []
    [resource] = ExportTraceServiceRequest.FromString(trace).resource_spans
    [span] = [one for scope in resource.scope_spans for one in scope.spans]
    facts = {one.key: one.value.string_value or one.value.int_value for one in span.attributes}
    assert span.name == "GET invitations/<str:token>/"
    assert facts["park.request_id"] == "req-12345678"
    assert facts["http.status_code"] == 500
    assert {one.key: one.value.string_value for one in resource.resource.attributes}[
        "service.version"
    ] == "2026.11"


def test_without_an_address_nothing_is_begun(settings, monkeypatch):
    begun = []
    monkeypatch.setattr(telemetry, "_begin_sentry", lambda: begun.append("sentry"))
    monkeypatch.setattr(telemetry, "_begin_traces", lambda: begun.append("traces"))
    telemetry.begin()
    assert begun == []
    settings.SENTRY_DSN = "http://key@127.0.0.1/1"
    telemetry.begin()
    assert begun == ["sentry"]
