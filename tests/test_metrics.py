"""/metrics: for who has the token; several processes add up; the figures are those of the tables."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from park_portal import local, metrics, system
from park_portal.core import measures
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.states import JobState
from park_portal.core.outbox.models import Delivery, Message
from tests.factories.core import make_user

pytestmark = pytest.mark.django_db

TOKEN = "0123456789abcdef01234567"

SCRIPT = """
import os, sys
import django
django.setup()
from django.test import Client
from park_portal.celery import app
from park_portal.core import bells, measures
client = Client(SERVER_NAME="localhost")
if os.fork() == 0:
    from django.db import connection
    connection.close()
    for _ in range(int(sys.argv[1])):
        client.get("/healthz")
        client.get("/about/")
    task = app.tasks["core.jobs.sweep"]
    bells.begin(task=task)
    bells.end(task=task, state="SUCCESS")
    os._exit(0)
os.wait()
client.get("/about/")
print("ready", flush=True)
sys.stdin.read()
"""


def asked(client, token: str = TOKEN, scheme: str = "Bearer"):
    return client.get("/metrics", headers={"Authorization": f"{scheme} {token}"} if token else {})


def figures(response) -> dict[str, float]:
    assert response.status_code == 200
    return {
        sample.name + "".join(f" {key}={value}" for key, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


@pytest.fixture
def on(settings, tmp_path):
    settings.METRICS_TOKEN, settings.METRICS_DIR = TOKEN, tmp_path
    return tmp_path


def test_without_the_token_there_is_no_such_page(client, settings, on):
    for token, scheme in (
        ("", ""),
        ("0123456789abcdef01234568", "Bearer"),
        (TOKEN, "Basic"),
        ("é" * 24, "Bearer"),
    ):
        answer = asked(client, token, scheme)
        assert answer.status_code == 404
        assert b"park_" not in answer.content
    assert asked(client).status_code == 200
    assert client.post("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 405
    settings.METRICS_TOKEN = ""
    assert asked(client, " ").status_code == asked(client).status_code == 404


def test_processes_of_web_and_worker_add_up_and_go_with_their_last_one(client, on, monkeypatch):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "park_portal.settings",
        "METRICS_TOKEN": TOKEN,
        "METRICS_DIR": str(on),
        "LOG_LEVEL": "ERROR",
        "DATABASE_URL": local.database_url(),
    }
    environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
    trees = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(number)],
            cwd=local.ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in (2, 3)
    ]
    try:
        for tree in trees:
            assert tree.stdout.readline() == "ready\n"
        found = figures(asked(client))
        assert found["park_requests_total method=GET route=about status=200"] == (2 + 1) + (3 + 1)
        assert found["park_requests_total method=GET route=healthz status=503"] == 5
        assert found["park_request_seconds_count method=GET route=about"] == 7
        assert found["park_request_queries_count route=about"] == 7
        assert found["park_tasks_total state=SUCCESS task=core.jobs.sweep"] == 2
        assert not [name for name in found if name.startswith("park_failures")]
    finally:
        for tree in trees:
            tree.communicate()
    assert [tree.returncode for tree in trees] == [0, 0]
    # The next that begins removes what nobody adds to any more.
    assert len(list(on.glob("*/alive"))) == 2
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    monkeypatch.setattr(measures, "_held", [])
    measures._take_folder()
    assert [str(path.parent) for path in on.glob("*/alive")] == [os.environ["PROMETHEUS_MULTIPROC_DIR"]]
    assert len(figures(asked(client))) < len(found)


def test_every_unit_that_reads_the_environment_knows_where_to_count():
    """With a token and no folder nothing would start."""
    for path in (local.ROOT / "deploy/systemd").glob("*.service"):
        text = path.read_text()
        assert "Environment=METRICS_DIR=/run/park-metrics" in text, path.name
        assert "RuntimeDirectory=park-metrics" in text, path.name
        # ... and its lines are kept apart, for as long as the law asks.
        assert "LogNamespace=park" in text, path.name
    kept = dict(
        line.split("=", 1)
        for line in (local.ROOT / "deploy/journald.conf").read_text().splitlines()
        if "=" in line and line[0] != "#"
    )
    assert (kept["MaxRetentionSec"], kept["Storage"]) == ("200day", "persistent")
    assert "rotate 200" in (local.ROOT / "deploy/logrotate.conf").read_text()


@pytest.mark.parametrize(
    ("program", "counts"),
    [
        ("/srv/park/manage.py", False),
        ("manage.py", False),
        ("/srv/park/.venv/bin/gunicorn", True),
        ("celery", True),
    ],
)
def test_a_command_of_an_operator_counts_nothing(on, settings, monkeypatch, program, counts):
    monkeypatch.setattr(sys, "argv", [program, "migrate"])
    assert measures.counts_for_others() is counts
    settings.METRICS_TOKEN = ""
    assert measures.counts_for_others() is False


def test_what_waits_and_what_failed_is_read_from_the_tables(client, on, monkeypatch):
    monkeypatch.setattr(metrics.system, "last_backup_lately", lambda: None)
    now = timezone.now()
    for number, (status, due, done) in enumerate(
        [
            ("waiting", 100, None),
            ("waiting", 20, None),
            ("waiting", -3600, None),
            ("failed", 500, None),
            ("done", 900, now),
        ]
    ):
        Message.objects.create(
            topic="notify", key=f"k{number}", status=status, due_at=now - timedelta(seconds=due), done_at=done
        )
    message, someone = Message.objects.first(), make_user()
    for channel, status, attempts in (
        ("inbox", "sent", 0),
        ("email", "waiting", 0),
        ("email", "waiting", 2),
        ("email", "failed", 8),
        ("email", "digest", 0),
        ("chat", "failed", 8),
    ):
        Delivery.objects.create(
            message=message, recipient=someone, address=f"{channel}{status}{attempts}", channel=channel,
            kind="job.finished", status=status, attempts=attempts, created_at=now - timedelta(seconds=60),
        )  # fmt: skip
    Job.objects.create(kind="x", state=JobState.QUEUED, queued_at=now - timedelta(seconds=30))
    found = figures(asked(client))
    assert found["park_outbox_messages state=waiting"] == 2
    assert 100 <= found["park_outbox_messages_oldest_seconds state=waiting"] < 160
    assert found["park_outbox_messages state=failed"] == 1
    assert {name: value for name, value in found.items() if name.startswith("park_deliveries ")} == {
        "park_deliveries channel=chat state=failed": 1,
        "park_deliveries channel=chat state=retrying": 0,
        "park_deliveries channel=chat state=waiting": 0,
        "park_deliveries channel=email state=digest": 1,
        "park_deliveries channel=email state=failed": 1,
        "park_deliveries channel=email state=retrying": 1,
        "park_deliveries channel=email state=waiting": 1,
    }
    assert 60 <= found["park_deliveries_oldest_seconds channel=email state=waiting"] < 120
    assert (found["park_jobs state=queued"], found["park_jobs state=failed"]) == (1, 0)
    assert 30 <= found["park_jobs_oldest_seconds state=queued"] < 90
    assert found["park_database_bytes"] > 1e6
    assert found["park_media_bytes_total"] > found["park_media_bytes_free"] > 0
    assert "park_backup_timestamp_seconds" not in found
    assert {name: value for name, value in found.items() if name.startswith("park_up")} == {
        "park_up piece=broker": 1, "park_up piece=database": 1, "park_up piece=disk": 1,
    }  # fmt: skip


def test_a_ring_that_nobody_hears_grows_old(client, on):
    from park_portal.celery import app

    app.send_task("core.jobs.sweep")
    try:
        found = system.rings()
        assert found.number == 1
        assert 0 <= found.age < 30
        cache.set("health:worker", 1.0)
        shown = figures(asked(client))
        assert shown["park_queue"] == 1
        assert shown["park_sign_of_life_age_seconds process=worker"] > 1e9
    finally:
        cache.delete("health:worker")
        app.control.purge()
    assert system.rings() == system.Backlog(0, None)


def test_a_piece_that_is_away_takes_only_its_own_figures_along(client, on, settings):
    settings.REDIS_URL = "unix:///nowhere/valkey.sock?db=0"
    found = figures(asked(client))
    assert (found["park_up piece=broker"], found["park_up piece=database"]) == (0, 1)
    assert found["park_outbox_messages state=failed"] == 0
    assert not [name for name in found if name.startswith("park_queue")]
