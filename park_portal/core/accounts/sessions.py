"""Where sessions are kept: Django's own table, read the short way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from park_portal.core.prepared import Prepared

_current: Final = Prepared[Session](
    lambda key, now: Session.objects.filter(session_key=key, expire_date__gt=now),
    key="no session's key",
    now=datetime(1, 1, 1, tzinfo=UTC),
)


class SessionStore(DatabaseStore):
    def _get_session_from_db(self) -> Session | None:
        found = _current.first(key=self.session_key, now=timezone.now())
        if found is None:
            # As Django does: what is no session of ours gets another key when it is saved.
            self._session_key = None
        return found
