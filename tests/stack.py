"""The real thing for tests: gunicorn, a Celery worker, beat and the mail sink over a database of their own.

    def test_letters_arrive(live_stack, page):
        page.goto(live_stack.url + "/")
        mail = live_stack.wait_for_mail(to="founder@people.example", subject="录取")
        page.goto(live_stack.links(mail)[0])

In a test that uses `live_stack`, Django's own database connection is that of the stack: rows made with the factories
are there for the browser, and services can be called directly. The database is empty when the session begins; tests
share it.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from park_portal import local, run
from park_portal.core.rights import APP_ROLE
from park_portal.mailbox import Mail, mails
from tests.databases import copy_template, url

READY_WITHIN = 90  # Seconds.
# The portal of this process, while it runs.
RUNNING: list["Stack"] = []


@dataclass
class Stack:
    """A running portal."""

    port: int
    database: str
    folder: Path
    environment: dict[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def mail_folder(self) -> Path:
        return self.folder / "mail"

    def start(self, *names: str) -> None:
        """Start the processes of these names, or all of them."""
        for name, command in run.processes(self.folder / "schedule").items():
            if name in self.running or (names and name not in names):
                continue
            log = (self.folder / f"{name}.log").open("ab")
            self.running[name] = subprocess.Popen(
                command,
                cwd=local.ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Until /healthz says that every piece works; fails with the logs when that takes too long."""
        answer: dict[str, Any] = {}

        def ready() -> bool:
            answer.update(run.health(self.port))
            return answer.get("status") == "ok"

        if not self.wait(ready, seconds=READY_WITHIN):
            pytest.fail(f"The portal did not become healthy: {answer}\n{self.logs()}")

    def stop(self, *names: str, kill: bool = False) -> None:
        """Stop the processes of these names, or all of them; `kill` as a power cut would."""
        chosen = {name: self.running.pop(name) for name in names or list(self.running)}
        for process in chosen.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9) if kill else process.terminate()
        for process in chosen.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)

    def manage(self, *arguments: str) -> str:
        """Run a management command against this portal; its output."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=local.ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def logs(self, lines: int = 30) -> str:
        """The end of what each process said."""
        texts = []
        for path in sorted(self.folder.glob("*.log")):
            tail = path.read_text(errors="replace").splitlines()[-lines:]
            texts.append("\n".join([f"--- {path.name}", *tail]))
        return "\n".join(texts)

    def mails(self, *, to: str = "", subject: str = "") -> list[Mail]:
        """The mails that went out, newest first."""
        return [mail for mail in mails(self.mail_folder, to=to, limit=1000) if subject in mail.subject]

    def wait_for_mail(self, *, to: str, subject: str = "", after: int = 0, seconds: float = 30) -> Mail:
        """The newest such mail, as soon as there are more than `after` of them."""
        found: list[Mail] = []

        def came() -> bool:
            found[:] = self.mails(to=to, subject=subject)
            return len(found) > after

        if not self.wait(came, seconds=seconds):
            there = [(mail.to, mail.subject) for mail in self.mails()]
            pytest.fail(f"No mail to {to!r} about {subject!r}. There are {there}.\n{self.logs()}")
        return found[0]

    def links(self, mail: Mail) -> list[str]:
        """The addresses in a mail that lead to this portal."""
        return re.findall(rf"{re.escape(self.url)}[^\s<>\"')\]]*", mail.text or mail.html)

    def wait(self, condition: Callable[[], Any], *, seconds: float = 30) -> bool:
        """Whether the condition came true in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return True
            time.sleep(0.1)
        return bool(condition())


@pytest.fixture(scope="session")
def running_stack() -> Iterator[Stack]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    name = f"{settings.DATABASES['default']['TEST']['NAME'].removesuffix(f'_{worker}')}_live_{worker}"
    mark = f"{local.ROOT}#{name}"
    run.end_leftovers(mark)
    folder = Path(tempfile.mkdtemp(prefix="park-live-"))
    mail = folder / "mail"
    mail.mkdir()
    port, mail_port = _free_port(), _free_port()
    copy_template(name)
    environment = {
        **os.environ,
        "PARK_MODE": "local",
        run.MARK: mark,
        "DATABASE_URL": url(name),
        # As in production: none of its processes may change what is only ever added.
        "DATABASE_ROLE": APP_ROLE,
        "REDIS_PREFIX": name,
        "PORT": str(port),
        "EMAIL_URL": f"smtp://127.0.0.1:{mail_port}",
        "PARK_MAIL_SINK": str(mail),
        "MEDIA_ROOT": str(folder / "media"),
        "PYTHONWARNINGS": "ignore",
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT": "json",
    }
    environment.pop("WEB_BIND", None)
    stack = Stack(port, name, folder, environment)
    try:
        stack.start()
        stack.wait_until_ready()
        RUNNING.append(stack)
        yield stack
    finally:
        RUNNING.clear()
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def live_database(running_stack: Stack, django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Django's connection of this process, turned to the database of the stack."""
    tests_own = connection.settings_dict["NAME"]
    media = settings.MEDIA_ROOT
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict["NAME"] = running_stack.database
        settings.MEDIA_ROOT = running_stack.folder / "media"
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = tests_own
            settings.MEDIA_ROOT = media


@pytest.fixture
def live_stack(running_stack: Stack, live_database: None) -> Stack:
    """The running portal, with this test's database connection turned to it."""
    if not running_stack.running:
        running_stack.start()
        running_stack.wait_until_ready()
    return running_stack


@pytest.fixture(autouse=True)
def idle_stack_stops(request: pytest.FixtureRequest) -> None:
    """The portal does not run on beside tests that do not use it: waiting, too, takes its part of the processor."""
    if "live_stack" not in request.fixturenames:
        for stack in RUNNING:
            stack.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
