"""Contents page: every task of the ground floor."""

from park_portal.core.accounts.tasks import sweep_sessions
from park_portal.core.api.tasks import forget_answers
from park_portal.core.audit.tasks import seal_entries
from park_portal.core.backups.tasks import make_backup
from park_portal.core.jobs.tasks import run as run_job
from park_portal.core.jobs.tasks import sweep as sweep_jobs
from park_portal.core.ledger.tasks import expire_held, seal_transfers
from park_portal.core.outbox.tasks import send_digests, sweep
from park_portal.core.privacy.tasks import retention
from park_portal.core.webhooks.tasks import forget_events

__all__ = [
    "expire_held",
    "forget_answers",
    "forget_events",
    "make_backup",
    "retention",
    "run_job",
    "seal_entries",
    "seal_transfers",
    "send_digests",
    "sweep",
    "sweep_jobs",
    "sweep_sessions",
]
