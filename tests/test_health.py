"""/healthz says what works and what does not, piece by piece."""

import time

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import override_settings

from park_portal import health

pytestmark = pytest.mark.django_db

NOWHERE = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "unix:///nowhere/valkey.sock?db=0",
    }
}


@pytest.fixture
def all_alive():
    health.leave_sign_of_life("relay")
    health.leave_sign_of_life("worker")
    health.leave_sign_of_life("beat")
    yield
    cache.delete_many(["health:relay", "health:worker", "health:beat"])


def failing(response) -> dict[str, str]:
    return {name: one["problem"] for name, one in response.json()["checks"].items() if not one["ok"]}


def test_healthz_is_ok_when_every_piece_works(client, all_alive, django_assert_num_queries):
    client.get("/healthz")
    with django_assert_num_queries(3):
        response = client.get("/healthz")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert "no-store" in response["Cache-Control"]
    body = response.json()
    assert body["status"] == "ok"
    assert sorted(body["checks"]) == ["beat", "broker", "database", "migrations", "relay", "worker"]


@pytest.mark.parametrize("name", ["relay", "worker", "beat"])
def test_healthz_misses_a_process_that_was_never_seen(client, all_alive, name):
    cache.delete(f"health:{name}")
    response = client.get("/healthz")
    assert response.status_code == 503
    assert failing(response) == {name: "never seen"}


@pytest.mark.parametrize("name", ["relay", "worker", "beat"])
def test_healthz_misses_a_process_that_fell_silent(client, all_alive, name):
    cache.set(f"health:{name}", time.time() - 60)
    assert failing(client.get("/healthz")) == {name: "silent for 60 s"}


def test_healthz_names_migrations_that_were_not_applied(client, all_alive):
    MigrationRecorder(connection).record_unapplied("core", "0001_initial")
    response = client.get("/healthz")
    assert response.status_code == 503
    assert failing(response) == {"migrations": "1 not applied"}


@override_settings(CACHES=NOWHERE)
def test_healthz_says_that_the_broker_is_away_and_nothing_secret(client):
    response = client.get("/healthz")
    assert response.status_code == 503
    assert failing(response) == dict.fromkeys(["broker", "relay", "worker", "beat"], "does not answer")
    assert b"nowhere" not in response.content


def test_healthz_says_that_the_database_is_away(client, all_alive, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("connection to server at secret.host failed")

    monkeypatch.setattr(health.connection, "cursor", refuse)
    response = client.get("/healthz")
    assert response.status_code == 503
    assert failing(response) == dict.fromkeys(["database", "migrations"], "does not answer")
    assert b"secret" not in response.content


def test_healthz_answers_head_and_refuses_post(client, all_alive):
    assert client.head("/healthz").status_code == 200
    assert client.post("/healthz").status_code == 405
