"""Throughput beside its floor, in one run: each pair does the same to the same tables, ours through the portal.

Every pair runs several times in turn; the medians are compared, so that a machine that is busy for a moment is busy for
both. Rows are thrown away in between.
"""

from __future__ import annotations

import json
import os
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from typing import Any

import psycopg2
from django.conf import settings
from django.db import connection
from django.utils import timezone

from park_portal.core.accounts.models import User
from park_portal.core.outbox import services
from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.outbox.registry import KINDS, Kind, MergeField
from park_portal.relay import HELPERS
from tests.bench import ledger

MESSAGES, BATCH = 10_000, 1_000
INBOXES = 100_000
MAILS = 600
TURNS = 3

NEWS = Kind(
    name="bench.news",
    label="News",
    audience="everyone",
    fields={"title": MergeField("title", "x")},
    subject={"zh-hans": "通知:{{ title }}", "en": "News: {{ title }}"},
    body={"zh-hans": "{{ title }} 有新进展。\n\n请打开 {{ link }} 查看。", "en": "{{ title }} has news.\n\nOpen {{ link }} to read it."},
    default="off",
)  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """Ours and the floor, each returning how many it did; ours must reach `least` of the floor's rate."""

    name: str
    unit: str
    prepare: Callable[[], Any]
    ours: Callable[[], int]
    floor: Callable[[], int]
    least: float


def run(pair: Pair) -> tuple[float, float]:
    """Measure the pair, with a mail sink where it needs one."""
    if pair.unit != "mails":
        return measure(pair)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    sink = Sink(port)
    try:
        return measure(pair)
    finally:
        sink.stop()


def measure(pair: Pair) -> tuple[float, float]:
    """Return the rates of ours and of the floor, a second."""
    rates: dict[str, list[float]] = {"ours": [], "floor": []}
    for turn in range(TURNS + 1):
        for name, run in (("ours", pair.ours), ("floor", pair.floor)):
            pair.prepare()
            start = time.perf_counter()
            done = run()
            if turn:  # the first one warms up
                rates[name].append(done / (time.perf_counter() - start))
    return statistics.median(rates["ours"]), statistics.median(rates["floor"])


def _clear() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_delivery WHERE kind LIKE 'bench.%'")
        cursor.execute("DELETE FROM core_message WHERE key LIKE 'bench.%'")
        cursor.execute("UPDATE core_message SET status = 'done', done_at = now() WHERE status = 'waiting'")
        cursor.execute("VACUUM ANALYZE core_delivery")
        cursor.execute("VACUUM ANALYZE core_message")
        cursor.execute("CHECKPOINT")


# --- the outbox ----------------------------------------------------------------------------------------------------


def _write_messages() -> None:
    """Ten thousand notices, each to one of the park's people, not yet delivered."""
    KINDS[NEWS.name] = NEWS
    _clear()
    people = list(User.objects.filter(is_active=True).order_by("pk").values_list("pk", flat=True)[:100])
    now = timezone.now()
    Message.objects.bulk_create(
        [
            Message(
                topic="notify",
                key=f"bench.{number}",
                due_at=now,
                payload={
                    "kind": NEWS.name, "recipients": [people[number % len(people)]], "addresses": [],
                    "context": {"title": f"No. {number}"}, "link": "/inbox/", "texts": {}, "language": "zh-hans",
                },
            )
            for number in range(MESSAGES)
        ],
        batch_size=1000,
    )  # fmt: skip


def _relay() -> int:
    while services.relay_messages(limit=BATCH):
        pass
    return _delivered(MESSAGES)


def _delivered(number: int) -> int:
    there = Delivery.objects.filter(kind=NEWS.name, channel="inbox").count()
    if there != number:
        raise SystemExit(f"{there} delivered, not {number}")
    return number


_CLAIM = "SELECT id FROM core_message WHERE status = 'waiting' AND due_at <= now() ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED"
_EFFECT = """
    INSERT INTO core_delivery (public_id, message_id, recipient_id, address, channel, kind, language, subject, body,
                               link, status, created_at, sent_at, attempts, error)
    SELECT gen_random_uuid(), id, (payload -> 'recipients' ->> 0)::bigint, '', 'inbox', payload ->> 'kind', 'zh-hans',
           jsonb_build_object('zh-hans', '通知:' || (payload -> 'context' ->> 'title'),
                              'en', 'News: ' || (payload -> 'context' ->> 'title')),
           jsonb_build_object('zh-hans', (payload -> 'context' ->> 'title') || ' 有新进展。\n\n请打开 ' || %(site)s || (payload ->> 'link') || ' 查看。',
                              'en', (payload -> 'context' ->> 'title') || ' has news.\n\nOpen ' || %(site)s || (payload ->> 'link') || ' to read it.'),
           payload ->> 'link', 'sent', now(), now(), 0, ''
    FROM core_message WHERE id = ANY(%(ids)s)
"""


def _raw_relay() -> int:
    """The same by psycopg2 alone: claim a thousand, write their effects by one statement, mark them, commit."""
    own = psycopg2.connect(**connection.get_connection_params())
    with own.cursor() as cursor:
        while True:
            cursor.execute(_CLAIM, [BATCH])
            ids = [row[0] for row in cursor.fetchall()]
            if not ids:
                break
            cursor.execute(_EFFECT, {"ids": ids, "site": settings.SITE_URL})
            cursor.execute(
                "UPDATE core_message SET status = 'done', done_at = now() WHERE id = ANY(%s)", [ids]
            )
            own.commit()
    own.close()
    return _delivered(MESSAGES)


# --- one announcement to everyone ----------------------------------------------------------------------------------


def _write_announcement() -> None:
    """A hundred thousand people and one announcement for all of them."""
    KINDS[NEWS.name] = NEWS
    _clear()
    readers = User.objects.filter(email__startswith="bench.")
    if not readers.exists():
        User.objects.bulk_create(
            (
                User(email=f"bench.{number}@people.example", name=f"读者{number}", password="!")
                for number in range(INBOXES)
            ),
            batch_size=5000,
        )
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE core_user")
    message = services.notify(
        NEWS.name, recipients=readers, key="all", context={"title": "The park"}, link="/inbox/"
    )
    Message.objects.filter(pk=message.pk).update(key="bench.all")


def _announce() -> int:
    services.relay_messages()
    return _delivered(INBOXES)


def _raw_announce() -> int:
    """One INSERT … SELECT of the finished text, and the message marked, in one transaction."""
    own = psycopg2.connect(**connection.get_connection_params())
    with own.cursor() as cursor:
        cursor.execute("SELECT id FROM core_message WHERE key = 'bench.all' FOR UPDATE")
        key = cursor.fetchone()[0]
        cursor.execute(
            """
            INSERT INTO core_delivery (public_id, message_id, recipient_id, address, channel, kind, language, subject,
                                       body, link, status, created_at, sent_at, attempts, error)
            SELECT gen_random_uuid(), %(key)s, id, '', 'inbox', %(kind)s, language, %(subject)s::jsonb, %(body)s::jsonb,
                   '/inbox/', 'sent', now(), now(), 0, ''
            FROM core_user WHERE email LIKE 'bench.%%'
            """,
            {
                "key": key,
                "kind": NEWS.name,
                "subject": json.dumps({"zh-hans": "通知:The park", "en": "News: The park"}),
                "body": json.dumps(dict.fromkeys(("zh-hans", "en"), "x" * 60)),
            },
        )
        cursor.execute("UPDATE core_message SET status = 'done', done_at = now() WHERE id = %s", [key])
    own.commit()
    own.close()
    return _delivered(INBOXES)


# --- mail ----------------------------------------------------------------------------------------------------------


class Sink:
    """The mail sink of local mode, in a process of its own."""

    def __init__(self, port: int) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="park-bench-mail-")
        environment = {"PARK_MAIL_SINK": self.folder.name, "EMAIL_URL": f"smtp://127.0.0.1:{port}"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "park_portal.mailsink"], env={**os.environ, **environment}
        )
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        for _ in range(100):
            with suppress(OSError), smtplib.SMTP("127.0.0.1", port, timeout=1):
                return
            time.sleep(0.1)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self.folder.cleanup()


def _write_mails() -> None:
    _clear()
    message = Message.objects.create(topic="notify", key="bench.mail", status="done", done_at=timezone.now())
    body = {
        "zh-hans": "类器官药敏平台 有新进展。\n\n请打开平台查看。",
        "en": "News.\n\nOpen the portal to read it.",
    }
    Delivery.objects.bulk_create(
        Delivery(
            message=message,
            channel="email",
            address=f"reader{number}@people.example",
            kind=NEWS.name,
            subject={"zh-hans": f"通知 {number}", "en": f"News {number}"},
            body=body,
            link="/inbox/",
        )
        for number in range(MAILS)
    )


def _send() -> int:
    """As the relays send: two processes (RELAY_PROCESSES), each with its threads, a transaction a mail."""
    connection.close()
    children = []
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                with ThreadPoolExecutor(1 + HELPERS) as threads:
                    list(threads.map(lambda _number: _send_all(), range(1 + HELPERS)))
                code = 0
            finally:
                os._exit(code)
        children.append(pid)
    if any(os.waitpid(pid, 0)[1] for pid in children):
        raise SystemExit("a sender failed")
    left = Delivery.objects.filter(kind=NEWS.name).exclude(status="sent").count()
    if left:
        raise SystemExit(f"{left} mails did not leave")
    return MAILS


def _send_all() -> None:
    while services.send_waiting():
        pass
    connection.close()


def _raw_send() -> int:
    """A bare loop over one connection: a finished mail of the same size, nothing else."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["Subject"], mail["From"] = "通知", "portal@park.example"
    line = "x" * 69 + "\n"
    mail.set_content(line * 6)
    mail.add_alternative(f"<p>{line * 35}</p>", subtype="html")
    with smtplib.SMTP(settings.EMAIL_HOST, settings.EMAIL_PORT) as server:
        for number in range(MAILS):
            server.sendmail("portal@park.example", [f"reader{number}@people.example"], mail.as_bytes())
    return MAILS


PAIRS = [
    Pair("outbox relay", "messages", _write_messages, _relay, _raw_relay, 0.4),
    Pair("one announcement to everyone", "inboxes", _write_announcement, _announce, _raw_announce, 0.5),
    Pair("mail", "mails", _write_mails, _send, _raw_send, 0.7),
    Pair(
        "ledger, 8 connections",
        "transfers",
        ledger.spread,
        ledger.through_the_portal,
        ledger.by_sql_alone,
        0.4,
    ),
]
