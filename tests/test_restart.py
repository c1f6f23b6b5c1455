"""A new release costs nobody anything: web and worker are replaced while people and jobs are at work."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from park_portal import local, run
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import start_job
from tests.factories.applications import make_application
from tests.factories.core import make_staff
from tests.stack import Stack

JOBS = 6


class Web:
    """gunicorn on a socket that somebody else holds, as systemd holds park-web.socket."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            run.handing_over(self.socket, run.processes()["web"]),
            cwd=local.ROOT,
            env=self.stack.environment,
            pass_fds=[self.socket.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=(self.stack.folder / "web-restarted.log").open("ab"),
        )

    def restart(self) -> None:
        """Do what `systemctl restart park-web` does."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0
        self.process = self.start()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.socket.close()


def answer(url: str) -> int:
    with urllib.request.urlopen(url, timeout=60) as response:
        response.read()
        return int(response.status)


@contextmanager
def people(url: str, answers: Counter[str]) -> Iterator[None]:
    """Four who open page after page, each on a connection of its own; what they get is counted."""
    over = threading.Event()

    def browse(path: str) -> None:
        while not over.is_set():
            try:
                answers[str(answer(url + path))] += 1
            except OSError as error:
                answers[f"{path}: {error}"] += 1

    paths = ["/", "/accounts/login/", "/calls/", "/about/"]
    threads = [threading.Thread(target=browse, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(30)


def test_no_request_fails_and_no_task_is_lost_while_both_are_replaced(live_stack: Stack):
    lead = make_staff("lead")
    key = make_application().pk
    web = Web(live_stack)
    answers: Counter[str] = Counter()
    try:
        assert live_stack.wait(lambda: answer(web.url + "/healthz") == 200)
        with people(web.url, answers):
            live_stack.wait(lambda: answers["200"] > 20)
            jobs = [
                start_job("applications.export", actor=lead, params={"keys": [key], "number": number}).pk
                for number in range(JOBS)
            ]
            old = live_stack.running.pop("worker")
            old.terminate()
            live_stack.start("worker")  # the new one is there before the old one has gone
            web.restart()
            before = answers["200"]
            assert live_stack.wait(lambda: answers["200"] > before + 20)
            assert old.wait(30) == 0
            assert live_stack.wait(lambda: Job.objects.filter(pk__in=jobs, state="done").count() == JOBS)
    finally:
        web.stop()
    assert set(answers) == {"200"}, answers
    assert set(Job.objects.filter(pk__in=jobs).values_list("state", "attempt")) == {("done", 1)}
