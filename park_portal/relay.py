"""The relays: they carry what services wrote into the outbox to where it is due.

    python -m park_portal.relay

One process loads the portal and keeps RELAY_PROCESSES copies of itself at work; a copy that dies is replaced within
milliseconds. Each listens to PostgreSQL's bell, looks by itself twice a second, and has other threads for what takes
long: mail, chat and webhooks. Any number of hosts may run relays: a message in hand is a row locked in PostgreSQL. Copies whose
parent was killed work on until its successor, which the supervisor starts, is there.
"""

from __future__ import annotations

import gc
import logging
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

LOOK: Final = 0.5  # Seconds without a bell after which a relay looks by itself.
ORPHAN: Final = 10.0  # Seconds that a copy works on without its parent.
PATIENCE: Final = 20.0  # Seconds that a copy has to end in.
HELPERS: Final = 2  # Threads that send beside the first one …
MANY: Final = 50  # … when that many mails and posts were waiting.
# A relay that stands still in the middle of a message (a paused machine) loses it to another after this long.
STANDSTILL: Final = "3s"

log = logging.getLogger("park_portal.relay")


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "park_portal.settings")
    import django

    django.setup()
    from django.db import connections

    import park_portal.celery  # noqa: F401 - handlers ring Celery for long work

    connections.close_all()
    gc.collect()
    gc.freeze()
    return Keeper(int(os.environ.get("RELAY_PROCESSES") or 2)).run()


class Keeper:
    """Keeps so many relays at work, and ends them when it is told to end."""

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self.children: dict[int, float] = {}
        self.over = False

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        while not self.over:
            while len(self.children) < self.processes and not self.over:
                self._fork()
            self._bury()
        deadline = time.monotonic() + PATIENCE
        self._signal(signal.SIGTERM)
        while self.children and time.monotonic() < deadline:
            self._bury(wait=0.05)
        self._signal(signal.SIGKILL)
        return 0

    def _end(self, *args: Any) -> None:
        self.over = True
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        for pid in list(self.children):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _fork(self) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                Relay(parent).run()
                code = 0
            except BaseException:
                log.exception("A relay ended")
            finally:
                logging.shutdown()
                os._exit(code)
        self.children[pid] = time.monotonic()

    def _bury(self, wait: float = 0.2) -> None:
        """Wait a moment for a child that ended."""
        end = time.monotonic() + wait
        while True:
            with suppress(ChildProcessError):
                pid, _status = os.waitpid(-1, os.WNOHANG)
                if pid:
                    lived = time.monotonic() - self.children.pop(pid, 0)
                    if lived < 1 and not self.over:
                        time.sleep(1)  # Something is wrong with the place; do not fill its log.
                    return
            if time.monotonic() >= end:
                return
            time.sleep(0.02)


class Relay:
    """One relay: a thread for messages, one for what leaves the house, one that says it is alive."""

    def __init__(self, parent: int) -> None:
        self.parent = parent
        self.orphan_since = 0.0
        self.over = threading.Event()
        self.mail = threading.Event()
        self.many = threading.Event()
        self.turns = 0

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *args: self.over.set())
        senders = [self._send, *[self._help] * HELPERS]
        threads = [threading.Thread(target=one, daemon=True) for one in (*senders, self._live)]
        for thread in threads:
            thread.start()
        bell = Bell()
        from park_portal.core.outbox.services import relay_messages

        while not self._is_over():
            self.turns += 1
            done = attempt(relay_messages, standstill=STANDSTILL)
            self.mail.set()
            if not done:
                bell.wait(LOOK)
        self.over.set()
        self.mail.set()
        deadline = time.monotonic() + PATIENCE
        for thread in threads[: len(senders)]:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _is_over(self) -> bool:
        if os.getppid() != self.parent:
            self.orphan_since = self.orphan_since or time.monotonic()
            if time.monotonic() - self.orphan_since > ORPHAN:
                self.over.set()
        return self.over.is_set()

    def _send(self) -> None:
        from park_portal.core.outbox.services import relay_slow_messages, send_waiting

        stop = self.over.is_set
        while not stop():
            tried = attempt(lambda: send_waiting(limit=MANY, stop=stop))
            if tried == MANY:
                self.many.set()
            if not tried + attempt(lambda: relay_slow_messages(stop=stop)):
                self.mail.wait(1)
                self.mail.clear()

    def _help(self) -> None:
        """Send beside the first thread while there is much: one waits for the server, another for the disk."""
        from django.db import connection

        from park_portal.core.outbox.services import send_waiting

        stop = self.over.is_set
        while not stop():
            if self.many.wait(1):
                while attempt(lambda: send_waiting(stop=stop)):
                    pass
                self.many.clear()
                connection.close()

    def _live(self) -> None:
        from park_portal.health import EVERY, leave_sign_of_life

        seen = 0
        while not self.over.wait(EVERY if seen else 0.2):
            if self.turns != seen:
                seen = self.turns
                leave_sign_of_life("relay")


def attempt(work: Callable[[], int], *, standstill: str = "") -> int:
    """Do ``work`` and return what it did; 0 after a moment when PostgreSQL is away."""
    from django.db import Error, connection

    try:
        if standstill and connection.connection is None:
            with connection.cursor() as cursor:
                cursor.execute("SET idle_in_transaction_session_timeout = %s", [standstill])
        return work()
    except Error:
        log.warning("PostgreSQL did not do as asked; the relay tries again.", exc_info=True)
        with suppress(Error):
            connection.close()
        time.sleep(0.2)
        return 0


class Bell:
    """A connection that listens."""

    def __init__(self) -> None:
        self.connection: Any = None

    def wait(self, seconds: float) -> None:
        """Wait until the bell rings, at most so long."""
        import psycopg2

        try:
            if self.connection is None:
                self.connection = _listen()
                return  # It may have rung before: look once more.
            select.select([self.connection], [], [], seconds)
            self.connection.poll()
            self.connection.notifies.clear()
        except (psycopg2.Error, OSError, ValueError):
            self.connection = None
            time.sleep(0.1)


def _listen() -> Any:
    import psycopg2
    from django.db import connection

    from park_portal.core.outbox.services import BELL

    listening = psycopg2.connect(**connection.get_connection_params())
    listening.set_session(autocommit=True)
    with listening.cursor() as cursor:
        cursor.execute(f"LISTEN {BELL}")
    return listening


if __name__ == "__main__":
    raise SystemExit(main())
