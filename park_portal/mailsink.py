"""Local mode's mail server: takes every mail and keeps it as a file. Nothing ever leaves the machine.

    python -m park_portal.mailsink

`park_portal.mailbox` shows what it kept.
"""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope

KEEP = 2000  # Mails; older ones are removed.


class Sink:
    """Writes each mail whole or not at all: a reader never meets half a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        self.count += 1
        name = f"{time.time_ns():020d}-{os.getpid()}-{self.count}"
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        head = f"X-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n".encode()
        half = self.folder / f"{name}.part"
        half.write_bytes(head + content)
        half.rename(self.folder / f"{name}.eml")
        if self.count % 100 == 0:
            for old in sorted(self.folder.glob("*.eml"))[:-KEEP]:
                old.unlink(missing_ok=True)
        return "250 Kept"


async def serve(folder: Path, port: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    loop = asyncio.get_running_loop()
    sink = Sink(folder)
    server = await loop.create_server(
        lambda: SMTP(sink, enable_SMTPUTF8=True, data_size_limit=40 * 1024 * 1024), "127.0.0.1", port
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    server.close()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "park_portal.settings")
    from django.conf import settings  # Reads the environment only; no application is loaded.

    if settings.MAIL_SINK is None:
        raise SystemExit("The mail sink is for local mode only.")
    asyncio.run(serve(settings.MAIL_SINK, settings.EMAIL_PORT))


if __name__ == "__main__":
    main()
