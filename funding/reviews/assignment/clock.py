"""The time that may be taken, and word of how far the work has come."""

from __future__ import annotations

import time

from .problem import is_number
from .result import OutOfTime, Progress


class Clock:
    """Counts down from ``seconds`` (None: as long as it takes) and tells ``progress`` of each step."""

    def __init__(self, seconds: float | None, progress: Progress | None) -> None:
        if seconds is not None and not (is_number(seconds) and seconds > 0):
            raise ValueError(f"deadline is to be a number of seconds above nought, not {seconds!r}")
        self._seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds
        self._progress = progress
        self.step = "checking"

    def at(self, share: float, step: str) -> None:
        """Say where the work is; raises `OutOfTime` when there is none left."""
        self.step = step
        if self._progress is not None:
            self._progress(share, step)
        self.left()

    def left(self) -> float | None:
        """Return the seconds left, None for no limit; raises `OutOfTime` when there are none."""
        if self._end is None or self._seconds is None:
            return None
        left = self._end - time.monotonic()
        if left <= 0:
            raise OutOfTime(self._seconds, self.step)
        return left

    def over(self) -> OutOfTime:
        """The error for a solver that stopped because its time was over."""
        return OutOfTime(self._seconds or 0.0, self.step)
