"""`make bench`: measures each page beside its floor in one run, and writes docs/benchmarks.md.

make bench                               everything, at 500 and at 10,000 applications
make bench ARGS="--only detail --requests 30"
make bench ARGS="--keep"                 use the database of the last run again
make bench ARGS="--only assignment"      work that no page stands beside, without growing the database
"""

import argparse
import http.client
import json
import os
import platform
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from park_portal import local, translations

ROOT = Path(__file__).resolve().parent.parent.parent
REPORT = ROOT / "docs" / "benchmarks.md"
OTHERS = "## By other commands\n"
DATABASE = "park_bench"
SIZES = (500, 10_000)
WORK_HEAD = (
    "| work | what | seconds | at most | MB more | at most | nearest peer |",
    "|---|---|---:|---:|---:|---:|---|",
)


@dataclass
class Result:
    """Milliseconds of a page and of its floor, at one size."""

    size: int
    quick: float  # The tenth percentile: what the page takes while nothing else runs on the machine.
    median: float
    p95: float
    worst: float
    floor: float
    kilobytes: float
    queries: int


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", default="", help="the scenarios whose name contains this")
    parser.add_argument("--requests", type=int, default=200, help="of each page and size")
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES), help="applications")
    parser.add_argument("--keep", action="store_true", help="do not make the database anew")
    options = parser.parse_args()

    prepare(keep=options.keep)
    from tests.bench import load, scenarios

    results: dict[str, list[Result]] = {}
    wanted = any(options.only in page.name for page in scenarios.pages())
    for size in sorted(options.sizes) if wanted else ():
        there = load.grow_to(size)
        say(f"{there:,} applications")
        with (
            server("park_portal.wsgi:application") as portal,
            server("tests.bench.floor:application") as floor,
        ):
            for page in scenarios.pages():
                if options.only in page.name:
                    result = measure(page, there, portal, floor, options.requests)
                    results.setdefault(page.name, []).append(result)
                    say(line(page.name, result))
    done = [work(one) for one in scenarios.WORK if options.only in one.name]
    from tests.bench import throughput

    rates = [(pair, *throughput.run(pair)) for pair in throughput.PAIRS if options.only in pair.name]
    text, broken = report(results, done, rates)
    print(text)
    if not options.only:
        REPORT.write_text(text + _of_other_commands())
    for problem in broken:
        print(f"Too slow: {problem}")
    return 1 if broken else 0


def say(text: str) -> None:
    print(f"▸ {text}", flush=True)


def prepare(*, keep: bool) -> None:
    """A database of its own with the demo park in it, and Django set up for it."""
    given = os.environ.get("DATABASE_URL")
    if given is None:
        local.ensure_services()
        if not keep:
            drop(DATABASE)
        os.environ["DATABASE_URL"] = local.create_database(DATABASE)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="park_portal.settings", LOG_LEVEL="WARNING", PYTHONWARNINGS="ignore"
    )
    translations.build(quiet=True, force=False)
    import django

    django.setup()
    from django.core.management import call_command

    say("Preparing the database")
    call_command("migrate", interactive=False, verbosity=0)
    call_command("seed_demo", if_empty=True)


def drop(name: str) -> None:
    connection = local._connect("postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    connection.close()


@contextmanager
def server(application: str) -> Iterator[int]:
    """gunicorn with the portal's own settings, serving this application; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", application],
        cwd=ROOT,
        env={**os.environ, "WEB_BIND": f"127.0.0.1:{port}", "PORT": str(port)},
    )
    try:
        for _ in range(300):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def measure(page: Any, size: int, portal: int, floor: int, requests: int) -> Result:
    """Both in turn, on connections that are kept, after enough requests to warm every process."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    user = page.who()
    path = page.where(user)
    headers = {**signed_in(user, page.scope), "Host": f"localhost:{portal}"}

    client = Client(headers={**headers, "Host": "localhost"})
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        response = client.get(path)
    if response.status_code != 200:
        raise SystemExit(f"{page.name}: {path} answers {response.status_code} to {user.email}")

    lower = f"/?name={page.name.replace(' ', '+')}&key={page.key(user)}"
    ours, theirs, length = [], [], 0
    portal_connection = http.client.HTTPConnection("127.0.0.1", portal, timeout=30)
    floor_connection = http.client.HTTPConnection("127.0.0.1", floor, timeout=30)
    for number in range(requests + 20):
        taken, length = timed(portal_connection, path, headers)
        bare, _length = timed(floor_connection, lower, {})
        if number >= 20:
            ours.append(taken)
            theirs.append(bare)
    ours.sort()
    return Result(
        size=size,
        quick=ours[len(ours) // 10],
        median=statistics.median(ours),
        p95=ours[int(len(ours) * 0.95)],
        worst=ours[-1],
        floor=statistics.median(theirs),
        kilobytes=length / 1000,
        queries=len(captured),
    )


def signed_in(user: Any, scope: str) -> dict[str, str]:
    """The header by which a browser says who asks; a program's, with a token for ``scope``, where one is named."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from park_portal.core.tokens.services import create_token, revoke_token

    if scope:
        for before in user.api_tokens.usable().filter(name="bench"):
            revoke_token(before, actor=user)
        _token, secret = create_token(actor=user, name="bench", scopes=[scope], days=1)
        return {"Authorization": f"Bearer {secret}"}
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session.session_key}"}


def timed(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> tuple[float, int]:
    """Milliseconds and bytes of one request."""
    start = time.perf_counter()
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    taken = (time.perf_counter() - start) * 1000
    if response.status != 200:
        raise SystemExit(f"{path} answers {response.status}")
    return taken, len(body)


def work(one: Any) -> tuple[Any, float, float, str]:
    """Run long work in a process of its own; it, its seconds, the megabytes it took beyond what it began with."""
    module, function = one.run.split(":")
    code = (
        "import django, json, time; django.setup();"
        f"from {module} import {function} as run;"
        # Not ru_maxrss, which begins with what the process that started this one took.
        "used = lambda: int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) / 1024;"
        "before, start = used(), time.perf_counter(); what = run();"
        # What brings its own seconds measured a part of what it did.
        "took = getattr(what, 'seconds', time.perf_counter() - start);"
        "print(json.dumps([took, used() - before, str(what)]))"
    )
    if one.before:
        place, name = one.before.split(":")
        made = f"import django; django.setup(); from {place} import {name} as run; run()"
        subprocess.run([sys.executable, "-c", made], cwd=ROOT, check=True)
    say(one.name)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{one.name} failed:\n{done.stderr}")
    seconds, megabytes, what = json.loads(done.stdout.strip().splitlines()[-1])
    return one, seconds, megabytes, what


def line(name: str, result: Result) -> str:
    return (
        f"{name}: {result.median:.1f} ms (floor {result.floor:.1f}), p95 {result.p95:.1f}, worst {result.worst:.1f}, "
        f"{result.queries} queries, {result.kilobytes:.0f} kB"
    )


def report(
    results: dict[str, list[Result]],
    done: list[tuple[Any, float, float, str]],
    rates: list[tuple[Any, float, float]],
) -> tuple[str, list[str]]:
    """The page for docs/, and what is slower than promised."""
    from tests.bench import scenarios

    broken: list[str] = []
    rows = []
    promised = {page.name: page for page in scenarios.pages()}
    for name, several in results.items():
        page = promised[name]
        for result in several:
            peer = f"{page.peer:.0f} ms, {page.peer / result.median:.0f}×" if page.peer else ""
            rows.append(
                f"| {name} | {result.size:,} | {result.median:.1f} | {result.p95:.1f} | {result.worst:.1f} "
                f"| {result.floor:.1f} | {result.median / result.floor:.1f} | {result.queries} "
                f"| {result.kilobytes:.0f} | {peer} |"
            )
            if result.queries > page.queries:
                broken.append(f"{name}: {result.queries} queries, {page.queries} at most")
            if page.peer and result.median * page.times > page.peer:
                broken.append(
                    f"{name}: {result.median:.1f} ms is not {page.times:.0f} times faster than the peer"
                )
        if page.most and several[-1].median > several[-1].floor * page.most:
            broken.append(f"{name}: more than {page.most:.0f} times its floor")
        if len({result.queries for result in several}) > 1:
            broken.append(f"{name}: the number of queries depends on the number of rows")
        if page.flat and len(several) > 1 and several[-1].quick > several[0].quick * 1.15 + 1:
            broken.append(f"{name}: slower with {several[-1].size:,} than with {several[0].size:,}")
    works = []
    for one, seconds, megabytes, what in done:
        peer = f"{one.peer:.0f} s" if one.peer else ""
        room = f"{one.megabytes:,.0f}" if one.megabytes else ""
        works.append(
            f"| {one.name} | {what} | {seconds:.1f} | {one.seconds:.0f} | {megabytes:.0f} | {room} | {peer} |"
        )
        if one.megabytes and megabytes > one.megabytes:
            broken.append(f"{one.name}: {megabytes:.0f} MB, {one.megabytes:.0f} MB at most")
        if seconds > one.seconds:
            broken.append(f"{one.name}: {seconds:.1f} s, {one.seconds:.0f} s at most")
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Each page is measured beside its floor in the same run: the rows it shows, fetched",
        "by plain psycopg2 and put together by string formatting, served by gunicorn with the same settings. Requests",
        "come one after the other on a kept connection, page and floor in turn, after every process is warm.",
        "",
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {_memory()} GB of memory, "
        f"Python {platform.python_version()}.",
        "",
        "| page | applications | median ms | p95 ms | worst ms | floor ms | × floor | queries | kB | nearest peer |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---|",
        *rows,
    ]
    if works:
        lines += ["", *WORK_HEAD, *works]
    if rates:
        lines += [
            "",
            "Throughput, each beside the same work without the portal, in turn, in one run: the outbox (claim, effect, commit,",
            "one relay) beside raw SQL in batches of 1,000; one announcement to 100,000 inboxes beside INSERT … SELECT; mail",
            "(two relays with three sending threads each, a transaction a mail) beside a bare smtplib loop to the same sink.",
            "Mail is to be measured on a machine with nothing else to do.",
            "",
            "| throughput | what | a second | floor | of floor | at least |",
            "|---|---|---:|---:|---:|---:|",
        ]
        for pair, ours, floor in rates:
            lines.append(
                f"| {pair.name} | {pair.unit} | {ours:,.0f} | {floor:,.0f} | {ours / floor:.2f} | {pair.least} |"
            )
            if ours < floor * pair.least:
                broken.append(f"{pair.name}: {ours / floor:.2f} of its floor, {pair.least} at least")
    return "\n".join([*lines, ""]), broken


def _of_other_commands() -> str:
    """What the report holds below its own part: figures that take other commands, and what is to be known of them."""
    _own, heading, others = REPORT.read_text().partition(OTHERS)
    return f"\n{heading}{others}" if heading else ""


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    sys.exit(main())
