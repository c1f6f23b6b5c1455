"""Contents page: every task of the ground floor."""

from park_portal.core.audit.tasks import seal_entries
from park_portal.core.outbox.tasks import handle, relay, send, send_digests

__all__ = ["handle", "relay", "seal_entries", "send", "send_digests"]
