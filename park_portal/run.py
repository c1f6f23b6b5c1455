"""`make run`: prepares this checkout, then serves the portal with all its processes until Ctrl-C.

A process that dies is started again at once, as systemd does in production. A run that was killed itself leaves
processes behind; the next run recognises them by a mark in their environment, ends them, and starts afresh. Data lives
in PostgreSQL and under .local/, and is kept.
"""

import atexit
import fcntl
import json
import multiprocessing
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import IO, Any

from honcho.manager import Manager
from honcho.printer import Printer
from honcho.process import Process

from park_portal import local

MARK = "PARK_RUN"  # In the environment of every process of a run: the folder of data it belongs to.
BIN = Path(sys.executable).parent
PATIENCE = 90  # Seconds until the portal must answer.
SHORT_LIFE = 3  # Seconds. Who dies sooner has failed to start …
FAILURES = 5  # … and this often in a row ends the run.


def say(text: str) -> None:
    print(f"▸ {text}", flush=True)


def main() -> int:
    if os.environ.get("PARK_MODE", "local") != "local":
        sys.exit("`make run` is for local mode. docs/operating.md tells how production is started.")
    if os.environ.get(MARK) != str(local.LOCAL):
        # A process's environment is read from outside as it was at its start; so start again with the mark in it.
        os.environ[MARK] = str(local.LOCAL)
        os.execv(sys.executable, [sys.executable, "-m", "park_portal.run", *sys.argv[1:]])
    started = time.monotonic()
    lock = _only_one()
    end_leftovers()
    port = _free_port("PORT", 8000, exact=True)
    os.environ["PORT"] = str(port)
    os.environ.setdefault("EMAIL_URL", f"smtp://127.0.0.1:{_free_port('MAIL_SINK_PORT', 2525)}")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    os.environ.setdefault(
        "PYTHONWARNINGS", "ignore"
    )  # Celery's about root and the like: not for who runs a demo.

    try:
        prepare()
    except KeyboardInterrupt:
        print()
        return 130
    say("Starting web, relay, worker, beat and mail")
    code = _serve(port, started)
    _stop_services()
    lock.close()
    return code


def prepare() -> None:
    """Everything between a fresh clone and a portal that can be started; quick when nothing is to be done."""
    say("Starting PostgreSQL and Valkey")
    local.ensure_for_this_process()
    from park_portal import translations  # Babel is slow to import; say something first.

    say("Compiling translations")
    translations.build(quiet=True)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "park_portal.settings")
    import django
    from django.core.management import call_command
    from django.db import connections

    django.setup()
    say("Bringing the database up to date")
    call_command("migrate", interactive=False, verbosity=0)
    from park_portal.core.rights import assumable_role

    # What serves people may not change what is only ever added; a server on which nobody made the role goes without.
    os.environ.setdefault("DATABASE_ROLE", assumable_role())
    connections.close_all()


def processes(schedule: Path = local.LOCAL / "celerybeat-schedule") -> dict[str, list[str]]:
    """The commands of a run, by name; `schedule` is where beat remembers what it did last."""
    python = str(BIN / "python")
    celery = [python, "-m", "celery", "--quiet", "-A", "park_portal"]
    return {
        "web": [python, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"],
        "relay": [python, "-m", "park_portal.relay"],
        "worker": [
            *celery,
            "worker",
            "--concurrency",
            "2",
            "--without-gossip",
            "--without-mingle",
            "-l",
            "WARNING",
        ],
        "beat": [*celery, "beat", "--schedule", str(schedule), "--pidfile=", "-l", "WARNING"],
        "mail": [python, "-m", "park_portal.mailsink"],
    }


def end_leftovers(mark: str | None = None) -> None:
    """End every process of an earlier run of this checkout: a run that was killed could not do it itself."""
    import psutil

    mark = mark or str(local.LOCAL)
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid not in ours and process.environ().get(MARK) == mark:
                found.append(process)
    if not found:
        return
    say(f"Ending {len(found)} processes that an earlier run left behind")
    for process in found:
        with suppress(psutil.Error):
            process.terminate()
    _gone, alive = psutil.wait_procs(found, timeout=5)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


def _only_one() -> IO[str]:
    """The lock of a running portal; the kernel drops it when the run dies, however it dies."""
    local.LOCAL.mkdir(exist_ok=True)
    lock = (local.LOCAL / "run.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        sys.exit(f"The portal of this checkout is already running ({lock.read().strip()}).")
    lock.truncate(0)
    lock.write(f"process {os.getpid()}, port {os.environ.get('PORT') or 8000}")
    lock.flush()
    os.register_at_fork(after_in_child=lock.close)  # A child that outlives us must not keep the lock.
    return lock


def _free_port(variable: str, default: int, *, exact: bool = False) -> int:
    """The port to listen on. `exact`: what people typed or bookmarked is not changed behind their back."""
    asked = os.environ.get(variable, "").strip()
    if asked and not asked.isdecimal():
        sys.exit(f"{variable} must be a number, not {asked!r}.")
    port = int(asked or default)
    for candidate in (port, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                if exact or asked:
                    sys.exit(
                        f"Port {port} is taken by another program. Choose another: {variable}={port + 1} make run"
                    )
                continue
            return int(probe.getsockname()[1])
    raise AssertionError("the system always has a free port")


class Kept(Process):
    """A process that is started again whenever it dies, until the supervisor says that it is over."""

    over: Event
    passed: tuple[int, ...] = ()  # Open files that it gets.

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        self._events = events
        failures = 0
        while not self.over.is_set():
            started = time.monotonic()
            self._child = self._child_ctor(self.cmd, env=self.env, cwd=self.cwd, pass_fds=self.passed)
            if failures == 0:
                for number in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(number, signal.SIG_IGN)  # It ends when what it keeps does.
            self._send_message({"pid": self._child.pid}, type="start")
            # What a killed process leaves behind may hold its output open for a while: do not wait for that.
            threading.Thread(target=self._pass_on, args=(self._child.stdout,), daemon=True).start()
            self._child.wait()
            failures = failures + 1 if time.monotonic() - started < SHORT_LIFE else 0
            if failures >= FAILURES:
                break
            self.over.wait(failures)
        self._send_message({"returncode": self._child.returncode}, type="stop")

    def _pass_on(self, output: Any) -> None:
        for line in iter(output.readline, b""):
            self._send_message(line)


class Supervisor(Manager):
    """Keeps all processes running; one that cannot be started ends the run."""

    def __init__(self, printer: Printer) -> None:
        super().__init__(printer)
        self.over = multiprocessing.Event()
        self._process_ctor = self._kept

    def _kept(self, *args: Any, **kwargs: Any) -> Kept:
        kept = Kept(*args, **kwargs)
        kept.over = self.over
        return kept

    def terminate(self) -> None:
        self.over.set()
        super().terminate()


HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


def handing_over(listening: socket.socket, command: list[str]) -> list[str]:
    """The command, begun with the socket where systemd puts it and said as systemd says it."""
    return [sys.executable, "-c", HAND_OVER, str(listening.fileno()), *command]


def _serve(port: int, started: float) -> int:
    manager = Supervisor(Printer(sys.stdout))
    # The socket outlives whoever serves it, as with systemd: a request that comes meanwhile waits.
    listening = socket.create_server(("127.0.0.1", port), backlog=2048)
    for name, command in processes().items():
        # `exec`: the process itself, not a shell around it, gets the signals.
        if name == "web":
            command = handing_over(listening, command)
        line = f"exec {shlex.join(command)}"
        kept = manager.add_process(name, line, env=os.environ.copy(), cwd=str(local.ROOT))
        kept.passed = (listening.fileno(),) if name == "web" else ()
    threading.Thread(target=_announce, args=(port, started), daemon=True).start()
    manager.loop()
    return 0 if manager.returncode in (None, 130, 143) else int(manager.returncode)


def _announce(port: int, started: float) -> None:
    """Wait until everything answers, then say where."""
    time.sleep(1)  # The manager forks its processes first.
    answer: dict = {}
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = health(port)
        if answer.get("status") == "ok":
            break
        time.sleep(0.5)
    else:
        say(
            f"The portal does not answer as it should. /healthz says: {json.dumps(answer.get('checks', answer))}"
        )
        return
    say(f"The portal answers at http://localhost:{port}/")
    if os.environ.get("PARK_DEMO", "1") != "0":
        say("Loading the demo park, if there is none yet; until then its logins are not known")
        loading = subprocess.Popen([sys.executable, "manage.py", "seed_demo", "--if-empty"], cwd=local.ROOT)
        # Whoever stops the portal meanwhile stops this too; nothing of it was committed.
        atexit.register(loading.kill)
        if loading.wait() != 0:
            say("The demo park could not be loaded; the portal itself works.")
    lines = [
        "",
        f"  The park is open, after {time.monotonic() - started:.0f} seconds:",
        "",
        f"    portal        http://localhost:{port}/",
        f"    staff admin   http://localhost:{port}/admin/",
        f"    mails sent    http://localhost:{port}/local/mail/",
        "",
        *_logins(),
        "  Ctrl-C stops everything. The data is kept.",
        "",
    ]
    print("\n".join(lines), flush=True)


def health(port: int) -> dict:
    """What /healthz says, or an empty dict while nothing answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/healthz", timeout=5) as response:
            return dict(json.load(response))
    except urllib.error.HTTPError as error:
        with suppress(ValueError):
            return dict(json.load(error))
    except OSError:
        pass
    return {}


def _logins() -> list[str]:
    """The demo logins, as `seed_demo` left them when it filled this park."""
    with suppress(OSError, ValueError):
        logins = json.loads((local.LOCAL / "demo_logins.json").read_text())
        width = max(len(login["email"]) for login in logins)
        return [
            "  Demo logins:",
            "",
            *(f"    {one['email']:<{width}}   {one['password']}   {one['role']}" for one in logins),
            "",
        ]
    return []


def _stop_services() -> None:
    """Stop PostgreSQL and Valkey, unless somebody else (a test run) is using them now."""
    if os.environ.get("DATABASE_URL") or os.environ.get("REDIS_URL"):
        return  # Whoever named them keeps them.
    if local.in_use():
        say("PostgreSQL and Valkey stay up: another program is using them")
        return
    say("Stopping PostgreSQL and Valkey")
    local.stop_services()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except local.LocalServiceError as problem:
        sys.exit(str(problem))
