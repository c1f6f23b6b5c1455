"""How logs read. Settings name it, so it imports nothing of Django."""

from __future__ import annotations

import logging


class OneLine(logging.Filter):
    """Log a refused right as one line: nothing went wrong, and its traceback hides those that matter."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", None) == 403:
            record.exc_info = None
            record.exc_text = None
        return True
