"""`make chaos`: nothing committed is lost or done twice, whatever is killed.

make chaos KILLS=1000                 the whole of it, with Redis gone for a minute
make chaos KILLS=50 ARGS=--small      what `make test` runs

A portal of its own (PostgreSQL, Valkey, gunicorn, relays, Celery worker, beat, mail sink) is run by `make run`'s own
supervisor. Meanwhile messages are committed: bare ones, notices, and the main story's: applications that are submitted
through the API, returned, submitted again, rejected and withdrawn. Processes are killed with SIGKILL, half of them at
named points (`park_portal/core/crash.py`), half at random; Redis is emptied and taken away; PostgreSQL is restarted in
immediate mode, as after a power cut; the clock of every process that does work is stopped and jumps on (SIGSTOP,
SIGCONT). Then everything is counted: what was committed against its effects.

A kill's recovery is the time until the portal answers HTTP again and everything committed up to the moment after the
kill has its effect.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes
from pathlib import Path
from typing import Any

STEADY_P99 = 0.250
RECOVERY_P99 = 5.0
POINTS = ("after_commit", "after_publish", "after_claim", "after_effect", "before_ack", "after_250")
# A mail may come twice if its relay, or PostgreSQL, died this soon after the server had taken it.
WINDOW = 1.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="short outages, for the tests")
    parser.add_argument("--template", default="", help="a migrated database to begin from")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="park-chaos-"))
    for name in (
        "DATABASE_URL",
        "REDIS_URL",
        "PARK_RUN",
        "PARK_CRASH",
        "REDIS_PREFIX",
        "WEB_BIND",
        "EMAIL_URL",
    ):
        os.environ.pop(name, None)
    os.environ.update(
        PARK_LOCAL=str(folder),
        PARK_DEMO="0",
        DJANGO_SETTINGS_MODULE="tests.chaos.settings",
        PORT=os.environ.get("PORT") or str(free_port()),
        MAIL_SINK_PORT=str(free_port()),
        LOG_LEVEL="ERROR",
        PYTHONWARNINGS="ignore",
    )
    chaos = None
    try:
        chaos = Portal(folder, options.template)
        return play(chaos, options)
    finally:
        if chaos is not None:
            chaos.stop()
        shutil.rmtree(folder, ignore_errors=True)


def say(text: str) -> None:
    print(f"▸ {text}", flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Portal:
    """The portal under its own supervisor, and what can be done to it."""

    PARENTS = frozenset({"web", "relay", "worker", "beat"})
    settled = 0.0

    def __init__(self, folder: Path, template: str) -> None:
        from park_portal import local, run

        self.local, self.run, self.folder = local, run, folder
        self.crash = folder / "crash"
        self.crash.mkdir()
        say("Starting a portal of its own")
        local.ensure_services(database="park")
        if template:
            copy(template, local.database_url("park"))
            import django

            django.setup()
        else:
            run.prepare()
        from django.db import connection

        with connection.cursor() as cursor:
            from tests.chaos.app import PREPARE

            for statement in PREPARE:
                cursor.execute(statement)
        self.log = (folder / "run.log").open("wb")
        self.supervisor = subprocess.Popen(
            [sys.executable, "-m", "park_portal.run"],
            cwd=local.ROOT,
            env={**os.environ, "PARK_CRASH": str(self.crash)},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        self.url = f"http://127.0.0.1:{os.environ['PORT']}"
        wait_until(
            lambda: run.health(int(os.environ["PORT"])).get("status") == "ok", 90, "the portal to be healthy"
        )

    def processes(self) -> dict[str, list[Any]]:
        """What runs, by role."""
        import psutil

        found: dict[str, list[Any]] = {}
        names = {"gunicorn": "web", "park_portal.relay": "relay", "worker": "worker", "beat": "beat"}
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                words = process.cmdline()
                if process.status() == psutil.STATUS_ZOMBIE or words[:1] == ["/bin/sh"]:
                    continue
                name = next((role for word, role in names.items() if word in words), None)
                if name is None or process.environ().get(self.run.MARK) != str(self.folder):
                    continue
                above = process.parent()
                inner = above is not None and name in {names.get(word) for word in above.cmdline()}
                inner = inner or (above is not None and name != "beat" and above.pid == 1)  # its parent died
                found.setdefault(f"{name} copy" if inner else name, []).append(process)
        return found

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def restart_postgres(self) -> None:
        pid = int((self.local.PGDATA / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGQUIT)
        wait_until(lambda: not alive(pid), 20, "PostgreSQL to stop")
        self.local.ensure_services(valkey=False, database=None)

    @contextmanager
    def without_redis(self) -> Iterator[None]:
        pid = int((self.local.LOCAL / "valkey.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not alive(pid), 10, "Valkey to stop")
        try:
            yield
        finally:
            self.local.ensure_services(postgres=False, database=None)

    def flush_redis(self) -> None:
        import redis

        redis.Redis(unix_socket_path=str(self.local.run_directory() / "valkey.sock")).flushall()

    @contextmanager
    def stopped_clock(self) -> Iterator[None]:
        stopped = [
            process
            for role, some in self.processes().items()
            for process in some
            if role != "relay" and not role.startswith("web")
        ]
        for process in stopped:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in stopped:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGCONT)

    def stop(self) -> None:
        self.supervisor.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.supervisor.wait(20)
        self.run.end_leftovers(str(self.folder))
        self.local.stop_services()


def copy(source: str, target: str) -> None:
    from park_portal import local

    binaries = local._postgres_binaries()
    dump = subprocess.Popen(
        [binaries / "pg_dump", "--format=custom", "--compress=0", "--no-owner", "--no-privileges", source],
        stdout=subprocess.PIPE,
    )
    subprocess.run([binaries / "pg_restore", "--no-owner", "-d", target], stdin=dump.stdout, check=True)
    if dump.wait():
        raise SystemExit("the template could not be copied")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Callable[[], Any], seconds: float, what: str, every: float = 0.05) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(every)


# --- what is committed ---------------------------------------------------------------------------------------------


class Load:
    """Threads that commit; what was told to be committed is remembered."""

    def __init__(self, portal: Portal) -> None:
        from park_portal.core.accounts.models import User
        from tests import factories
        from tests.factories import applications, core

        factories.load()
        self.portal = portal
        self.keys: list[str] = []
        self.submitted: set[tuple[int, int]] = set()
        self.numbers = itertools.count()
        self.over = threading.Event()
        self.failures: list[str] = []
        self.readers = [core.make_user(f"Reader {number}") for number in range(5)]
        self.founder: User = core.make_user("Founder")
        self.lead = core.make_staff("lead")
        self.call = applications.make_call("CHAOS-2026", lead=self.lead)
        self.make = lambda: applications.make_application(self.call, owner=self.founder)
        self.drafts = [self.make() for _ in range(2)]
        from park_portal.core.tokens.services import create_token
        from park_portal.core.tokens.states import Scope

        self.secret = create_token(actor=self.founder, name="chaos", scopes=Scope.values, days=1)[1]
        self.threads = [
            threading.Thread(target=self._repeat, args=(work, pause), daemon=True)
            for work, pause in ((self.commit, 0.04), (self._story, 0.1))
        ]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(30)

    def _repeat(self, work: Callable[[], Any], pause: float) -> None:
        from django.db import Error, connection

        while not self.over.wait(pause):
            try:
                work()
            except (Error, OSError):  # PostgreSQL is away: what was not committed is not counted
                connection.close()
            except Exception as error:
                self.failures.append(f"{work.__name__}: {type(error).__name__}: {error}")

    def commit(self) -> Any:
        """Commit one message and return it: two bare ones to one notice."""
        from django.db import transaction

        from park_portal.core.outbox.services import notify, publish
        from tests.chaos.app import TOPIC

        number = next(self.numbers)
        with transaction.atomic():
            if number % 3:
                message = publish(TOPIC, key=f"chaos:{number}")
            else:
                message = notify(
                    "job.finished",
                    recipients=self.readers[: 1 + number % 5],
                    key=f"chaos:{number}",
                    context={"job": f"No. {number}"},
                    link="/inbox/",
                )
        self.keys.append(message.key)
        return message

    def _story(self) -> None:
        """One step of an application's life: submitted over HTTP, else by the services that the pages call."""
        from django.utils import timezone

        from funding.applications import services

        place = next(self.numbers) % len(self.drafts)
        application = self.drafts[place]
        application.refresh_from_db()
        application.__dict__.pop("_roles", None)
        if application.state in ("rejected", "withdrawn"):
            self.drafts[place] = self.make()
        elif application.state in ("draft", "returned"):
            self._submit(application)
        elif application.versions.count() < 4:
            services.return_application(
                application,
                actor=self.lead,
                items={"title": "Shorter, please."},
                due_at=timezone.now() + timezone.timedelta(days=3),
            )
        elif next(self.numbers) % 2:
            services.reject_application(application, actor=self.lead, reason="Not this year.")
        else:
            services.withdraw_application(application, actor=self.founder, reason="Sold.")

    def _submit(self, application: Any) -> None:
        version = application.versions.count() + 1
        request = urllib.request.Request(
            f"{self.portal.url}/api/v1/applications/{application.pk}/submit/",
            data=b"",
            headers={
                "Authorization": f"Bearer {self.secret}",
                "Idempotency-Key": f"{application.pk}-{version}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                json.load(response)
        except urllib.error.HTTPError as error:
            if error.code not in (
                409,
                500,
                503,
            ):  # the first attempt died, or PostgreSQL is away: asked again
                self.failures.append(f"submit: {error.code} {error.read()[:300]!r}")
        else:
            self.submitted.add((application.pk, version))


class Mails:
    """Counts at the sink: Message-ID and when each copy came."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: set[str] = set()
        self.copies: dict[str, list[float]] = {}

    def read(self) -> None:
        for path in sorted(self.folder.glob("*.eml")):
            if path.name not in self.seen:
                self.seen.add(path.name)
                with suppress(FileNotFoundError):
                    mail = message_from_bytes(path.read_bytes())
                    self.copies.setdefault(str(mail["Message-ID"]), []).append(int(path.name[:20]) / 1e9)


# --- the play ------------------------------------------------------------------------------------------------------


def play(portal: Portal, options: Any) -> int:
    from django.db import connection

    chance = random.Random(options.seed)
    load, mails = Load(portal), Mails(portal.folder / "mail")
    steady = measure(load, 150 if options.small else 1000)
    say(f"Steady: p50={quantile(steady, 0.5) * 1000:.0f} ms p99={quantile(steady, 0.99) * 1000:.0f} ms")
    load.start()
    short = options.small
    events: dict[int, tuple[str, Callable[[], None]]] = {
        options.kills * 1 // 6: ("flush Redis", portal.flush_redis),
        options.kills * 2 // 6: ("Redis gone", lambda: during(portal.without_redis, 3 if short else 60)),
        options.kills * 3 // 6: ("restart PostgreSQL", portal.restart_postgres),
        options.kills * 4 // 6: ("stopped clock", lambda: during(portal.stopped_clock, 4 if short else 30)),
        options.kills * 5 // 6: ("flush Redis", portal.flush_redis),
    }
    recoveries: list[float] = []
    deaths: list[float] = []
    slowest: list[tuple[float, str]] = []
    hits: Counter[str] = Counter()
    number = 0
    while number < options.kills:
        if number in events:
            name, happen = events.pop(number)
            deaths.append(time.time())
            happen()
            deaths.append(time.time())
            say(f"{name}: everything done {recover(portal, load, time.time()):.1f} s after")
        killed = arm(portal, chance) if number % 2 else strike(portal, chance)
        if killed is None:
            continue
        what, when = killed
        number += 1
        deaths.append(when)
        hits[what] += 1
        recoveries.append(recover(portal, load, when))
        slowest.append((recoveries[-1], what))
        mails.read()
        if number % 50 == 0:
            say(f"{number} kills, recovery p99 {quantile(recoveries, 0.99):.1f} s")
    load.stop()
    connection.close()
    wait_until(lambda: waiting() == (0, 0), 120, "everything to be done", every=0.2)
    wait_until(lambda: not mails.read() and sent_mails() <= mails.copies.keys(), 20, "the last mails")
    say(f"killed: {', '.join(f'{what} {count}' for what, count in sorted(hits.items()))}")
    say(f"slowest: {', '.join(f'{what} {seconds:.1f} s' for seconds, what in sorted(slowest)[-5:])}")
    return verdict(load, mails, deaths, steady, recoveries, timed=not short)


def during(what: Callable[[], Any], seconds: float) -> None:
    with what():
        time.sleep(seconds)


def measure(load: Load, count: int) -> list[float]:
    """Seconds from commit to effect, as another connection sees it, one after the other."""
    from django.db import connection

    taken = []
    for number in range(count + 10):
        message = load.commit()
        start = time.perf_counter()
        with connection.cursor() as cursor:
            while True:
                cursor.execute(
                    "SELECT EXISTS (SELECT FROM chaos_effect WHERE message = %(id)s)"
                    " OR EXISTS (SELECT FROM core_delivery WHERE message_id = %(id)s AND channel = 'inbox')",
                    {"id": message.pk},
                )
                if cursor.fetchone()[0]:
                    break
                if time.perf_counter() - start > 30:
                    raise SystemExit("a message waits for ever")
                time.sleep(0.001)
        if number >= 10:  # the first ones warm up
            taken.append(time.perf_counter() - start)
    return taken


def strike(portal: Portal, chance: random.Random) -> tuple[str, float] | None:
    """Kill one process, any; but no second parent while the supervisor has not brought the first one back."""
    roles = portal.processes()
    if portal.PARENTS - roles.keys() or time.monotonic() < portal.settled:
        roles = {role: some for role, some in roles.items() if role.endswith("copy")}
    candidates = [(role, process) for role, some in sorted(roles.items()) for process in some]
    if not candidates:
        return None
    role, process = chance.choice(candidates)
    time.sleep(chance.random() * 0.05)
    try:
        os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return None
    if role in portal.PARENTS:
        portal.settled = time.monotonic() + 3  # It loads the portal first.
    return role, time.time()


def arm(portal: Portal, chance: random.Random) -> tuple[str, float] | None:
    """Let the next process that comes to a named point die there."""
    name = chance.choice(POINTS)
    (portal.crash / name).touch()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        for path in portal.crash.glob(f"{name}.*"):
            when = path.stat().st_ctime
            path.unlink()
            return name, when
        time.sleep(0.005)
    (portal.crash / name).unlink(missing_ok=True)
    return None


def recover(portal: Portal, load: Load, when: float) -> float:
    """Seconds from ``when`` until the portal answers and all that is committed by now has its effect."""
    from django.db import Error, connection
    from django.utils import timezone

    from park_portal.core.outbox.models import Message
    from park_portal.core.outbox.registry import SLOW

    def commit() -> bool:
        try:
            load.commit()
        except Error:
            connection.close()
            return False
        return True

    wait_until(commit, 30, "a commit")
    now = timezone.now()

    def done() -> bool:
        open_ones = Message.objects.filter(status="waiting", due_at__lte=now).exclude(topic__in=SLOW)
        return not open_ones.exists() and portal.answers()

    wait_until(done, 60, "the effects", every=0.01)
    return max(time.time() - when, 0.0)


def waiting() -> tuple[int, int]:
    from park_portal.core.outbox.models import Delivery, Message

    return (
        Message.objects.exclude(status="done").count(),
        Delivery.objects.filter(status__in=["waiting", "failed"]).count(),
    )


def sent_mails() -> set[str]:
    from park_portal.core.outbox.models import Delivery

    return {one.mail_id for one in Delivery.objects.filter(channel="email", status="sent")}


def verdict(
    load: Load,
    mails: Mails,
    deaths: list[float],
    steady: list[float],
    recoveries: list[float],
    *,
    timed: bool,
) -> int:
    from django.core.management import call_command
    from django.db import connection

    from funding.models import Version
    from park_portal.core.outbox.models import Message

    with connection.cursor() as cursor:
        cursor.execute("SELECT message, count(*) FROM chaos_effect GROUP BY 1")
        bare = dict(cursor.fetchall())
        cursor.execute(
            "SELECT message_id, recipient_id, address, channel, count(*) FROM core_delivery GROUP BY 1, 2, 3, 4"
        )
        delivered = {tuple(row[:4]): row[4] for row in cursor.fetchall()}
    messages = {one.key: one for one in Message.objects.all()}
    inboxes = {(key[0], key[1]) for key in delivered if key[3] == "inbox"}
    lost = [key for key in load.keys if key not in messages]
    twice = [f"bare {pk}" for pk, count in bare.items() if count > 1]
    twice += [f"notice {key}" for key, count in delivered.items() if count > 1]
    effects = sum(bare.values()) + sum(count for key, count in delivered.items() if key[3] == "inbox")
    for one in messages.values():
        if one.topic == "chaos.effect" and one.pk not in bare:
            lost.append(one.key)
        elif one.topic == "notify":
            lost += [f"{one.key} to {pk}" for pk in one.payload["recipients"] if (one.pk, pk) not in inboxes]
    there = set(Version.objects.values_list("application_id", "number"))
    lost += [f"version {pair}" for pair in load.submitted - there]
    lost += [
        f"receipt of {pk} v{number}"
        for pk, number in there
        if f"application:{pk}:v{number}:receipt" not in messages
    ]
    lost += [f"mail {mail_id}" for mail_id in sent_mails() - mails.copies.keys()]
    again = 0
    for mail_id, times in mails.copies.items():
        for first in times[:-1]:
            again += 1
            if not any(first - 0.2 <= death <= first + WINDOW for death in deaths):
                twice.append(f"mail {mail_id} at {times}")
    call_command("verify_audit", stdout=io.StringIO())
    p50, p99 = (quantile(steady, part) * 1000 for part in (0.5, 0.99))
    recovery = quantile(recoveries, 0.99)
    for one, times in Counter(load.failures).most_common(20):
        say(f"{one} ({times} times)")
    for one in [*lost[:20], *twice[:20]]:
        say(str(one))
    print(
        f"committed={len(messages)} effects={effects} lost={len(lost)} duplicated={len(twice)}"
        f" recovery_p99={recovery:.2f}s recovery_p50={quantile(recoveries, 0.5):.2f}s"
        f" steady_p50={p50:.0f}ms steady_p99={p99:.0f}ms kills={len(recoveries)}"
        f" mails={len(mails.copies)} mails_again_within_window={again}",
        flush=True,
    )
    # Beside other tests on the same cores the clock proves nothing.
    timely = not timed or (p99 <= STEADY_P99 * 1000 and recovery <= RECOVERY_P99)
    return 0 if timely and not (lost or twice or load.failures) else 1


def quantile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else 0.0


if __name__ == "__main__":
    sys.exit(main())
