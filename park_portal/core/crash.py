"""Named points at which the chaos suite ends a process, as a power cut would.

They stand where a process must be allowed to die: after the commit, after the bell, after the claim, after the effect,
before the answer. Nothing happens there unless PARK_CRASH names a folder, which nobody but `make chaos` does: whoever
then reaches the point ``name`` and finds a file of that name takes it away and ends itself with SIGKILL, so that one
file costs one process.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Final

FOLDER: Final = os.environ.get("PARK_CRASH", "")


def point(name: str) -> None:
    """Die here if the chaos suite has armed ``name``."""
    if FOLDER:
        with suppress(FileNotFoundError):
            os.rename(os.path.join(FOLDER, name), os.path.join(FOLDER, f"{name}.{os.getpid()}"))
            os.kill(os.getpid(), signal.SIGKILL)
