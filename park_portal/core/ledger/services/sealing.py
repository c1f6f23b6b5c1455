"""The ledger's hash chain, as the audit trail's: made after the commit, so that no booking waits for another's link."""

from __future__ import annotations

import hashlib
from typing import Final

from park_portal.core.audit.chain import extend_chain
from park_portal.core.ledger.models import Transfer, TransferSeal

# Any constant will do, as long as nothing else takes the same advisory lock.
_SEAL_LOCK: Final = 0x5EA2


def seal_transfers(*, limit: int = 5000) -> int:
    """Add up to ``limit`` unsealed transfers to the chain, by number; return how many (0 while another does it)."""
    return extend_chain(
        TransferSeal,
        Transfer.objects.only("id", "digest"),
        sealed_by="transfer_id",
        lock=_SEAL_LOCK,
        link=_link,
        limit=limit,
    )


def link_digest(previous: str, position: int, transfer_id: int, digest: str) -> str:
    """Return the digest of a link: over the one before, its place, and the transfer's number and fingerprint."""
    return hashlib.sha256(f"{previous}|{position}|{transfer_id}|{digest}".encode()).hexdigest()


def _link(position: int, previous: str, row: Transfer) -> TransferSeal:
    return TransferSeal(
        position=position,
        transfer_id=row.pk,
        digest=link_digest(previous, position, row.pk, row.digest),
    )
